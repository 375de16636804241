// SPDX-License-Identifier: MIT

// client_golang's registry and promhttp: the counters and the protocol of scrape_writer.c.
package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const series, period = 10000, 10 * time.Millisecond

func makeCounters(registry *prometheus.Registry) []prometheus.Counter {
	family := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "scraped_operations_total", Help: "Operations on a shard.",
	}, []string{"operation", "shard", "store"})
	registry.MustRegister(family)
	counters := make([]prometheus.Counter, series)
	for i := range counters {
		counters[i] = family.WithLabelValues(fmt.Sprintf("operation_%d", i/1000),
			fmt.Sprintf("shard-%04d", i%100), fmt.Sprintf("store_%d", i/100%10))
		counters[i].Add(float64(i))
	}
	return counters
}

func lines(to chan<- string) {
	for scanner := bufio.NewScanner(os.Stdin); scanner.Scan(); {
		to <- scanner.Text()
	}
	os.Exit(0)
}

func main() {
	registry := prometheus.NewRegistry()
	counters := makeCounters(registry)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	go func() { panic(http.Serve(listener, nil)) }()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	input := make(chan string)
	go lines(input)
	var due <-chan time.Time // nil: it holds
	for added := 0; ; {
		select {
		case <-due:
			for _, counter := range counters {
				counter.Inc()
			}
			added++
			due = time.After(period)
		case line := <-input:
			due = nil
			if line == "go" {
				due = time.After(period)
			}
			fmt.Println(added)
		}
	}
}
