/* SPDX-License-Identifier: MIT */
/*
 * Synthetic embeddings: concepts lie in a space of few dimensions, as those of real embeddings
 * do, and episodes scatter around them in all 768.
 */
#ifndef DEMO_SYNTH_H
#define DEMO_SYNTH_H

#include "rng.h"

#include <stdbool.h>
#include <stdint.h>

struct synth {
    uint32_t concepts;
    float *centroids;
};

bool synth_init(struct synth *synth, uint32_t concepts, uint64_t seed);
void synth_destroy(struct synth *synth);
const float *synth_centroid(const struct synth *synth, uint32_t concept);
/* A concept, the low-numbered ones more often: some topics come up more than others. */
uint32_t synth_pick(const struct synth *synth, struct rng *rng);
/* A new normalised vector whose cosine with the concept's centroid is about 0.8. */
void synth_episode(const struct synth *synth, uint32_t concept, struct rng *rng, float *out);

#endif
