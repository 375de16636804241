/* SPDX-License-Identifier: MIT */
/*
 * Values that the daemon measures itself, each a series that is known from the
 * start: whoever measures one sets it, and it is shown until it is too old.  What
 * nobody sets, or has stopped to set, is absent.
 *
 * All series are added before figures_families() is called; after that they may
 * be set by any thread, and are read by one at a time.
 */
#ifndef ENGRAMD_FIGURES_H
#define ENGRAMD_FIGURES_H

#include "daemon/snapshot/plan.h"

struct figures;

#define FIGURE_NONE UINT32_MAX

struct figures *figures_new(void); /* NULL when there is no memory */
void figures_free(struct figures *figures);

/*
 * Adds a series; `labels` in exposition form, escaped and sorted by name, are copied.  A value that
 * is older than `lifetime` (ns, UINT64_MAX for ever) is absent.  FIGURE_NONE when there is no
 * memory, which the calls below pass over.
 */
uint32_t figures_add(struct figures *figures, enum engram_family family, const char *labels,
                     uint64_t lifetime);

/* The value from now on, in the unit of its family; NAN: it is not known now, and absent. */
void figures_set(struct figures *figures, uint32_t figure, double value);

/* The families, NULL-terminated, for plan_input.computed; NULL when there is no memory.  They live
 * as long as the figures. */
const struct computed_family *const *figures_families(struct figures *figures);

/* Writes the current values into the computed row. */
void figures_fill(struct figures *figures, const struct plan *plan, union word *row);

#endif
