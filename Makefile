# engramd: `make run` shows it live, `make check` proves it.  Everything is built under $(BUILD).
VERSION := 0.1.0
REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

# SANITIZE=address,undefined and SANITIZE=thread have directories of their own: build-asan, build-tsan.
SANITIZE ?=
SANITIZED := $(if $(findstring thread,$(SANITIZE)),tsan,$(if $(findstring address,$(SANITIZE)),asan,$(SANITIZE)))
BUILD ?= build$(if $(SANITIZE),-$(SANITIZED))
# Check gives a test 4 s, too little for some under a sanitizer.
ifneq ($(SANITIZE),)
export CK_TIMEOUT_MULTIPLIER := 10
# What Check's parent freed stays with it, and every fork would pay for 256 MB of that.
export ASAN_OPTIONS ?= quarantine_size_mb=8
# At its end each test with threads would wait for a second whether they race with that.
export TSAN_OPTIONS ?= atexit_sleep_ms=0
endif
PREFIX ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= $(patsubst /usr/etc,/etc,$(PREFIX)/etc)
LIBDIR ?= $(PREFIX)/lib
UNITDIR ?= $(PREFIX)/lib/systemd/system

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            $(if $(WERROR),-Werror)
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(WARNINGS) -Iinclude -I. -MMD -MP -pthread -fPIC \
             $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer -Wno-tsan) \
             -DENGRAM_VERSION='"$(VERSION)"'
ALL_LDFLAGS = $(LDFLAGS) -pthread $(if $(SANITIZE),-fsanitize=$(SANITIZE))

# Asked once and only by what needs it; a library that is missing is named by its Debian package.
DAEMON_PACKAGES := libevent_core hwloc liburcu-memb libisal inih openssl yaml-0.1 libcrypt
APT_libevent_core := libevent-dev
APT_hwloc := libhwloc-dev
APT_liburcu-memb := liburcu-dev
APT_libisal := libisal-dev
APT_inih := libinih-dev
APT_openssl := libssl-dev
APT_yaml-0.1 := libyaml-dev
APT_libcrypt := libcrypt-dev
CTL_PACKAGES := libcurl json-c
APT_libcurl := libcurl4-openssl-dev
APT_json-c := libjson-c-dev
APT_check := check
lacking = $(foreach p,$(1),$(shell pkg-config --exists $(p) 2>/dev/null || echo $(APT_$(p))))
# libpfm has no pkg-config file, and is loaded when it is needed.
lacking_pfm = $(shell echo '\#include <perfmon/pfmlib.h>' | $(CC) -E - >/dev/null 2>&1 || echo libpfm4-dev)
need = $(if $(shell command -v pkg-config),,$(error pkg-config is missing; try: apt-get install pkg-config))$\
       $(if $(strip $(call lacking,$(1))$(2)),$(error libraries are missing; try: apt-get install $(strip \
       $(call lacking,$(1)) $(2)), or make deps))
once = $(eval $(1) := $(2))$($(1))
DAEMON_CFLAGS = $(call need,$(DAEMON_PACKAGES),$(lacking_pfm))$(call once,DAEMON_CFLAGS,$(shell pkg-config --cflags $(DAEMON_PACKAGES)))
# libevent_openssl is of the same package as libevent_core; pkg-config would add the whole of libevent.
DAEMON_LIBS = $(call need,$(DAEMON_PACKAGES))$(call once,DAEMON_LIBS,$(shell pkg-config --libs $(DAEMON_PACKAGES)) \
              -levent_openssl -ldl -lm)
