// SPDX-License-Identifier: MIT OR Apache-2.0
//! The attributes of the caller's terminal while the monitor has it raw, where its guard finds them: the two share this
//! memory, and the guard is there when the monitor has been killed.

use contain_sys::Fd;
use contain_sys::terminal::{self, Attributes, WORDS};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

static WORDS_BEFORE: [AtomicU32; WORDS] = [const { AtomicU32::new(0) }; WORDS];
static KEPT: AtomicBool = AtomicBool::new(false);

/// ORDER: before the terminal is made raw.
pub fn keep(before: &Attributes) {
    KEPT.store(false, Ordering::Release);
    for (place, word) in WORDS_BEFORE.iter().zip(before.to_words()) {
        place.store(word, Ordering::Relaxed);
    }
    KEPT.store(true, Ordering::Release);
}

/// ORDER: when the terminal is as it was.
pub fn forget() {
    KEPT.store(false, Ordering::Release);
}

/// By the guard of a monitor that is gone: gives the terminal its attributes back where it is still as the monitor left
/// it. A shell that has it already may have done so, and made it what it likes.
pub fn restore(terminal: Fd) {
    if !KEPT.load(Ordering::Acquire) {
        return;
    }
    let mut words = [0; WORDS];
    for (word, place) in words.iter_mut().zip(&WORDS_BEFORE) {
        *word = place.load(Ordering::Relaxed);
    }
    let before = Attributes::from_words(words);
    if terminal::attributes(terminal) == Ok(before.raw()) {
        // A terminal that went away keeps nothing.
        let _ = terminal::set_attributes(terminal, &before);
    }
}
