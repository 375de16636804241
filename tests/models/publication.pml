/* SPDX-License-Identifier: MIT */
/*
 * Publication of descriptors: two writers put two series into one chain, in opposite
 * order, one of them may be killed at any step, and a reader looks at any moment.
 *
 *     here                  in the code
 *     publish()             engram_publish(), include/engram/directory.h
 *     find()                engram_find()
 *     new_record()          engram_new_record(); a chunk of the arena holds one record
 *     place()               engram_new_slot(), engram_new_chunk(), include/engram/memory.h
 *     reserve_block()       engram_reserve_block(), for the one CPU that there is
 *     refresh()             reader_refresh() and read_chain(), shmlib/reader.c
 *     sum()                 sum_cpu(), shmlib/sum.c, with reader_has_block()
 *
 * "Memory" of a chunk is a location that is 1 once engram_take_memory() has populated it.
 * A descriptor's bytes are two locations, TEXT (all that memcpy() brings, where its slot
 * lies included) and NEXT.
 *
 * Checked: what a reader reaches is whole and lies where memory is; no series is twice in
 * the chain; what was published before a refresh is seen by it, and in the end all is; a
 * reader touches no block without memory; who has died keeps nobody from ending (else:
 * invalid end state).
 *
 * Not modelled: budgets and refusals (who is refused publishes nothing), slots within a
 * chunk, several chains (they share nothing), the hint `published` (every second a look goes
 * without it), hostile regions (validation is fuzzed), and
 * loads along a chain that overtake each other: each needs the address that the one before
 * brought.  preads are ordered by the system call.
 *
 * Each BREAK_... takes one part away, and must be found.
 */
#define WRITERS 2
#define RECORDS 4 /* numbered from 1: 0 is no record */
#define CHUNKS 2

/* Locations of stores that are no read-modify-writes. */
#define TEXT(record) ((record) - 1)
#define NEXT(record) (RECORDS + (record) - 1)
#define PLACED(chunk) (2 * RECORDS + (chunk))
#define NODES(chunk) (2 * RECORDS + CHUNKS + (chunk))
#define BLOCK(chunk) (2 * RECORDS + 2 * CHUNKS + (chunk))
#define LOCATIONS 14
#define DRAINS(w)                                                                                  \
    DRAIN(w, 0) DRAIN(w, 1) DRAIN(w, 2) DRAIN(w, 3) DRAIN(w, 4) DRAIN(w, 5) DRAIN(w, 6)            \
    DRAIN(w, 7) DRAIN(w, 8) DRAIN(w, 9) DRAIN(w, 10) DRAIN(w, 11) DRAIN(w, 12) DRAIN(w, 13)
#include "weak.pml"

/* Changed by read-modify-writes alone. */
byte head, arena_used, arena_reserved, chunks_used;
byte cursor; /* 1 + the chunk that is being filled; 0: none */
bit blocks[CHUNKS];

bit arena_memory[RECORDS];
byte chunk_of[RECORDS + 1]; /* where the record's slot lies; bytes of its TEXT */

/* What the properties speak of; nothing acts upon these. */
byte reached;      /* records that a head has reached, a bit each */
byte chained;      /* series in the chain, a bit each */
bool dead;         /* writer 0 was killed */
bool ended[WRITERS];

#define GONE(w) ((ended[w] || (w == 0 && dead)) && DRAINED(w))

/* What a head reaches changes no more, so a search may be one step. */
inline find(from, until)
{
    atomic {
        at = from;
        found = 0;
        do
        :: at == 0 || at == until -> break
        :: else ->
            if
            :: LOAD(w, TEXT(at)) == series -> found = at; break
            :: else -> at = LOAD(w, NEXT(at))
            fi
        od;
        at = 0
    }
}

/* The compare-and-swap of arena_reserved; `ready` is what is reserved then. */
inline reserve_arena()
{
    atomic {
        if
        :: arena_reserved == ready -> ready++; arena_reserved = ready
        :: else -> ready = arena_reserved
        fi
    }
}

inline new_record()
{
    mine = arena_used;
    do
    :: ready = arena_reserved;
        do
        :: mine < ready -> break
        :: mine >= ready ->
#ifdef BREAK_arena_before_memory
            here = ready;
            reserve_arena();
            arena_memory[here] = 1
#else
            arena_memory[ready] = 1;
            reserve_arena()
#endif
        od;
        atomic {
            if
            :: arena_used == mine -> arena_used++; break
            :: else -> mine = arena_used
            fi
        }
    od;
    atomic { mine++; ready = 0; here = 0 }
}