CTL_CFLAGS = $(call need,$(CTL_PACKAGES))$(call once,CTL_CFLAGS,$(shell pkg-config --cflags $(CTL_PACKAGES)))
CTL_LIBS = $(call need,$(CTL_PACKAGES))$(call once,CTL_LIBS,$(shell pkg-config --libs $(CTL_PACKAGES)) -lm)
CHECK_LIBS = $(call need,check)$(call once,CHECK_LIBS,$(shell pkg-config --libs check))

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)))
SHMLIB_OBJECTS := $(call objects,shmlib/*.c)
DAEMON_OBJECTS := $(filter-out %/main.o,$(call objects,daemon/*.c daemon/*/*.c))
DEMO_OBJECTS := $(filter-out %/main.o,$(call objects,tools/demo/*.c))
CTL_OBJECTS := $(call objects,tools/engramctl/*.c)
# What of engramctl is tested by itself: its parsers.
CTL_PARSERS := tools/engramctl/sse.c tools/engramctl/terminal.c
UNIT_OBJECTS := $(call objects,tests/unit/*.c $(CTL_PARSERS))
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
HELPERS := $(patsubst tests/helpers/%.c,$(BUILD)/helpers/%,$(wildcard tests/helpers/*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*.c))
PROGRAMS := $(BUILD)/engramd $(BUILD)/engramctl $(BUILD)/engram-demo
LIBRARIES := $(BUILD)/libengram.a $(BUILD)/libengram.so

.PHONY: alerts dashboards all help run check check-unit check-integration fresh platforms campaign browsers bench bench-deps fuzz soak man install \
        deb packages clean format lint deps
all: $(PROGRAMS) $(LIBRARIES) ## the programs and libraries, in build/

help: ## this list
	@sed -nE 's/^([a-z-]+):[^=#]*## (.*)/\1\t\2/p' Makefile | expand -t 20

# The two commands of the README install what is missing first, so they call make again.
run: ## a daemon and a demo engine on this machine
	@.ci/deps run
	@$(MAKE) --no-print-directory -s all
	@BUILD=$(BUILD) tools/run.sh

check: ## every test
	@.ci/deps check
	@$(MAKE) --no-print-directory all $(BUILD)/unit helpers
	@BUILD=$(BUILD) tests/run

deps: ## install the packages that both need
	@.ci/deps check

.PHONY: helpers benches fuzzers
helpers: $(HELPERS) $(addprefix $(BUILD)/helpers/,hammer-plain hammer-delayed engramd-hurried) $(BUILD)/gen-alerts
benches: $(BENCHES) $(BUILD)/bench/engram-demo $(BUILD)/bench/engram-demo-bare
fuzzers: $(FUZZERS)

check-unit: $(BUILD)/unit ## the unit tests; with SANITIZE=address,undefined or SANITIZE=thread, too
	timeout 600 $(BUILD)/unit

check-integration: all helpers ## the scripts in tests/integration
	@BUILD=$(BUILD) tests/run integration

# The same on a bare Debian 12 in a chroot, from a clone of what is committed: FRESH="run DURATION=20".
FRESH ?= check
fresh: ## make check on a bare Debian 12 in a chroot
	tests/fresh-host $(FRESH)

# The same on machines that are not at hand, emulated: SHAPES="arm-2n x86-4s" for some of them.
platforms: ## other machines in qemu: SHAPES=all or some of them
	@.ci/deps check
	@BUILD=$(BUILD) tests/platforms/run $(SHAPES)

# What CI does in short: tests/integration/alerts-live.py sets each alert off once.  ROUNDS=2 for fewer.
campaign: ## hundreds of faults and healthy stretches: what the alerts got wrong
	@.ci/deps check
	@$(MAKE) --no-print-directory -s all helpers
	@BUILD=$(BUILD) tests/campaign.py $(ROUNDS)

# Clients that others wrote, as they are: npm's eventsource and a browser.
browsers: ## npm eventsource and Chromium on /stream
	@.ci/deps browsers
	@$(MAKE) --no-print-directory -s all
	BUILD=$(BUILD) tests/integration/eventsource.py
	BUILD=$(BUILD) tests/clients/chromium.py

bench: ## one table of what everything costs, ours beside others; QUICK=1, PARTS=recording
	@.ci/deps check
	@$(MAKE) --no-print-directory -s all benches peers
	@BUILD=$(BUILD) QUICK=$(QUICK) tests/bench/run.py $(PARTS)

bench-deps: ## install what others have, to be measured beside it
	@.ci/deps bench

FUZZ_SECONDS ?= 600
fuzz: ## every parser, with sanitizers; FUZZ_SECONDS=60
	@.ci/deps fuzz
	@$(MAKE) --no-print-directory -s fuzzers
	@for fuzzer in $(FUZZERS); do name=$$(basename $$fuzzer); echo "== $$name"; \
	  mkdir -p $(BUILD)/corpus/$$name; seeds=tests/fuzz/corpus/$$name; \
	  $$fuzzer -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -print_final_stats=1 \
	    $(BUILD)/corpus/$$name $$([ -d $$seeds ] && echo $$seeds) || exit 1; done

man: man/engram-metrics.7 ## the manual page of the metrics from their catalogue
man/engram-metrics.7: include/engram/catalogue.def tools/gen-metrics.c
	@mkdir -p $(BUILD)
	$(CC) $(ALL_CFLAGS) tools/gen-metrics.c -o $(BUILD)/gen-metrics
	$(BUILD)/gen-metrics > $@.new && mv $@.new $@

alerts: alerts/engram.rules.yml ## the alert rules from their definition
$(BUILD)/gen-alerts: tools/gen-alerts.c $(wildcard alerts/*.h alerts/*.def) include/engram/catalogue.def
	@mkdir -p $(BUILD)
	$(CC) $(ALL_CFLAGS) tools/gen-alerts.c -o $@
alerts/engram.rules.yml: $(BUILD)/gen-alerts
	$(BUILD)/gen-alerts > $@.new && mv $@.new $@

dashboards: $(patsubst %.ini,%.json,$(wildcard alerts/dashboards/*.ini)) ## Grafana's dashboards from their descriptions
alerts/dashboards/%.json: alerts/dashboards/%.ini tools/gen-dashboards.py
	tools/gen-dashboards.py $< > $@.new && mv $@.new $@

$(BUILD)/obj/daemon/%.o: ALL_CFLAGS += $(DAEMON_CFLAGS)
$(BUILD)/obj/tools/engramctl/%.o: ALL_CFLAGS += $(CTL_CFLAGS)

# Touched only when the revision is another one, so that a commit rebuilds only what names it.
REVISED := $(patsubst %.c,$(BUILD)/obj/%.o,$(shell grep -l ENGRAM_REVISION daemon/*.c daemon/*/*.c))
$(REVISED): ALL_CFLAGS += -DENGRAM_REVISION='"$(REVISION)"'
$(REVISED): $(BUILD)/revision
.PHONY: FORCE
$(BUILD)/revision: FORCE
	@mkdir -p $(@D)
	@echo $(REVISION) | cmp -s - $@ || echo $(REVISION) > $@

