#!/usr/bin/env bash
# Compiled out, code that makes every call of the header is the same, instruction by instruction, as
# code that has never heard of it: from gcc and from clang, as C and as C++, at each level from -O1.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
fail() { echo "failed: $*"; exit 1; }

# One source, compiled twice: what HEARD() holds is there only if the header is.
cat >"$room/user.c" <<'END'
#ifdef NEVER_HEARD
#define HEARD(...)
#else
#include <engram/engram.h>
#define HEARD(...) __VA_ARGS__
#endif
#ifdef __cplusplus
extern "C" {
#endif
extern unsigned long recall(unsigned long cue);
extern void complain(const char *reason);
extern unsigned long start(unsigned long seed);
extern unsigned long loop(const unsigned long *cues, int count);
extern double settle(double *weights, int count);
extern void stop(void);

HEARD(static engram_counter recalls, hits;
      static engram_counter_total total;
      static engram_gauge depth, load;
      static engram_updown waiting;
      static engram_histogram took, size;
      static engram_event event;
      static const char *const labels[] = {"kind", "demo", NULL};)

unsigned long start(unsigned long seed)
{
#ifdef __clang__ /* which zeroes a static variable of 24 bytes that nobody reads; gcc drops it */
    HEARD(engram_histogram took, size;
          engram_event event;)
#endif
    HEARD(struct engram_spec spec;
          memset(&spec, 0, sizeof spec);
          spec.name = engram_string("sizes");
          if (engram_attach("user") == 0)
              complain(engram_reason());
          recalls = engram_counter_new("recalls_total", "Recalls.", labels);
          hits = engram_counter_register(&spec);
          total = engram_counter_total_register(&spec);
          depth = engram_gauge_new("depth", "Depth.", labels);
          load = engram_gauge_register(&spec);
          waiting = engram_updown_register(&spec);
          took = engram_histogram_new("took_seconds", "Took.", labels);
          size = engram_histogram_register(&spec);
          event = engram_event_register(&spec);)
    return recall(seed) * 3;
}

unsigned long loop(const unsigned long *cues, int count)
{
    unsigned long sum = 0;
    for (int i = 0; i < count; i++) {
        HEARD(engram_span span = engram_span_begin();
              engram_updown_add(waiting, 1);)
        unsigned long found = recall(cues[i]);
        if (found > cues[i]) {
            HEARD(engram_counter_add(hits, found - cues[i]);)
            sum += found;
        }
        HEARD(engram_counter_add(recalls, 1);
              engram_counter_set(total, sum);
              engram_updown_add(waiting, -1);
              engram_event_emit(event, found, sum);
              if (engram_span_end(span, took) > 1000)
                  engram_event_emit_at(event, span.start, found, 1);)
    }
    return sum;
}

double settle(double *weights, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += weights[i] *= 0.5;
        HEARD(engram_histogram_record(size, weights[i] / sum);
              engram_histogram_record_ns(took, (uint64_t)i);
              engram_gauge_add(load, weights[i] - sum);)
    }
    HEARD(engram_gauge_set(depth, sum / count);)
    return sum;
}

void stop(void)
{
    recall(0);
    HEARD(engram_detach();)
}
#ifdef __cplusplus
}
#endif
END

mapfile -t calls < <(sed -nE 's/^ENGRAM_FUNCTION .*[ *](engram_[a-z_]+)\(.*/\1/p' include/engram/api.h)
[ ${#calls[@]} -gt 0 ] || fail "no call is found in api.h"
for call in "${calls[@]}"; do
  grep -q "$call(" "$room/user.c" || fail "$call() is not compared"
done

# code FLAG... : what the compiler of $compiler makes of it: instructions, what they refer to, data.
code() {
  "${compiler[@]}" "$@" -Iinclude -c "$room/user.c" -o "$room/user.o"
  objdump -drs --no-show-raw-insn -j .text -j .data -j .bss -j .rodata "$room/user.o" 2>/dev/null | tail -n +4
  nm "$room/user.o"
}

compared=0
for compiler in "gcc -std=gnu11" "clang -std=gnu11" "gcc -x c++ -std=c++17" "clang -x c++ -std=c++17"; do
  for level in -O1 -O2 -O3 -Os; do
    read -ra compiler <<<"$compiler $level"
    code -DNEVER_HEARD >"$room/never"
    code -DENGRAM_METRICS=0 >"$room/out"
    code >"$room/in"
    grep -q '<loop>:' "$room/never" || fail "${compiler[*]}: no code to compare"
    cmp -s "$room/never" "$room/in" && fail "${compiler[*]}: the control, compiled in, is the same"
    diff "$room/never" "$room/out" || fail "${compiler[*]}: compiled out, something is left (>)"
    compared=$((compared + 1))
  done
done
echo "${#calls[@]} calls leave nothing, in $compared ways"
