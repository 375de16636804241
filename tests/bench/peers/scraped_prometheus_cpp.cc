// SPDX-License-Identifier: MIT
// prometheus-cpp's registry and Exposer: the counters and the protocol of scrape_writer.c.
#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/registry.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace {
constexpr int series = 10000, period_ms = 10;

std::vector<prometheus::Counter *> make_counters(prometheus::Registry &registry)
{
    auto &family = prometheus::BuildCounter()
                       .Name("scraped_operations_total")
                       .Help("Operations on a shard.")
                       .Register(registry);
    std::vector<prometheus::Counter *> counters;
    for (int i = 0; i < series; i++) {
        char shard[32];
        std::snprintf(shard, sizeof shard, "shard-%04d", i % 100);
        counters.push_back(&family.Add({{"operation", "operation_" + std::to_string(i / 1000)},
                                        {"shard", shard},
                                        {"store", "store_" + std::to_string(i / 100 % 10)}}));
        counters.back()->Increment(i);
    }
    return counters;
}
} // namespace

int main()
{
    auto registry = std::make_shared<prometheus::Registry>();
    auto counters = make_counters(*registry);
    prometheus::Exposer exposer{"127.0.0.1:0"};
    exposer.RegisterCollectable(registry);
    std::cout << exposer.GetListeningPorts().front() << std::endl;
    unsigned long added = 0;
    bool going = false;
    std::string line;
    pollfd input{STDIN_FILENO, POLLIN, 0};
    for (;;) {
        if (poll(&input, 1, going ? period_ms : -1) == 0) {
            for (auto *counter : counters)
                counter->Increment();
            added++;
        } else if (!std::getline(std::cin, line)) {
            return 0;
        } else {
            going = line == "go";
            std::cout << added << std::endl;
        }
    }
}
