/* SPDX-License-Identifier: MIT */
/*
 * Death and folding: two processes of one name, one after the other or both at once, add and
 * die at any step; somebody may copy the region of the first; a daemon is killed at any step
 * and started again, and a second one beside it; a disk and an unlink may fail.
 *
 *     here                  in the code
 *     process()             a writer: engram_install(), adds, death
 *     load()                continuity_new() and load_file(), daemon/totals/continuity.c
 *     look()                found_look() and forget_unseen(), daemon/regions/found.c
 *     admit()               admit() with is_known(), daemon/regions/admit.c
 *     ask_locks()           found_refresh(), thorough, and admit_again()
 *     remove()              found_remove()
 *     disk_step()           replace_file() in its thread, daemon/totals/state.c
 *     start_fold()          start_fold() and fold_into(), with totals_fold(), daemon/totals/totals.c
 *     write_ended()         write_ended(), found_folded(), write_failed()
 *     publish()             publish(), daemon/collect/discovery.c
 *     scraper()             a collector's sums and a scrape of them
 *
 * Region files are 0 and 1, and 2 is the copy of 0, with its nonce.  A name and a lock come to
 * a region in one step: whatever has a name is complete and was locked.  The first daemon is
 * started again after each kill; the second is started beside it, and where it would find the
 * lock taken and leave it waits here.  The numbers of kills and of failures are bounded; where
 * they fall is not.
 *
 * Checked: a scrape shows no less than the one before, whichever daemon answers, and no more
 * than was added; once all is quiet it shows what was added; a region's file goes only when
 * the state file has its nonce, and so its values; no two daemons write at once.
 *
 * Not modelled: a crash of the machine (another boot: totals start at 0), a daemon without a
 * state directory, names that are forgotten after a time, several series (a fold is one
 * write), reordered stores (the kernel's lock and the death of all threads are between a
 * writer's last store and the fold), a copy that a daemon finds before its region (it is taken
 * for that), and processes that remove what ended ones left.
 *
 * Each BREAK_... takes one part away, and must be found.
 */
#define FILES 3
#define COPY 2
#define ADDS 1 /* by each process */
#define KILLS 2
#define FAILURES 2

#define BIT(i) (1 << (i))
#define NONCE(file) ((file) == COPY -> 0 : (file))
#define VALUES(set)                                                                                \
    (((set) & 1 -> value[0] : 0) + ((set) & 2 -> value[1] : 0) + ((set) & 4 -> value[2] : 0))
/* Of a set of files, the set of their nonces. */
#define NONCES(set) (((set) & 3) | ((set) >> COPY))

/* The region directory. */
bool there[FILES];
bool locked[FILES];
byte value[FILES];
byte living = 2;

/* The state directory. */
byte disk_total, disk_nonces, aside_total, aside_nonces;
bool disk_torn, aside_torn;
byte holder; /* of the lock: 1 + the daemon */

/* What each daemon shows. */
bool shows[2];
byte view_total[2], view_served[2];

byte kills, failures;
bool running[2], killed[2], writing[2];
byte shown;

proctype process(bit p)
{
    atomic { locked[p] = true; there[p] = true }
    do
    :: value[p] < ADDS -> value[p]++
    :: break
    od;
    atomic { locked[p] = false; living-- }
}

proctype copier()
{
    atomic {
        there[0] ->
        value[COPY] = value[0];
        there[COPY] = true
    }
}

proctype sigkill()
{
    bit d;
    do
    :: kills < KILLS ->
        atomic {
            if
            :: running[0] -> d = 0
            :: running[1] -> d = 1
            fi;
            killed[d] = true;
            running[d] = false;
            shows[d] = false;
            view_total[d] = 0; view_served[d] = 0;
            writing[d] = false;
            aside_total = 0; aside_nonces = 0; aside_torn = false; /* never read */
            kills++;
            if
            :: holder == d + 1 -> holder = 0
            :: else
            fi;
            d = 0
        }
    :: break
    od
}

