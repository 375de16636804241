// SPDX-License-Identifier: MIT
//! The `prometheus` crate: its integer counter, the faster of the two, its gauge and its histogram,
//! which has bounds of its user's only.
mod peer;

use peer::{Operation, BOUNDS, VALUES};
use prometheus::{Gauge, Histogram, HistogramOpts, IntCounter};

fn main() {
    let values = peer::values();
    let counter = IntCounter::new("c_total", "c").unwrap();
    let gauge = Gauge::new("g", "g").unwrap();
    let options = HistogramOpts::new("b_seconds", "b").buckets(BOUNDS.to_vec());
    let histogram = Histogram::with_opts(options).unwrap();
    prometheus::register(Box::new(counter.clone())).unwrap();
    prometheus::register(Box::new(gauge.clone())).unwrap();
    prometheus::register(Box::new(histogram.clone())).unwrap();
    peer::serve(&[
        Operation {
            name: "counter",
            run: Box::new(|from, to| (from..to).for_each(|_| counter.inc())),
            count: Some(Box::new(|| counter.get())),
        },
        Operation {
            name: "gauge",
            run: Box::new(|from, to| (from..to).for_each(|i| gauge.set(values[i % VALUES]))),
            count: None,
        },
        Operation {
            name: "bounds",
            run: Box::new(|from, to| (from..to).for_each(|i| histogram.observe(values[i % VALUES]))),
            count: Some(Box::new(|| histogram.get_sample_count())),
        },
        Operation {
            name: "span",
            run: Box::new(|from, to| (from..to).for_each(|_| histogram.start_timer().observe_duration())),
            count: Some(Box::new(|| histogram.get_sample_count())),
        },
    ]);
}
