// SPDX-License-Identifier: MIT OR Apache-2.0
//! Callers with many threads, with threads that end, and with much memory.

use crate::scenario::{alone, assert_exited, config, ended, finish, pipe, shell};
use contain::{Container, Stdio};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Threads that start containers at the same time.
const THREADS: usize = 64;

#[test]
fn sixty_four_threads_at_once_each_get_their_own_result() {
    alone("threads::sixty_four_threads_at_once_each_get_their_own_result", || {
        let barrier = Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for number in 0..THREADS {
                let barrier = &barrier;
                scope.spawn(move || {
                    let (mut reader, writer) = pipe();
                    let mut config = shell(&format!("echo {number}; exit {number}"));
                    config.stdio = [Stdio::Null, Stdio::Descriptor(writer.as_raw_fd()), Stdio::Inherit];
                    barrier.wait();
                    let container = Container::run(&config).expect("start");
                    drop(writer);
                    let mut text = String::new();
                    // The end of file shows too that no other thread's container has this pipe.
                    reader.read_to_string(&mut text).expect("read");
                    assert_eq!(text, format!("{number}\n"));
                    assert_exited(&ended(&container), number as i32);
                });
            }
        });
    });
}

#[test]
fn thread_that_ends_leaves_its_container_running() {
    alone("threads::thread_that_ends_leaves_its_container_running", || {
        let (mut answers, answer_end) = pipe();
        let (question_end, mut questions) = {
            let (reader, writer) = pipe();
            (OwnedFd::from(reader), std::fs::File::from(writer))
        };
        let maker = std::thread::spawn(move || {
            let mut config = config(&["cat"]);
            let stdio = [question_end.as_raw_fd(), answer_end.as_raw_fd()].map(Stdio::Descriptor);
            config.stdio = [stdio[0], stdio[1], Stdio::Inherit];
            Container::run(&config).expect("start")
        });
        let container = maker.join().expect("the thread ends");
        // A parent-death signal of that thread would have come by now.
        assert_eq!(container.wait(Some(Duration::from_millis(300))).expect("wait"), None);
        questions.write_all(b"still there\n").expect("write to the container");
        let mut text = [0; 12];
        answers.read_exact(&mut text).expect("read from the container");
        assert_eq!(&text, b"still there\n");
        drop(questions);
        assert_exited(&ended(&container), 0);
    });
}

/// Faults of this process that needed no file (getrusage(2)).
fn minor_faults() -> i64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage fills the structure; all zeros is a valid one too.
    unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init().ru_minflt
    }
}

/// Memory of the process's own, every page of it touched.
struct Touched {
    base: *mut u8,
    bytes: usize,
}

impl Touched {
    fn new(bytes: usize) -> Touched {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new private mapping, of small pages so that each counts.
        let base = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let base = libc::mmap(std::ptr::null_mut(), bytes, protection, flags, -1, 0);
            assert_ne!(base, libc::MAP_FAILED, "map {bytes} bytes");
            libc::madvise(base, bytes, libc::MADV_NOHUGEPAGE);
            base.cast::<u8>()
        };
        let touched = Touched { base, bytes };
        touched.write(4096);
        touched
    }

    /// Writes to one byte in every `stride`.
    fn write(&self, stride: usize) {
        for at in (0..self.bytes).step_by(stride) {
            // SAFETY: inside the mapping, which nothing else uses.
            unsafe { self.base.add(at).write_volatile(1) };
        }
    }
}

impl Drop for Touched {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`.
        unsafe { libc::munmap(self.base.cast(), self.bytes) };
    }
}

/// Bytes that can be used up without harm: 4 GB, or 1 GB where there is less than 6 GB to spare.
fn much() -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib: usize = available.and_then(|rest| rest.trim_end_matches("kB").trim().parse().ok()).unwrap_or(0);
    if kib >= 6 << 20 { 4 << 30 } else { 1 << 30 }
}

#[test]
fn caller_with_much_memory_is_never_copied() {
    alone("threads::caller_with_much_memory_is_never_copied", || {
        const RUNS: i64 = 10;
        /// Pages of the caller's that are written to after each run: a fork would have made every one fault again.
        const WRITTEN: usize = 2048;
        let run = |memory: &Touched| {
            let (faults, start) = (minor_faults(), Instant::now());
            for _ in 0..RUNS {
                assert_exited(&finish(&config(&["true"])), 0);
                memory.write(memory.bytes / WRITTEN);
            }
            ((minor_faults() - faults) / RUNS, start.elapsed() / RUNS as u32)
        };
        let small = Touched::new(WRITTEN * 4096);
        let (few_faults, short) = run(&small);
        let large = Touched::new(much());
        let (many_faults, long) = run(&large);
        println!(
            "measured: {short:?} a run with {} MB touched, {long:?} with {} MB",
            small.bytes >> 20,
            large.bytes >> 20
        );
        assert!(few_faults < 100, "{few_faults} page faults a run");
        assert!(many_faults < 100, "{many_faults} page faults a run with {} MB touched", large.bytes >> 20);
    });
}
