/* SPDX-License-Identifier: MIT */
/*
 * The event rings, with two slots of two words: a CPU's, in which only that CPU writes, and
 * a node's, in which two writers take tickets and one may be killed at any step.  A reader
 * drains at any moment, and once more when all is quiet.
 *
 *     here                  in the code
 *     cpu_event()           engram_commit_event(), include/engram/rseq.h, for aarch64
 *     claim()               engram_claim(), include/engram/record.h
 *     node_event()          engram_slow_event()
 *     drain()               events_drain(), shmlib/events.c
 *     copy_record()         copy_record() and still_there(), before and after it
 *
 * Both words of event i are i + 1, so a record that is torn or of another lap shows.
 *
 * The claim's compare-and-swap is weaker here than any other read-modify-write: a pair of
 * exclusives (aarch64 without LSE) may let later stores pass its own.  While it is in the
 * store buffer nobody else can claim that slot, but readers see what was there before.
 *
 * Checked: what is delivered is whole, the right one, and delivered once; what the reader
 * delivers and what it counts as missed since its first look adds up to what was emitted;
 * a writer that died holding a slot keeps nobody from ending (else: invalid end state).
 * What a writer drops has a ticket, so the reader counts it as missed.
 *
 * Not modelled: 64-bit heads that wrap, x86_64 (its stores leave in order, which is among
 * the orders here), a ring that runs backwards (hostile), and blocks without memory
 * (publication.pml).
 *
 * Each BREAK_... takes one part away, and must be found.
 */
#define WRITERS 2
#define SLOTS 2
#define CPU_EVENTS 5
#define NODE_EVENTS(w) (1 + (w)) /* the third goes where the first was */

#define WORD(event, word) (2 * ((event) % SLOTS) + (word))
#define HEAD (2 * SLOTS)
#define TICKET(event) (HEAD + 1 + (event) % SLOTS)
#define LOCATIONS 7
#define DRAINS(w)                                                                                  \
    DRAIN(w, 0) DRAIN(w, 1) DRAIN(w, 2) DRAIN(w, 3) DRAIN(w, 4) DRAIN(w, 5) DRAIN(w, 6)
#include "weak.pml"

#define GARBAGE 99

bool of_cpu;
byte emitted;
bool dead; /* writer 0 of the node's ring was killed */
bool ended[WRITERS];

#define GONE(w) ((ended[w] || (w == 0 && dead)) && DRAINED(w))

/* Two stores, which leave the buffer apart.  To die between them is to die before them: neither
 * commits. */
inline store_record(w, event, id)
{
    d_step { store(w, WORD(event, 0), id); store(w, WORD(event, 1), id) }
}

/* One event in the CPU's ring. */
inline cpu_event()
{
    event = LOAD(0, HEAD);
#ifdef BREAK_head_first
    store_release(0, HEAD, event + 1);
#endif
#ifndef BREAK_no_barrier_before_payload
    DRAINED(0);
#endif
    store_record(0, event, event + 1);
#ifndef BREAK_head_first
#ifdef BREAK_head_not_released
    store(0, HEAD, event + 1)
#else
    store_release(0, HEAD, event + 1)
#endif
#endif
}

/* What a sequence leaves that is interrupted before its commit; the event goes to the node. */
inline aborted_event()
{
    event = LOAD(0, HEAD);
    DRAINED(0);
    store(0, WORD(event, 0), GARBAGE)
}

proctype cpu_writer()
{
    byte event;
    bool aborted;
    do
    :: emitted < CPU_EVENTS ->
        cpu_event();
        emitted++
    :: !aborted ->
        aborted_event();
        aborted = true
    :: emitted == CPU_EVENTS -> break
    od;
    ended[0] = true
}

/* `event`, or `taken` when a writer one lap behind, or ahead, holds the slot. */
inline claim()
{
    atomic {
        DRAINED(w);
        event = memory[HEAD];
        memory[HEAD] = memory[HEAD] + 1;
        emitted++
    }
#ifdef BREAK_taken_is_waited_for
    atomic { LOAD(w, TICKET(event)) % 2 == 0 -> state = LOAD(w, TICKET(event)) }
#else
    state = LOAD(w, TICKET(event));
#endif
    atomic {
        DRAINED(w) && !IS_PENDING(1 - w, TICKET(event)) ->
        if
#ifdef BREAK_slot_not_claimed
        :: true ->
#else
        :: state % 2 == 0 && memory[TICKET(event)] == state ->
#endif
            store(w, TICKET(event), 2 * event + 1);
            taken = false
        :: else -> taken = true
        fi
    }
}

