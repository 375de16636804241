// SPDX-License-Identifier: MIT

// Go's client_golang as a contestant; peer.h says what it is asked and what it answers.
package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

const valueCount = 65536

var (
	values  [valueCount]float64
	bounds  = []float64{1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, .1, .3, 1, 3, 10}
	counter = prometheus.NewCounter(prometheus.CounterOpts{Name: "c_total"})
	gauge   = prometheus.NewGauge(prometheus.GaugeOpts{Name: "g"})
	classic = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "b_seconds", Buckets: bounds})
	native  = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "h_seconds", NativeHistogramBucketFactor: 1.1})
)

func fillValues() {
	random := uint64(1)
	for i := range values {
		random = random*6364136223846793005 + 1442695040888963407
		values[i] = 1e-6 * math.Pow(10, 7*float64(random>>11)*0x1p-53)
	}
}

func written(metric prometheus.Metric) *dto.Metric {
	var to dto.Metric
	if err := metric.Write(&to); err != nil {
		panic(err)
	}
	return &to
}

func records(histogram prometheus.Histogram) func() uint64 {
	return func() uint64 { return written(histogram).GetHistogram().GetSampleCount() }
}

type operation struct {
	run   func(from, to int)
	count func() uint64
}

var operations = map[string]operation{
	"counter": {func(from, to int) {
		for i := from; i < to; i++ {
			counter.Inc()
		}
	}, func() uint64 { return uint64(written(counter).GetCounter().GetValue()) }},
	"gauge": {func(from, to int) {
		for i := from; i < to; i++ {
			gauge.Set(values[i%valueCount])
		}
	}, nil},
	"histogram": {func(from, to int) {
		for i := from; i < to; i++ {
			native.Observe(values[i%valueCount])
		}
	}, records(native)},
	"bounds": {func(from, to int) {
		for i := from; i < to; i++ {
			classic.Observe(values[i%valueCount])
		}
	}, records(classic)},
	"span": {func(from, to int) {
		for i := from; i < to; i++ {
			prometheus.NewTimer(classic).ObserveDuration()
		}
	}, records(classic)},
}

var other []byte

// evict reads more than the caches hold, all of which is memory of its own.
func evict() byte {
	if other == nil {
		size, err := strconv.Atoi(os.Getenv("EVICT_BYTES"))
		if err != nil {
			size = 64 << 20
		}
		other = make([]byte, size)
		for i := range other {
			other[i] = 1
		}
	}
	sum := byte(0)
	for i := 0; i < len(other); i += 64 {
		sum += other[i]
	}
	return sum
}

var sink byte

func runCold(run func(from, to int), rounds int) float64 {
	taken := make([]float64, rounds)
	for i := range taken {
		sink += evict()
		time.Since(time.Now()) // neither the clock nor the loop is to be what is cold
		run(i, i)
		start := time.Now()
		run(i, i+1)
		taken[i] = float64(time.Since(start).Nanoseconds())
	}
	sort.Float64s(taken)
	sum, out := 0.0, rounds/4
	for _, ns := range taken[out : rounds-out] {
		sum += ns
	}
	return sum / float64(rounds-2*out)
}

func runWarm(run func(from, to int), rounds int) float64 {
	start := time.Now()
	run(0, rounds)
	return float64(time.Since(start).Nanoseconds()) / float64(rounds)
}

// takeOwnCPU moves this thread to the CPU of that number among those that the process may run on.
func takeOwnCPU(number int) {
	var set [1024 / 64]uint64
	size, at := unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set))
	if _, _, err := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, size, at); err != 0 {
		return
	}
	var allowed []int
	for cpu := 0; cpu < 1024; cpu++ {
		if set[cpu/64]>>(cpu%64)&1 == 1 {
			allowed = append(allowed, cpu)
		}
	}
	cpu := allowed[number%len(allowed)]
	set = [1024 / 64]uint64{}
	set[cpu/64] = 1 << (cpu % 64)
	syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, size, at)
}

func take(one func(run func(from, to int), rounds int) float64, run func(from, to int), threads, rounds int) float64 {
	var all sync.WaitGroup
	var ready int32
	taken := make([]float64, threads)
	for i := range taken {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			runtime.LockOSThread() // for good: a thread that was moved ends with its work
			if threads > 1 {
				takeOwnCPU(i)
			}
			atomic.AddInt32(&ready, 1)
			for atomic.LoadInt32(&ready) < int32(threads) {
				runtime.Gosched()
			}
			taken[i] = one(run, rounds)
		}(i)
	}
	all.Wait()
	sum := 0.0
	for _, ns := range taken {
		sum += ns
	}
	return sum / float64(threads)
}

func answer(name string, threads, rounds int) {
	one := runWarm
	if strings.HasPrefix(name, "cold-") {
		one, name = runCold, name[len("cold-"):]
	}
	asked, there := operations[name]
	if !there {
		fmt.Println(`{"absent": "the library has none"}`)
		return
	}
	if asked.count == nil {
		fmt.Printf("{\"ns\": %.4f}\n", take(one, asked.run, threads, rounds))
		return
	}
	before := asked.count()
	ns := take(one, asked.run, threads, rounds)
	fmt.Printf("{\"ns\": %.4f, \"count\": %d}\n", ns, asked.count()-before)
}

func main() {
	fillValues()
	prometheus.MustRegister(counter, gauge, classic, native)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var name string
		var threads, rounds int
		if _, err := fmt.Sscan(lines.Text(), &name, &threads, &rounds); err != nil {
			fmt.Fprintln(os.Stderr, "not OPERATION THREADS ROUNDS:", lines.Text())
			os.Exit(2)
		}
		answer(name, threads, rounds)
	}
}
