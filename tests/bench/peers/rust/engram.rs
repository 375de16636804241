// SPDX-License-Identifier: MIT
//! Ours from Rust, by the symbols of libengram and plain rustc: engram-rust OBSERVER
mod peer;

use peer::{Operation, VALUES};
use std::cell::RefCell;
use std::ffi::CStr;
use std::io::{BufRead, BufReader, Write};
use std::os::raw::{c_char, c_int};
use std::process::{Child, ChildStdout, Command, Stdio};

#[repr(C)]
#[derive(Clone, Copy)]
struct Slot {
    blocks: usize,
    slot: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Histogram {
    at: Slot,
    bounds: usize,
    cells: u32,
    first: i32,
}

extern "C" {
    fn engram_attach(process: *const c_char) -> c_int;
    fn engram_reason() -> *const c_char;
    fn engram_counter_new(name: *const c_char, help: *const c_char, labels: *const *const c_char) -> Slot;
    fn engram_histogram_new(name: *const c_char, help: *const c_char, labels: *const *const c_char) -> Histogram;
    fn engram_counter_add(counter: Slot, amount: u64);
    fn engram_histogram_record(histogram: Histogram, value: f64);
    fn engram_span_begin() -> u64;
    fn engram_span_end(span: u64, histogram: Histogram) -> u64;
}

/// The process that is asked what was recorded.
struct Observer(RefCell<(Child, BufReader<ChildStdout>)>);

impl Observer {
    fn start(program: &str) -> Observer {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Observer(RefCell::new((child, answers)))
    }

    fn count(&self, name: &str) -> u64 {
        let (child, answers) = &mut *self.0.borrow_mut();
        let mut line = String::new();
        writeln!(child.stdin.as_mut().unwrap(), "count {name}").unwrap();
        answers.read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }
}

fn main() {
    let name = |text: &'static str| CStr::from_bytes_with_nul(text.as_bytes()).unwrap().as_ptr();
    if unsafe { engram_attach(name("bench\0")) } != 0 {
        eprintln!("engram: {}", unsafe { CStr::from_ptr(engram_reason()) }.to_string_lossy());
        std::process::exit(1);
    }
    let none = std::ptr::null();
    let counter = unsafe { engram_counter_new(name("c_total\0"), none, none as _) };
    let histogram = unsafe { engram_histogram_new(name("h_seconds\0"), none, none as _) };
    let observer = Observer::start(&std::env::args().nth(1).expect("no observer"));
    let values = peer::values();
    peer::serve(&[
        Operation {
            name: "counter",
            run: Box::new(move |from, to| (from..to).for_each(|_| unsafe { engram_counter_add(counter, 1) })),
            count: Some(Box::new(|| observer.count("c_total"))),
        },
        Operation {
            name: "histogram",
            run: Box::new(|from, to| {
                (from..to).for_each(|i| unsafe { engram_histogram_record(histogram, values[i % VALUES]) })
            }),
            count: Some(Box::new(|| observer.count("h_seconds"))),
        },
        Operation {
            name: "span",
            run: Box::new(|from, to| {
                (from..to).for_each(|_| unsafe {
                    engram_span_end(engram_span_begin(), histogram);
                })
            }),
            count: Some(Box::new(|| observer.count("h_seconds"))),
        },
    ]);
}
