/* SPDX-License-Identifier: MIT */
#include "complete.h"

#include <math.h>
#include <string.h>

#define BLOCK 8

const char *completion_type_name(enum completion_type type)
{
    static const char *const names[COMPLETION_TYPES] = {"hippocampal", "neocortical"};

    return names[type];
}

void partial_cue_make(struct partial_cue *cue, const float *full, float known_share,
                      struct rng *rng)
{
    memset(cue, 0, sizeof(*cue));
    for (size_t i = 0; i < VECTOR_DIM; i += BLOCK) {
        if (rng_unit(rng) >= known_share)
            continue;
        cue->known[i / 64] |= UINT64_C(0xff) << (i % 64);
        memcpy(cue->values + i, full + i, BLOCK * sizeof(float));
    }
    cue->known_length = vector_normalise(cue->values);
}

void complete_pattern(const struct partial_cue *cue, const struct completion_source *sources,
                      uint32_t count, float *completion)
{
    memset(completion, 0, VECTOR_BYTES);
    for (uint32_t i = 0; i < count; i++)
        vector_add_scaled(completion, sources[i].vector, sources[i].weight);
    /* Both parts must be on the scale of one unit vector before they are put together. */
    vector_normalise(completion);
    for (size_t i = 0; i < VECTOR_DIM; i += BLOCK) {
        if (!((cue->known[i / 64] >> (i % 64)) & 1))
            continue;
        for (size_t j = i; j < i + BLOCK; j++)
            completion[j] = cue->values[j] * cue->known_length;
    }
    vector_normalise(completion);
}

struct completion_verdict completion_judge(float stored_similarity, float lure_similarity)
{
    return (struct completion_verdict){
        .plausibility = stored_similarity,
        .lure_similarity = lure_similarity,
        .false_memory = lure_similarity > stored_similarity,
        .accepted = stored_similarity >= COMPLETE_PLAUSIBLE,
    };
}

void drm_list_make(struct drm_list *list, const float *lure, float association, struct rng *rng)
{
    /* Random directions are nearly orthogonal to the lure: the two shares add up to length 1. */
    float noise = sqrtf((1.0f - association * association) / VECTOR_DIM);

    vector_copy(list->lure, lure);
    list->association = association;
    for (size_t item = 0; item < DRM_ITEMS; item++) {
        for (size_t i = 0; i < VECTOR_DIM; i++)
            list->items[item][i] = association * lure[i] + noise * rng_normal(rng);
        vector_normalise(list->items[item]);
    }
}
