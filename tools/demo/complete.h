/* SPDX-License-Identifier: MIT */
/* Pattern completion: fills in the unknown dimensions of a partial cue from recalled patterns. */
#ifndef DEMO_COMPLETE_H
#define DEMO_COMPLETE_H

#include "rng.h"
#include "vector.h"

#include <stdbool.h>
#include <stdint.h>

#define COMPLETE_PLAUSIBLE 0.7f /* a completion at least this plausible is believed */
#define DRM_ITEMS 12

enum completion_type {
    COMPLETION_HIPPOCAMPAL, /* from episodes not yet remote */
    COMPLETION_NEOCORTICAL, /* from the prototypes of schemas */
    COMPLETION_TYPES
};

/* A cue of which only some dimensions are known; the others are 0 in values. */
struct partial_cue {
    VECTOR_ALIGNED float values[VECTOR_DIM]; /* normalised over the known dimensions */
    uint64_t known[VECTOR_DIM / 64];
    float known_length; /* of the known part, before it was normalised */
};

struct completion_source {
    const float *vector;
    float weight;
};

struct completion_verdict {
    float plausibility; /* cosine of the completion and the best stored match */
    float lure_similarity;
    bool false_memory; /* the completion is nearer to what was never stored */
    bool accepted;     /* plausible enough to be believed */
};

/* Words of one association list, and the theme word of the list, which is never stored. */
struct drm_list {
    VECTOR_ALIGNED float lure[VECTOR_DIM];
    VECTOR_ALIGNED float items[DRM_ITEMS][VECTOR_DIM];
    float association; /* cosine that the items have with the lure, on average */
};

const char *completion_type_name(enum completion_type type);

/* Keeps about the given share of the dimensions of full, in blocks of eight. */
void partial_cue_make(struct partial_cue *cue, const float *full, float known_share,
                      struct rng *rng);

/* The known dimensions come from the cue, the others from the weighted mean of the sources. */
void complete_pattern(const struct partial_cue *cue, const struct completion_source *sources,
                      uint32_t count, float *completion);

struct completion_verdict completion_judge(float stored_similarity, float lure_similarity);

/* Surrounds a given lure with items of the given association. */
void drm_list_make(struct drm_list *list, const float *lure, float association, struct rng *rng);

#endif