$(BUILD)/obj/tests/%.o: ALL_CFLAGS += $(DAEMON_CFLAGS)
$(BUILD)/obj/shmlib/%.o: ALL_CFLAGS += -fvisibility=hidden

.SECONDARY: # or make would remove the objects of helpers and benches each time
$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/libengram.a: $(SHMLIB_OBJECTS)
	rm -f $@ && $(AR) rcs $@ $^
$(BUILD)/libengram.so: $(SHMLIB_OBJECTS)
	$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,libengram.so.0 $^ -o $@
$(BUILD)/libdaemon.a: $(DAEMON_OBJECTS)
	rm -f $@ && $(AR) rcs $@ $^
$(BUILD)/libdemo.a: $(DEMO_OBJECTS)
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/engramd: $(BUILD)/obj/daemon/main.o $(BUILD)/libdaemon.a $(BUILD)/libengram.a
	$(CC) $(ALL_LDFLAGS) $^ $(DAEMON_LIBS) -o $@
$(BUILD)/engramctl: $(CTL_OBJECTS) $(BUILD)/libengram.a
	$(CC) $(ALL_LDFLAGS) $^ $(CTL_LIBS) -o $@
$(BUILD)/engram-demo: $(BUILD)/obj/tools/demo/main.o $(BUILD)/libdemo.a
	$(CC) $(ALL_LDFLAGS) $^ -lm -o $@
