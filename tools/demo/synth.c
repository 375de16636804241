/* SPDX-License-Identifier: MIT */
#include "synth.h"

#include "vector.h"

#include <math.h>
#include <stdlib.h>

#define LATENT_DIM 12
#define SCATTER 0.75f /* length of an episode's deviation from its centroid */

static void fill_normal(float *out, size_t count, struct rng *rng)
{
    for (size_t i = 0; i < count; i++)
        out[i] = rng_normal(rng);
}

bool synth_init(struct synth *synth, uint32_t concepts, uint64_t seed)
{
    size_t bytes = concepts * VECTOR_BYTES;
    float *basis = malloc(LATENT_DIM * VECTOR_BYTES);
    struct rng rng;

    rng_seed(&rng, seed);
    synth->concepts = concepts;
    synth->centroids = aligned_alloc(64, bytes);
    if (!basis || !synth->centroids) {
        free(basis);
        synth_destroy(synth);
        return false;
    }
    fill_normal(basis, LATENT_DIM * VECTOR_DIM, &rng);
    for (uint32_t concept = 0; concept < concepts; concept ++) {
        float *centroid = synth->centroids + (size_t) concept * VECTOR_DIM;
        for (size_t i = 0; i < VECTOR_DIM; i++)
            centroid[i] = 0.0f;
        for (size_t k = 0; k < LATENT_DIM; k++)
            vector_add_scaled(centroid, basis + k * VECTOR_DIM, rng_normal(&rng));
        vector_normalise(centroid);
    }
    free(basis);
    return true;
}

void synth_destroy(struct synth *synth)
{
    free(synth->centroids);
    synth->centroids = NULL;
}

const float *synth_centroid(const struct synth *synth, uint32_t concept)
{
    return synth->centroids + (size_t) concept * VECTOR_DIM;
}

uint32_t synth_pick(const struct synth *synth, struct rng *rng)
{
    uint32_t a = rng_below(rng, synth->concepts);
    uint32_t b = rng_below(rng, synth->concepts);

    return a < b ? a : b;
}

void synth_episode(const struct synth *synth, uint32_t concept, struct rng *rng, float *out)
{
    const float *centroid = synth_centroid(synth, concept);
    float scale = SCATTER / sqrtf(VECTOR_DIM);

    for (size_t i = 0; i < VECTOR_DIM; i++)
        out[i] = centroid[i] + scale * rng_normal(rng);
    vector_normalise(out);
}