inline new_chunk()
{
    here = chunks_used;
    do
    ::
#ifndef BREAK_memory_after_cursor
        store(w, NODES(here), 1);
#endif
        atomic {
            DRAINED(w) ->
            if
            :: chunks_used == here -> chunks_used++; break
            :: else -> here = chunks_used
            fi
        }
    od;
    store(w, PLACED(here), 1);
    atomic {
#ifndef BREAK_cursor_not_released
        DRAINED(w) ->
#endif
        if
        :: cursor == 0 -> cursor = here + 1
        :: else
        fi
    }
#ifdef BREAK_memory_after_cursor
    store(w, NODES(here), 1)
#endif
}

/* Slot space for `mine`. */
inline place()
{
    here = cursor;
    if
    :: here -> here--
    :: else -> new_chunk()
    fi;
    atomic { chunk_of[mine] = here; here = 0 }
}

/* The head is `mine` from here on. */
inline note_published()
{
    assert(!(chained & BIT(series)));
    chained = chained | BIT(series);
    reached = reached | BIT(mine)
}

inline compare_and_swap_head()
{
    atomic {
#ifndef BREAK_head_not_released
        DRAINED(w) ->
#endif
        if
#ifdef BREAK_head_stored
        :: true ->
#else
        :: head == first ->
#endif
            head = mine;
            note_published();
            found = mine
        :: else -> first = head
        fi
    }
}

/* Where the series is, in `found`. */
inline publish()
{
    first = head;
    find(first, 0);
    if
    :: found
    :: else ->
        new_record();
        place();
        assert(arena_memory[mine - 1]);
        store(w, TEXT(mine), series);
        do
        :: searched = first;
#ifndef BREAK_next_after_head
            store(w, NEXT(mine), first);
#endif
            compare_and_swap_head();
#ifdef BREAK_next_after_head
            store(w, NEXT(mine), searched);
#endif
            if
            :: found -> break
            :: else
            fi;
#ifndef BREAK_no_second_search
            find(first, searched);
            if
            :: found -> break
            :: else
            fi
#endif
        od
    fi
}

/* The first record of a series on this CPU. */
inline reserve_block(chunk)
{
    if
    :: blocks[chunk]
    :: else ->
#ifdef BREAK_block_before_memory
        blocks[chunk] = 1;
        store(w, BLOCK(chunk), 1)
#else
        store(w, BLOCK(chunk), 1);
#ifndef BREAK_block_not_released
        DRAINED(w) ->
#endif
        blocks[chunk] = 1
#endif
    fi
}

inline write_all()
{
    do
    :: turn < 2 ->
        d_step { series = 1 + ((turn + w) & 1); mine = 0 }
#ifdef BREAK_lock
        atomic { !locked -> locked = true }
#endif
        publish();
#ifdef BREAK_lock
        locked = false;
#endif
        reserve_block(chunk_of[found]);
        atomic { turn++; found = 0; first = 0; searched = 0; mine = 0 }
    :: else -> break
    od;
    ended[w] = true
}

#ifdef BREAK_lock
bool locked;
#endif

proctype writer(byte w)
{
    byte turn, series, first, searched, mine, found, at, here, ready;
    { write_all() } unless { w == 0 && dead }
}

proctype sigkill()
{
    dead = true
}

/* What the heads reach first: it was allotted before. */
inline read_heads()
{
    d_step { first = head; must = reached }
}

inline read_header()
{
    d_step { placed[0] = memory[PLACED(0)]; placed[1] = memory[PLACED(1)] }
}

inline refresh()
{
#ifdef BREAK_header_before_heads
    read_header();
    read_heads();
#else
    read_heads();
    read_header();
#endif
    at = first;
    do
    :: at == known -> break
    :: else ->
        assert(memory[TEXT(at)]);
        assert(placed[chunk_of[at]]);
        assert(memory[NODES(chunk_of[at])]);
        seen = seen | BIT(at);
        at = memory[NEXT(at)];
        assert(at || !known)
    od;
#ifdef BREAK_known_read_again
    known = head;
#else
    known = first;
#endif
    atomic {
        assert((must & ~seen) == 0);
        at = 0; first = 0; must = 0; placed[0] = 0; placed[1] = 0
    }
}

inline sum(chunk)
{
    if
#ifdef BREAK_block_unchecked
    :: true -> assert(memory[BLOCK(chunk)])
#else
    :: blocks[chunk] -> assert(memory[BLOCK(chunk)])
#endif
    :: else
    fi
}

/* A look at any moment, and one when all is quiet. */
proctype reader()
{
    byte first, must, known, seen, at;
    bit placed[CHUNKS];
    refresh();
    sum(0);
    sum(1);
    GONE(0) && GONE(1);
    refresh();
    sum(0);
    d_step {
        assert(seen == reached);
        assert(chained == (BIT(1) | BIT(2))) /* by writer 1, at the latest */
    }
}

init
{
    atomic {
        run store_buffer(0);
        run store_buffer(1);
        run writer(0);
        run writer(1);
        run sigkill();
        run reader()
    }
}