$(BUILD)/unit: $(UNIT_OBJECTS) $(BUILD)/libdaemon.a $(BUILD)/libdemo.a $(BUILD)/libengram.a
	$(CC) $(ALL_LDFLAGS) $^ $(DAEMON_LIBS) $(CHECK_LIBS) -o $@
# evhttp, against which our own HTTP layer is measured, is in a library that the daemon does not need.
$(BUILD)/bench/http_alternatives $(BUILD)/bench/http_streams: BENCH_LIBS := -levent_extra
# What an engine computes itself is measured on the demo's.
$(BUILD)/bench/targets: $(BUILD)/libdemo.a
$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(BUILD)/libdaemon.a $(BUILD)/libengram.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ $(DAEMON_LIBS) $(BENCH_LIBS) -o $@
$(BUILD)/helpers/%: $(BUILD)/obj/tests/helpers/%.o $(BUILD)/libengram.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ -o $@

include tests/bench/peers/peers.mk

# What metrics cost the demo: with them and without, from the same sources, and in both nothing is
# counted a second time for the tests.
compiled = $(patsubst %.c,$(BUILD)/obj/$(1)/%.o,$(wildcard tools/demo/*.c))
define compile_demo
	@mkdir -p $(@D)
	@echo "  CC $@"; $(CC) $(ALL_CFLAGS) -DDEMO_TALLY=0 $(1) -c $< -o $@
endef
$(BUILD)/obj/recording/%.o: %.c Makefile
	$(call compile_demo,)
$(BUILD)/obj/bare/%.o: %.c Makefile
	$(call compile_demo,-DENGRAM_METRICS=0)
$(BUILD)/bench/engram-demo: $(call compiled,recording)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ -lm -o $@
$(BUILD)/bench/engram-demo-bare: $(call compiled,bare)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ -lm -o $@

# engramd in a hurry: whatever has to hold for a minute before an alert fires, has to for a second.
# And with counters that a test makes count, if it wants to.
HURRIED := daemon/alerts/alerting.c daemon/alerts/signal.c daemon/regression/regression.c
$(BUILD)/obj/hurried/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(DAEMON_CFLAGS) -DALERT_SECOND='UINT64_C(16666667)' -c $< -o $@
$(BUILD)/helpers/engramd-hurried: $(patsubst %.c,$(BUILD)/obj/hurried/%.o,$(HURRIED)) \
  $(BUILD)/obj/tests/helpers/hurried/counters.o $(BUILD)/obj/daemon/main.o $(BUILD)/libdaemon.a $(BUILD)/libengram.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ $(DAEMON_LIBS) -o $@

# The negative control: the same adds without the restartable section.
$(BUILD)/helpers/hammer-plain: tests/helpers/hammer.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -DHAMMER_PLAIN $< -o $@
PAUSE := $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),pause,yield)
# Threads are interrupted in the middle of sequences that take a microsecond.
$(BUILD)/helpers/hammer-delayed: tests/helpers/hammer.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -DENGRAM_RSEQ_DELAY='".rept 1000\n\t$(PAUSE)\n\t.endr\n\t"' $< -o $@

# Fuzzers are built by clang, apart from everything else; for counting, without what slows them.
$(BUILD)/fuzz/%: FUZZ_FLAGS := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined
$(BUILD)/fuzz-fast/%: FUZZ_FLAGS := -O2 -fno-sanitize-coverage=trace-cmp
FUZZED := $(filter-out daemon/main.c,$(wildcard daemon/*.c daemon/*/*.c)) $(wildcard shmlib/*.c) $(CTL_PARSERS)
fuzzed = $(patsubst %.c,$(BUILD)/$(1)/obj/%.o,$(FUZZED))
define compile_fuzzed
	@mkdir -p $(@D)
	@echo "  CLANG $<"; clang -std=gnu11 -g -Iinclude -I. -MMD -MP $(DAEMON_CFLAGS) \
	  -DENGRAM_REVISION='""' -DENGRAM_VERSION='""' $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -c $< -o $@
endef
define link_fuzzer
	@echo "  CLANG $@"; clang $(FUZZ_FLAGS) -fsanitize=fuzzer $^ $(DAEMON_LIBS) -o $@ || \
	  { echo "if it lacks the fuzzer: apt-get install clang libclang-rt-dev"; exit 1; }
endef
$(BUILD)/fuzz/obj/%.o: %.c Makefile
	$(compile_fuzzed)
$(BUILD)/fuzz-fast/obj/%.o: %.c Makefile
	$(compile_fuzzed)
$(BUILD)/fuzz/%: $(BUILD)/fuzz/obj/tests/fuzz/%.o $(call fuzzed,fuzz)
	$(link_fuzzer)
$(BUILD)/fuzz-fast/%: $(BUILD)/fuzz-fast/obj/tests/fuzz/%.o $(call fuzzed,fuzz-fast)
	$(link_fuzzer)

FUZZ_REGION := -max_len=512 -timeout=60 -verbosity=0 -print_final_stats=1
# What CI does in short: kills at random instants, short-lived processes, mutated regions, adds.
soak: ## the long forms of the tests
	@.ci/deps check
	@.ci/deps fuzz
	@$(MAKE) --no-print-directory -s all helpers $(BUILD)/unit $(BUILD)/fuzz/fuzz_region $(BUILD)/fuzz-fast/fuzz_region
	BUILD=$(BUILD) KILLS=2000 DAEMON_KILLS=200 tests/integration/continuity.py
	BUILD=$(BUILD) PROCESSES=1000 tests/integration/short-lived.sh
	BUILD=$(BUILD) ADDS=125000000 tests/integration/exact-adds.sh
	BUILD=$(BUILD) EVENTS=1000000000 tests/integration/overrun.sh
	BUILD=$(BUILD) MUTANTS=100000 tests/integration/mutants.py
	BUILD=$(BUILD) REQUESTS=1000000 SECONDS=60 tests/integration/http-attacks.py
	BUCKET_VALUES=100000000 CK_RUN_SUITE=bucket CK_TIMEOUT_MULTIPLIER=20 $(BUILD)/unit
	mkdir -p $(BUILD)/corpus/fuzz_region
	$(BUILD)/fuzz/fuzz_region $(FUZZ_REGION) -runs=1000000 $(BUILD)/corpus/fuzz_region
	$(BUILD)/fuzz-fast/fuzz_region $(FUZZ_REGION) -runs=10000000 $(BUILD)/corpus/fuzz_region

MANUALS := $(wildcard man/*.[1-8])
COMPLETIONS := tools/engramctl/completions/engramctl
DOCDIR := $(PREFIX)/share/doc/engramd
PLACES := -e 's,@PREFIX@,$(PREFIX),' -e 's,@LIBDIR@,$(LIBDIR),' -e 's,@VERSION@,$(VERSION),' \
          -e 's,/usr/\(s*bin\)/,$(PREFIX)/\1/,' -e 's,/etc/engramd\.conf,$(SYSCONFDIR)/engramd.conf,'
install: all ## programs, header, libraries, manual pages, units, alerts, dashboards; DESTDIR= PREFIX=
	install -d $(addprefix $(DESTDIR),$(PREFIX)/bin $(PREFIX)/sbin $(LIBDIR)/pkgconfig \
	  $(PREFIX)/include/engram $(UNITDIR) $(SYSCONFDIR) $(DOCDIR)/examples)
	install -m 755 $(BUILD)/engramd $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(BUILD)/engramctl $(BUILD)/engram-demo $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(BUILD)/libengram.a $(DESTDIR)$(LIBDIR)
	install -m 755 $(BUILD)/libengram.so $(DESTDIR)$(LIBDIR)/libengram.so.0
	ln -sf libengram.so.0 $(DESTDIR)$(LIBDIR)/libengram.so
	sed $(PLACES) shmlib/engram.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/engram.pc
	install -m 644 include/engram/* $(DESTDIR)$(PREFIX)/include/engram
	for page in $(MANUALS); do section=$${page##*.}; \
	  install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$$section/$$(basename $$page); done
	install -D -m 644 $(COMPLETIONS).bash \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions/engramctl
	install -D -m 644 $(COMPLETIONS).zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_engramctl
	install -D -m 644 $(COMPLETIONS).fish \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/engramctl.fish
	for unit in engramd.service engramd.socket; do \
	  sed $(PLACES) systemd/$$unit >$(DESTDIR)$(UNITDIR)/$$unit; done
	install -D -m 644 systemd/engramd.sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/engramd.conf
	install -D -m 644 systemd/engramd.tmpfiles.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/engramd.conf
	install -m 644 README.md LICENSE $(DESTDIR)$(DOCDIR)
	install -m 644 systemd/prometheus.yml systemd/examples/* alerts/alertmanager.yml $(DESTDIR)$(DOCDIR)/examples
	install -d $(addprefix $(DESTDIR)$(PREFIX)/share/engramd/,alerts dashboards runbooks)
	for rules in alerts/*.rules.yml; do sed 's,/usr/share/engramd,$(PREFIX)/share/engramd,' $$rules \
	  >$(DESTDIR)$(PREFIX)/share/engramd/alerts/$$(basename $$rules); done
	install -m 644 alerts/runbooks/*.md $(DESTDIR)$(PREFIX)/share/engramd/runbooks
	install -m 644 alerts/dashboards/*.json $(DESTDIR)$(PREFIX)/share/engramd/dashboards
	[ -e $(DESTDIR)$(SYSCONFDIR)/engramd.conf ] || \
	  install -m 644 systemd/engramd.conf $(DESTDIR)$(SYSCONFDIR)

# Debian packages, in $(BUILD)/deb; by the name of packages, unchecked.
deb: packages ## Debian packages, in build/deb
	lintian --fail-on error $(BUILD)/deb/*.changes
packages:
	@.ci/deps deb
	@VERSION=$(VERSION) REVISION=$(REVISION) BUILD_DEPENDS="$(foreach p,$(DAEMON_PACKAGES) $(CTL_PACKAGES),$(APT_$(p))) libpfm4-dev" \
	  systemd/debian/build $(BUILD)/deb

clean: ## remove what was built
	rm -rf build build-*

SOURCES = $(shell find alerts include shmlib daemon tools tests -name '*.[ch]')
TIDY := $(shell command -v clang-tidy)
format: ## format the sources
	clang-format -i $(SOURCES)
lint: ## formatting, clang-tidy, shellcheck, manual pages
	@.ci/deps lint
	clang-format --dry-run -Werror $(SOURCES)
	shellcheck -x .ci/* tests/run tests/fresh-host \
	  $(addprefix tests/platforms/,setup initramfs boot guest run systemd systemd-guest) \
	  systemd/debian/build $(wildcard tests/integration/*.sh tools/*.sh) $(COMPLETIONS).bash
	$(if $(MANUALS),mandoc -Tlint -Wwarning $(MANUALS))
	$(if $(TIDY),clang-tidy --quiet $(wildcard shmlib/*.c daemon/*.c daemon/*/*.c tools/engramctl/*.c) -- \
	  -std=gnu11 -Iinclude -I. $(DAEMON_CFLAGS) $(CTL_CFLAGS) -DENGRAM_VERSION='""' -DENGRAM_REVISION='""')

-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)
