// SPDX-License-Identifier: MIT
//! What a contestant in Rust is but for its operations; ../peer.h says what it is asked and answers.
use std::io::BufRead;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

pub const VALUES: usize = 65536;

#[allow(dead_code)] // not every contestant has bounds
pub const BOUNDS: [f64; 15] =
    [1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0];

pub fn values() -> Vec<f64> {
    let mut random = 1u64;
    (0..VALUES)
        .map(|_| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            1e-6 * 10f64.powf(7.0 * (random >> 11) as f64 / (1u64 << 53) as f64)
        })
        .collect()
}

pub struct Operation<'a> {
    pub name: &'static str,
    pub run: Box<dyn Fn(usize, usize) + Sync + 'a>,
    pub count: Option<Box<dyn Fn() -> u64 + 'a>>,
}

/// Memory that is larger than the caches, all of it written to and so there.
fn other_memory() -> Vec<u8> {
    let wanted = std::env::var("EVICT_BYTES").ok().and_then(|size| size.parse().ok());
    vec![1u8; wanted.unwrap_or(64 << 20)]
}

/// Or the compiler would leave out what is not used.
fn use_up<T: Copy>(value: T) {
    unsafe { std::ptr::read_volatile(&value) };
}

fn run_cold(operation: &Operation, rounds: usize) -> f64 {
    let other = other_memory();
    let mut taken: Vec<f64> = (0..rounds)
        .map(|i| {
            other.iter().step_by(64).for_each(|byte| use_up(*byte));
            // Neither the clock nor the loop is to be what is cold.
            use_up(Instant::now().elapsed().as_nanos());
            (operation.run)(i, i);
            let start = Instant::now();
            (operation.run)(i, i + 1);
            start.elapsed().as_nanos() as f64
        })
        .collect();
    taken.sort_unstable_by(f64::total_cmp);
    let middle = &taken[rounds / 4..rounds - rounds / 4];
    middle.iter().sum::<f64>() / middle.len() as f64
}

fn run_warm(operation: &Operation, rounds: usize) -> f64 {
    let start = Instant::now();
    (operation.run)(0, rounds);
    start.elapsed().as_nanos() as f64 / rounds as f64
}

extern "C" {
    fn sched_getaffinity(pid: i32, size: usize, set: *mut u64) -> i32;
    fn sched_setaffinity(pid: i32, size: usize, set: *const u64) -> i32;
}

/// Moves this thread to the CPU of that number among those that the process may run on.
fn take_own_cpu(number: usize) {
    let mut set = [0u64; 1024 / 64];
    let size = std::mem::size_of_val(&set);
    if unsafe { sched_getaffinity(0, size, set.as_mut_ptr()) } < 0 {
        return;
    }
    let allowed: Vec<usize> = (0..1024).filter(|cpu| set[cpu / 64] >> (cpu % 64) & 1 == 1).collect();
    let cpu = allowed[number % allowed.len()];
    set = [0; 1024 / 64];
    set[cpu / 64] = 1 << (cpu % 64);
    unsafe { sched_setaffinity(0, size, set.as_ptr()) };
}

struct Shared<'a>(&'a Operation<'a>);
unsafe impl Sync for Shared<'_> {} // the threads touch `run` alone, which is Sync
impl<'a> Shared<'a> {
    fn take(&self, cold: bool, rounds: usize) -> f64 {
        if cold { run_cold(self.0, rounds) } else { run_warm(self.0, rounds) }
    }
}

fn take(operation: &Operation, cold: bool, threads: usize, rounds: usize) -> f64 {
    let ready = AtomicUsize::new(0);
    let shared = Shared(operation);
    let one = |number| {
        if threads > 1 {
            take_own_cpu(number);
        }
        ready.fetch_add(1, Ordering::AcqRel);
        while ready.load(Ordering::Acquire) < threads {
            std::thread::yield_now();
        }
        shared.take(cold, rounds)
    };
    let one = &one;
    let sum: f64 = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|number| scope.spawn(move || one(number))).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    sum / threads as f64
}

fn answer(operations: &[Operation], asked: &str, threads: usize, rounds: usize) {
    let (cold, name) = match asked.strip_prefix("cold-") {
        Some(name) => (true, name),
        None => (false, asked),
    };
    let operation = match operations.iter().find(|operation| operation.name == name) {
        Some(operation) => operation,
        None => return println!("{{\"absent\": \"the library has none\"}}"),
    };
    let before = operation.count.as_ref().map(|count| count());
    let ns = take(operation, cold, threads, rounds);
    match (before, &operation.count) {
        (Some(before), Some(count)) => println!("{{\"ns\": {ns:.4}, \"count\": {}}}", count() - before),
        _ => println!("{{\"ns\": {ns:.4}}}"),
    }
}

pub fn serve(operations: &[Operation]) {
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        answer(operations, words[0], words[1].parse().unwrap(), words[2].parse().unwrap());
    }
}