proctype scraper()
{
    byte now;
    bit d;
end:
    do
    :: atomic {
        if
        :: shows[0] -> d = 0
        :: shows[1] -> d = 1
        fi;
        now = view_total[d] + VALUES(view_served[d]);
        assert(now >= shown);
        assert(now <= value[0] + value[1]);
        shown = now;
        now = 0; d = 0
    }
    od
}

/* phases of a write */
#define IDLE 0
#define TRUNCATE 1
#define WRITE 2
#define SYNC 3
#define RENAME 4
#define SYNC_DIRECTORY 5
#define WRITTEN 6
#define FAILED 7

inline load()
{
    atomic {
        total = (disk_torn -> 0 : disk_total); /* a damaged file is set aside */
        nonces = (disk_torn -> 0 : disk_nonces)
    }
}

#ifdef BREAK_view_before_disk
#define SHOWN_TOTAL (phase == IDLE -> total : new_total)
#else
#define SHOWN_TOTAL total
#endif
#ifdef BREAK_dead_not_shown
#define SHOWN_REGIONS (served & alive)
#else
#define SHOWN_REGIONS served
#endif

inline publish()
{
#ifdef BREAK_view_in_two_steps
    view_total[d] = SHOWN_TOTAL;
#endif
    atomic {
        view_total[d] = SHOWN_TOTAL;
        view_served[d] = SHOWN_REGIONS;
        shows[d] = true
    }
}

/* An unlink that fails is tried again by the next scan; one that a kill prevents is no other. */
inline remove()
{
    if
    :: there[f] ->
        assert(!disk_torn && (disk_nonces & BIT(NONCE(f))));
        there[f] = false
    :: there[f] && failures < FAILURES -> failures++
    :: else
    fi
}

/* The copy first: when it is seen, so is the region that it is of, or that is gone. */
inline look()
{
    f = FILES;
    do
    :: f > 0 ->
        f--;
        if
        :: there[f] ->
            seen = seen | BIT(f);
            if
            :: folded & BIT(f) -> remove()
            :: else
            fi
        :: else
        fi
    :: else -> break
    od;
    folded = folded & seen;
    copies = copies & seen
}

#define IS_NEW (there[f] && (seen & BIT(f)) && !((served | folded | copies) & BIT(f)))
#define IS_COPY (NONCES(served | folded) & BIT(NONCE(f)))
#define IS_KNOWN (nonces & BIT(NONCE(f)))

inline admit()
{
    do
    :: f < FILES ->
        if
#ifndef BREAK_copy_added
        :: IS_NEW && IS_COPY -> copies = copies | BIT(f)
#endif
#ifndef BREAK_known_nonce_added
        :: IS_NEW && !IS_COPY && IS_KNOWN -> folded = folded | BIT(f); remove()
#endif
        :: else ->
            if
            :: IS_NEW -> served = served | BIT(f); alive = alive | BIT(f)
            :: else
            fi
        fi;
        f++
#ifdef BREAK_first_scan_in_part
        ;
        if
        :: !shows[d] -> break
        :: else
        fi
#endif
    :: else -> break
    od;
    seen = 0
}

inline ask_locks()
{
    f = 0;
    do
    :: f < FILES ->
        if
        :: !locked[f] -> alive = alive & ~BIT(f)
        :: else
        fi;
        f++
    :: else -> break
    od;
    f = 0
}

inline scan()
{
    atomic { look(); admit() };
#ifdef BREAK_values_before_lock
    last = VALUES(served);
#endif
    atomic { ask_locks() }
}

/* The nonces that no file has any more, quarantined ones included. */
#ifdef BREAK_copy_overlooked
#define GONE (nonces & ~NONCES(served | folded))
#else
#ifdef BREAK_nonce_forgotten_early
#define GONE nonces
#else
#define GONE (nonces & ~NONCES(served | folded | copies))
#endif
#endif
#ifdef BREAK_fold_while_locked
#define DEAD served
#else
#define DEAD (served & ~alive)
#endif

inline start_fold()
{
    if
    :: phase == IDLE && DEAD ->
        folding = DEAD;
#ifdef BREAK_values_before_lock
        new_total = total + last;
#else
        new_total = total + VALUES(folding);
#endif
        new_nonces = (nonces & ~GONE) | NONCES(folding);
        phase = TRUNCATE;
        writing[d] = true;
        assert(!writing[1 - d]);
#ifdef BREAK_unlink_before_rename
        drop_folded();
#endif
#ifdef BREAK_view_before_disk
        served = served & ~folding;
        folded = folded | folding;
#endif
    :: else
    fi
}

