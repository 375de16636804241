/* SPDX-License-Identifier: MIT */
#include "daemon/stream/stream_selection.h"
#include "daemon/base/json.h"
#include "daemon/snapshot/labels.h"

#include <stdlib.h>
#include <string.h>

enum pick_type pick_type(const struct pick *pick)
{
    if (pick->family->type == SERIES_HISTOGRAM)
        return PICK_HISTOGRAM;
    if (pick->series->rows == ROWS_SUMMED)
        return PICK_I64;
    return pick->family->type == SERIES_COUNTER && pick->series->rows != ROWS_COMPUTED
               ? PICK_U64
               : PICK_DOUBLE;
}

uint32_t pick_words(const struct pick *pick)
{
    return pick->series->shape ? pick->series->shape->cells + SUM_WORDS : 1;
}

/* Calls for each series and node that is selected. */
typedef void pick_visit(struct selection *selection, const struct pick *pick, uint32_t *words);

static void visit_series(struct selection *selection, struct pick pick, const struct match *match,
                         uint32_t nodes, pick_visit *visit, uint32_t *words)
{
    if (pick.series->rows != ROWS_NODES) {
        visit(selection, &pick, words);
        return;
    }
    for (pick.node = 0; pick.node < nodes; pick.node++)
        if (match_node(match, pick.node))
            visit(selection, &pick, words);
}

static uint32_t visit_all(struct selection *selection, const struct match *match,
                          const struct snapshot *snapshot, pick_visit *visit)
{
    uint32_t words = 0;
    selection->count = 0;
    for (uint32_t i = 0; i < snapshot->set->count; i++) {
        const struct family *family = &snapshot->set->families[i];
        if (!match_family(match, family->name))
            continue;
        for (uint32_t j = 0; j < family->count; j++) {
            struct pick pick = {
                .family = family, .series = &family->series[j], .node = PICK_NO_NODE};
            if (match_series(match, pick.series))
                visit_series(selection, pick, match, snapshot->node_count, visit, &words);
        }
    }
    return words;
}

static void count_pick(struct selection *selection, const struct pick *pick, uint32_t *words)
{
    selection->count++;
    *words += pick_words(pick);
}

static void add_head(struct buffer *out, const struct pick *pick)
{
    struct json json = {.out = out};
    json_key(&json, "name");
    json_string(&json, pick->family->name);
    json_key(&json, "labels");
    json_object(&json);
    if (pick->node == PICK_NO_NODE)
        labels_add(&json, pick->series->labels);
    else
        labels_add_of_node(&json, pick->series->labels, pick->node);
    json_object_end(&json);
}

static void add_pick(struct selection *selection, const struct pick *pick, uint32_t *words)
{
    struct pick *to = &selection->picks[selection->count++];
    *to = *pick;
    to->before = *words;
    to->head = (uint32_t)selection->heads.length;
    add_head(&selection->heads, pick);
    to->head_length = (uint32_t)selection->heads.length - to->head;
    *words += pick_words(pick);
}

bool selection_new(struct selection *selection, const struct match *match,
                   const struct snapshot *snapshot)
{
    *selection = (struct selection){0};
    size_t words = visit_all(selection, match, snapshot, count_pick);
    selection->picks = calloc(selection->count + 1, sizeof *selection->picks);
    selection->before = calloc(words + 1, sizeof *selection->before);
    selection->plan = plan_hold(snapshot_plan(snapshot));
    if (selection->picks && selection->before)
        visit_all(selection, match, snapshot, add_pick);
    if (!selection->picks || !selection->before || selection->heads.failed) {
        selection_free(selection);
        return false;
    }
    selection->bytes = selection->count * sizeof *selection->picks +
                       words * sizeof *selection->before + selection->heads.capacity;
    return true;
}

void selection_free(struct selection *selection)
{
    if (selection->plan)
        plan_release(selection->plan);
    free(selection->picks);
    free(selection->before);
    buffer_free(&selection->heads);
    *selection = (struct selection){0};
}

static int pick_compare(const struct pick *a, const struct pick *b)
{
    int order = strcmp(a->family->name, b->family->name);
    if (order == 0)
        order = strcmp(a->series->labels, b->series->labels);
    return order ? order : (a->node > b->node) - (a->node < b->node);
}

static void inherit_one(struct selection *selection, struct pick *pick,
                        const struct selection *before, const struct pick *old)
{
    if (pick_type(pick) != pick_type(old) || pick_words(pick) != pick_words(old))
        return; /* its family is another one now */
    pick->known = old->known;
    memcpy(&selection->before[pick->before], &before->before[old->before],
           pick_words(pick) * sizeof *selection->before);
}

void selection_inherit(struct selection *selection, const struct selection *before,
                       selection_gone *gone, void *argument)
{
    uint32_t i = 0, j = 0;
    while (j < before->count) {
        int order =
            i < selection->count ? pick_compare(&selection->picks[i], &before->picks[j]) : 1;
        if (order == 0)
            inherit_one(selection, &selection->picks[i], before, &before->picks[j]);
        else if (order > 0 && before->picks[j].known)
            gone(argument, before, &before->picks[j]);
        i += order <= 0;
        j += order >= 0;
    }
}

static const union word *summed(const struct pick *pick, const struct snapshot *snapshot,
                                union word *room, bool *lacking)
{
    room->count = 0;
    *lacking = snapshot->incomplete;
    for (uint32_t i = 0; i < snapshot->node_count; i++)
        if (snapshot->nodes[i])
            room->count += snapshot->nodes[i][pick->series->at].count;
    return *lacking ? NULL : room;
}

const union word *pick_value(const struct pick *pick, const struct snapshot *snapshot,
                             union word *room, bool *lacking)
{
    const union word *row = NULL;
    *lacking = false;
    switch ((enum series_rows)pick->series->rows) {
    case ROWS_SUMMED:
        return summed(pick, snapshot, room, lacking);
    case ROWS_NODES:
        row = snapshot->nodes[pick->node];
        break;
    case ROWS_HOST:
        row = snapshot->host;
        break;
    case ROWS_COMPUTED:
        row = snapshot->computed;
        break;
    }
    *lacking = !row;
    if (!row ||
        (pick_type(pick) == PICK_DOUBLE && row[pick->series->at].count == ENGRAM_GAUGE_UNSET))
        return NULL;
    return row + pick->series->at;
}
