/* SPDX-License-Identifier: MIT */
/*
 * Weak memory, for the models that include this.  Promela itself is sequentially
 * consistent, so what a machine like aarch64 may do is spelled out:
 *
 * - A plain store goes into the writer's store buffer, which has a place for each
 *   location, and leaves it for memory whenever store_buffer() likes, in any order.
 *   The writer sees its own stores at once, everybody else only what is in memory.
 * - A release store leaves after all that were in the buffer before it.
 * - A read-modify-write acts on memory.  If it has release semantics it waits for
 *   the buffer to be empty; so does a barrier between stores.
 * - Loads that nothing orders are made in any order by the reader that models them.
 *
 * Stores of a writer that was killed still leave its buffer, as they do in hardware.
 * Memory is multi-copy atomic, as on x86_64 and ARMv8.  Before the include: LOCATIONS
 * (at most 15), WRITERS, and DRAINS(w): a DRAIN(w, i) for each location.
 */
byte memory[LOCATIONS];

typedef buffer {
    byte value[LOCATIONS];
    short pending;          /* a bit for each location */
    short after[LOCATIONS]; /* of a release store: what must leave before it */
};
buffer buffers[WRITERS];

#define BIT(location) (1 << (location))
#define IS_PENDING(w, location) (buffers[w].pending & BIT(location))
#define DRAINED(w) (buffers[w].pending == 0)
#define LOAD(w, location)                                                                          \
    (IS_PENDING(w, location) -> buffers[w].value[location] : memory[location])

inline store(w, location, stored)
{
    d_step {
        buffers[w].value[location] = stored;
        buffers[w].pending = buffers[w].pending | BIT(location)
    }
}

inline store_release(w, location, stored)
{
    d_step {
        buffers[w].after[location] = buffers[w].pending & ~BIT(location);
        buffers[w].value[location] = stored;
        buffers[w].pending = buffers[w].pending | BIT(location)
    }
}

/* Zeros what is not pending, so that states that do not differ are the same. */
#define DRAIN(w, location)                                                                         \
    ::d_step                                                                                       \
    {                                                                                              \
        IS_PENDING(w, location) && !(buffers[w].pending & buffers[w].after[location]);             \
        memory[location] = buffers[w].value[location];                                             \
        buffers[w].pending = buffers[w].pending & ~BIT(location);                                  \
        buffers[w].value[location] = 0;                                                            \
        buffers[w].after[location] = 0                                                             \
    }

proctype store_buffer(byte w)
{
end:
    do
    DRAINS(w)
    od
}