inline replace_file()
{
    atomic {
        disk_total = aside_total;
        disk_torn = aside_torn;
#ifndef BREAK_nonce_not_written
        disk_nonces = aside_nonces;
#endif
        aside_total = 0; aside_nonces = 0; aside_torn = false
    }
}

/* What was written or not synced may be anything. */
inline disk_fails()
{
    atomic {
        failures < FAILURES -> failures++;
        if
        :: phase < RENAME -> aside_torn = true
        :: else
        fi;
#ifdef BREAK_error_ignored
        phase++
#else
        aside_total = 0; aside_nonces = 0; aside_torn = false;
        phase = FAILED
#endif
    }
}

inline disk_step()
{
    if
#ifdef BREAK_in_place
    :: phase == TRUNCATE -> atomic { disk_torn = true; phase = WRITE }
#else
    :: phase == TRUNCATE -> atomic { aside_torn = true; phase = WRITE }
#endif
    :: phase == WRITE -> atomic {
        aside_total = new_total; aside_nonces = new_nonces; aside_torn = false;
        phase = SYNC
    }
    :: phase == SYNC -> phase = RENAME
    :: phase == RENAME -> atomic { replace_file(); phase = SYNC_DIRECTORY }
    :: phase == SYNC_DIRECTORY -> phase = WRITTEN
    :: phase < WRITTEN -> disk_fails()
    fi
}

inline drop_folded()
{
    do
    :: f < FILES ->
        if
        :: folding & BIT(f) ->
            served = served & ~BIT(f);
            folded = folded | BIT(f);
            remove()
        :: else
        fi;
        f++
    :: else -> break
    od;
    f = 0
}

inline write_ended()
{
    if
    :: phase == WRITTEN ->
        drop_folded();
        total = new_total;
        nonces = new_nonces
    :: phase == FAILED ->
#ifdef BREAK_retry_on_top
        load()
#endif
    :: else
    fi;
    if
    :: phase >= WRITTEN ->
        writing[d] = false;
        folding = 0; new_total = 0; new_nonces = 0;
        phase = IDLE
    :: else
    fi
}

/* Discovery's share of a tick after the scan. */
inline step()
{
    atomic { write_ended(); start_fold() };
    publish()
}

#ifdef BREAK_no_lock
#define LOCK_IS_FREE true
#else
#define LOCK_IS_FREE (holder == 0)
#endif

/* There is nothing left to do, for ever. */
#define SETTLED (living == 0 && !there[0] && !there[1] && shows[d] && phase == IDLE && !served)

inline take_lock()
{
    atomic {
        (d == 0 || running[0]) && LOCK_IS_FREE -> /* a second one is started beside the first */
        holder = d + 1;
        running[d] = true
    }
}

inline serve()
{
    take_lock();
    load();
    do
    :: phase != IDLE && phase < WRITTEN -> disk_step()
    :: if
       :: scan()
       :: phase >= WRITTEN
       fi;
       step()
    :: atomic { SETTLED -> break }
    od
}

proctype daemon(bit d)
{
    byte total, nonces, new_total, new_nonces, phase;
    byte f, seen, served, alive, folded, copies, folding;
#ifdef BREAK_values_before_lock
    byte last;
#endif
end_waiting:
    do
    :: {
            serve();
            atomic {
                assert(view_total[d] == value[0] + value[1] && !view_served[d]);
                running[d] = false
            };
            goto over
        } unless {
            atomic {
                killed[d] ->
                killed[d] = false;
                total = 0; nonces = 0; new_total = 0; new_nonces = 0; phase = IDLE;
                f = 0; seen = 0; served = 0; alive = 0; folded = 0; copies = 0; folding = 0
            }
        }
    od;
over:
    skip
}

init
{
    atomic {
        run process(0);
        run process(1);
        run copier();
        run daemon(0);
        run daemon(1);
        run sigkill();
        run scraper()
    }
}
