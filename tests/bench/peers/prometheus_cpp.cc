// SPDX-License-Identifier: MIT
// prometheus-cpp: its counter, gauge and histogram, which has bounds of its user's only.
#include "tests/bench/peers/peer.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <chrono>

namespace {

prometheus::Registry registry;

prometheus::Histogram::BucketBoundaries boundaries()
{
    return {peer_bounds, peer_bounds + PEER_BOUNDS};
}

auto &counter = prometheus::BuildCounter().Name("c_total").Register(registry).Add({});
auto &gauge = prometheus::BuildGauge().Name("g").Register(registry).Add({});
auto &histogram = prometheus::BuildHistogram().Name("h_seconds").Register(registry).Add({}, boundaries());

void time_span()
{
    auto start = std::chrono::steady_clock::now();
    std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    histogram.Observe(taken.count());
}

PEER_LOOP(add, counter.Increment())
PEER_LOOP(set, gauge.Set(PEER_VALUE(i)))
PEER_LOOP(record, histogram.Observe(PEER_VALUE(i)))
PEER_LOOP(time_one, time_span())

uint64_t adds()
{
    return static_cast<uint64_t>(counter.Value());
}

uint64_t records()
{
    return histogram.Collect().histogram.sample_count;
}

} // namespace

int main()
{
    static const peer_operation operations[] = {
        {"counter", add, adds, nullptr},
        {"gauge", set, nullptr, nullptr},
        {"bounds", record, records, nullptr},
        {"span", time_one, records, nullptr},
    };
    return peer_serve(operations, sizeof operations / sizeof operations[0]);
}