inline node_event()
{
    claim();
    if
    :: taken /* and counted as dropped */
    :: else ->
#ifndef BREAK_no_barrier_after_claim
        DRAINED(w);
#endif
        store_record(w, event, event + 1);
#ifdef BREAK_ticket_not_released
        store(w, TICKET(event), 2 * event + 2)
#else
        store_release(w, TICKET(event), 2 * event + 2)
#endif
    fi
}

inline emit_all()
{
    do
    :: count < NODE_EVENTS(w) ->
        node_event();
        atomic { count++; event = 0; state = 0; taken = false }
    :: else -> break
    od;
    ended[w] = true
}

proctype node_writer(byte w)
{
    byte count, event, state;
    bool taken;
    { emit_all() } unless { atomic { w == 0 && dead -> count = 0; event = 0; state = 0 } }
}

proctype sigkill()
{
    dead = true
}

/* What copy_record() has loaded, a bit each. */
#define FIRST 1
#define WORD_0 2
#define WORD_1 4
#define WORDS (WORD_0 | WORD_1)
#define AGAIN 8
#define HAS(what) ((loaded & (what)) == (what))

#ifdef BREAK_ticket_not_acquired
#define MAY_LOAD_WORDS true
#else
#define MAY_LOAD_WORDS HAS(FIRST)
#endif
#ifdef BREAK_no_fence
#define MAY_LOAD_AGAIN HAS(FIRST) /* the same location: never before */
#else
#define MAY_LOAD_AGAIN HAS(FIRST | WORDS)
#endif
#ifdef BREAK_at_or_below
#define IN_RING (memory[HEAD] <= cursor + SLOTS)
#else
#define IN_RING (memory[HEAD] < cursor + SLOTS)
#endif
#define STILL_THERE (of_cpu -> IN_RING : memory[TICKET(cursor)] == 2 * cursor + 2)

inline load_word(bit_of, word)
{
    d_step {
        wrong = wrong || memory[WORD(cursor, word)] != cursor + 1;
        loaded = loaded | bit_of
    }
}

/* The loads of one record, in any order that nothing forbids.  In a CPU's ring the first look
 * is at the head, and drain() has made it. */
inline copy_record()
{
    do
    :: !HAS(FIRST) ->
        d_step {
#ifndef BREAK_no_first_look
            gone = gone || !STILL_THERE;
#endif
            loaded = loaded | FIRST
        }
    :: !HAS(WORD_0) && MAY_LOAD_WORDS -> load_word(WORD_0, 0)
    :: !HAS(WORD_1) && MAY_LOAD_WORDS -> load_word(WORD_1, 1)
    :: !HAS(AGAIN) && MAY_LOAD_AGAIN ->
        d_step {
#ifndef BREAK_no_second_look
            gone = gone || !STILL_THERE;
#endif
            loaded = loaded | AGAIN
        }
    :: gone || HAS(FIRST | WORDS | AGAIN) -> break
    od
}

/* Loads that a head which is not acquired lets go before its own. */
inline load_early()
{
    do
    :: !HAS(WORD_0) -> load_word(WORD_0, 0)
    :: !HAS(WORD_1) -> load_word(WORD_1, 1)
    :: of_cpu || !of_cpu -> break
    od
}

/* The first look starts at the oldest that is there: what came before was nobody's to read. */
inline load_head()
{
    atomic {
        head = memory[HEAD];
        assert(head >= cursor);
        if
        :: !looked && head > SLOTS -> cursor = head - SLOTS; accounted = cursor
        :: looked && head - cursor > SLOTS ->
#ifdef BREAK_missed_from_zero
            accounted = accounted + (cursor -> head - cursor - SLOTS : 0);
#else
            accounted = accounted + head - cursor - SLOTS;
#endif
            cursor = head - SLOTS;
            loaded = 0
        :: else
        fi;
        looked = true
    }
}

inline drain()
{
#ifdef BREAK_head_not_acquired
    load_early();
#endif
    load_head();
    do
    :: cursor < head ->
        loaded = loaded | (of_cpu -> FIRST : 0);
        copy_record();
        atomic {
            assert(gone || !wrong); /* delivered, else missed */
            accounted++;
            cursor++;
            loaded = 0; gone = false; wrong = false
        }
    :: else -> break
    od;
    atomic { loaded = 0; head = 0; wrong = false }
}

proctype reader()
{
    byte cursor, head, loaded;
    byte accounted; /* delivered, missed, or overwritten before the first look */
    bool gone, wrong, looked, quiet;
    do
    :: drain();
        if
        :: quiet -> break
        :: else -> GONE(0) && (of_cpu || GONE(1)) -> quiet = true
        fi
    od;
    assert(accounted == emitted)
}

init
{
    atomic {
        run store_buffer(0);
        if
        :: of_cpu = true;
            run cpu_writer()
        :: run store_buffer(1);
            run node_writer(0);
            run node_writer(1);
            run sigkill()
        fi;
        run reader()
    }
}
