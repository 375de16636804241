# The contestants of tests/bench/recording.py and, by their names, of scraping.py.  Those that need
# what `make bench-deps` installs are made where it is there, and one that cannot be made is not
# measured.
PEER_DIR := $(BUILD)/bench/peers
PEER_SOURCES := tests/bench/peers
OUR_PEERS := $(addprefix $(PEER_DIR)/,engram engram-a engram-so observer yardstick requirements)
found = $(if $(shell { $(1); } >/dev/null 2>&1 && echo yes),$(2))
RUST_CRATE := /usr/share/cargo/registry/prometheus-0.13*/Cargo.toml
GO_SOURCES := /usr/share/gocode
GO_LIBRARY := $(GO_SOURCES)/src/github.com/prometheus/client_golang/prometheus/counter.go
OTHER_PEERS = $(addprefix $(PEER_DIR)/,\
  $(call found,pkg-config --exists prometheus-cpp-core,prometheus-cpp) \
  $(call found,command -v go && ls $(GO_LIBRARY),client_golang) \
  $(call found,pkg-config --exists prometheus-cpp-pull,scraped-prometheus-cpp) \
  $(call found,command -v go && ls $(GO_LIBRARY),scraped-client_golang) \
  $(call found,pkg-config --exists lttng-ust && command -v lttng-sessiond,lttng) \
  $(call found,pkg-config --exists libpcp && ls /usr/include/pcp/mmv_stats.h,pcp-mmv) \
  $(call found,command -v rustc,engram-rust-a engram-rust-so) \
  $(call found,command -v cargo && ls $(RUST_CRATE),rust-prometheus))

.PHONY: peers other-peers
peers: $(OUR_PEERS)
	@$(MAKE) --no-print-directory -sk other-peers || echo "some others could not be built" >&2
other-peers:
	@$(if $(strip $(OTHER_PEERS)),$(MAKE) --no-print-directory -sk $(OTHER_PEERS))

# Programs, as users build theirs; but a loop of one cycle takes two where it crosses a line.
ALIGNED := -falign-loops=64
$(BUILD)/obj/tests/bench/peers/%.o: ALL_CFLAGS := $(filter-out -fPIC,$(ALL_CFLAGS)) $(ALIGNED)
peer_object = $(BUILD)/obj/tests/bench/peers/$(1).o
$(PEER_DIR)/%: $(BUILD)/obj/tests/bench/peers/%.o $(call peer_object,peer)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ $(PEER_LIBS) -lm -o $@
$(PEER_DIR)/observer: $(call peer_object,observer) $(BUILD)/libengram.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ -o $@

# The same by the symbols of the two libraries; the shared one is found by its soname.
$(call peer_object,engram-linked): $(PEER_SOURCES)/engram.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -DENGRAM_LINKED -c $< -o $@
$(PEER_DIR)/engram-a: $(call peer_object,engram-linked) $(call peer_object,peer) $(BUILD)/libengram.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ -lm -o $@
$(PEER_DIR)/engram-so: $(call peer_object,engram-linked) $(call peer_object,peer) $(PEER_DIR)/libengram.so.0
	$(CC) $(ALL_LDFLAGS) $^ -Wl,-rpath,'$$ORIGIN' -lm -o $@
$(PEER_DIR)/libengram.so.0: $(BUILD)/libengram.so
	@mkdir -p $(@D)
	cp $< $@

$(PEER_DIR)/prometheus-cpp: $(PEER_SOURCES)/prometheus_cpp.cc $(call peer_object,peer)
	$(CXX) -std=c++17 $(CFLAGS) $(ALIGNED) -I. $^ $$(pkg-config --cflags --libs prometheus-cpp-core) -pthread -lm -o $@
$(PEER_DIR)/pcp-mmv: $(PEER_SOURCES)/pcp_mmv.c $(call peer_object,peer)
	$(CC) -std=gnu11 $(CFLAGS) $(ALIGNED) -I. $^ -lpcp_mmv -lpcp -pthread -lm -o $@
$(PEER_DIR)/lttng: $(PEER_SOURCES)/lttng.c $(call peer_object,peer)
	$(CC) -std=gnu11 $(CFLAGS) $(ALIGNED) -I. $^ $$(pkg-config --libs lttng-ust) -pthread -lm -o $@
$(PEER_DIR)/client_golang: $(PEER_SOURCES)/client_golang/main.go
	GO111MODULE=off GOPATH=$(GO_SOURCES) GOCACHE=$(abspath $(PEER_DIR)/go-cache) go build -o $@ $<
$(PEER_DIR)/scraped-prometheus-cpp: $(PEER_SOURCES)/scraped_prometheus_cpp.cc
	$(CXX) -std=c++17 $(CFLAGS) $< $$(pkg-config --cflags --libs prometheus-cpp-pull) -pthread -o $@
$(PEER_DIR)/scraped-client_golang: $(PEER_SOURCES)/scraped_client_golang.go
	GO111MODULE=off GOPATH=$(GO_SOURCES) GOCACHE=$(abspath $(PEER_DIR)/go-cache) go build -o $@ $<

RUST_SOURCES := $(wildcard $(PEER_SOURCES)/rust/*)
$(PEER_DIR)/engram-rust-a: $(RUST_SOURCES) $(BUILD)/libengram.a
	rustc --edition 2021 -C opt-level=3 $(PEER_SOURCES)/rust/engram.rs -L $(BUILD) -l static=engram -o $@
$(PEER_DIR)/engram-rust-so: $(RUST_SOURCES) $(PEER_DIR)/libengram.so.0
	rustc --edition 2021 -C opt-level=3 $(PEER_SOURCES)/rust/engram.rs -C link-arg=$(PEER_DIR)/libengram.so.0 \
	  -C link-arg=-Wl,-rpath,'$$ORIGIN' -o $@
# Copied, since cargo writes beside its manifest.
$(PEER_DIR)/rust-prometheus: $(RUST_SOURCES)
	mkdir -p $(PEER_DIR)/rust && cp $^ $(PEER_DIR)/rust
	cargo build --quiet --release --offline --manifest-path $(PEER_DIR)/rust/Cargo.toml \
	  --config 'source.crates-io.replace-with="debian"' --config 'source.debian.directory="/usr/share/cargo/registry"'
	cp $(PEER_DIR)/rust/target/release/rust-prometheus $@
