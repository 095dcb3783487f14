// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes that can be secret: arguments, environment, the contents of files. They are wiped when they are dropped, all the
//! room that they had, and no copy stays behind where they grow.

use contain_plan::Sink;
use std::io::Read;
use std::ops::Deref;

/// The least room, for a list of a few words.
const LEAST: usize = 256;

/// Bytes that are wiped when dropped.
#[derive(Default)]
pub(crate) struct Wiped(Vec<u8>);

impl Wiped {
    /// None yet, with room for so many.
    pub fn with_capacity(capacity: usize) -> Wiped {
        Wiped(Vec::with_capacity(capacity))
    }

    /// The next so many bytes of a file.
    pub fn read(file: &mut impl Read, length: usize) -> std::io::Result<Wiped> {
        let mut bytes = Wiped(vec![0; length]);
        file.read_exact(&mut bytes.0)?;
        Ok(bytes)
    }

    /// Adds bytes. Where there is no room, all move to a new place and the old one is wiped.
    pub fn extend(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Wiped::with_capacity(needed.max(self.0.capacity() * 4).max(LEAST).next_power_of_two());
            larger.0.extend_from_slice(&self.0);
            *self = larger;
        }
        self.0.extend_from_slice(bytes);
    }
}

impl std::fmt::Debug for Wiped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Deref for Wiped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Sink for Wiped {
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend(bytes);
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        // SAFETY: the vector's own memory, as much as it has; what is written is no value that anybody reads.
        unsafe { libc::explicit_bzero(self.0.as_mut_ptr().cast(), self.0.capacity()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_in_order_however_they_grow() {
        let mut bytes = Wiped::default();
        for number in 0..=255u8 {
            bytes.extend(&[number; 7]);
        }
        assert_eq!(bytes.len(), 256 * 7);
        assert!(bytes.chunks(7).zip(0..=255u8).all(|(chunk, number)| chunk == [number; 7]));
    }

    #[test]
    fn an_empty_one_is_wiped_too() {
        drop(Wiped::default());
        let mut bytes = Wiped::with_capacity(0);
        bytes.extend(b"");
        assert!(bytes.is_empty());
    }
}
