// SPDX-License-Identifier: MIT OR Apache-2.0
//! A list of fixed capacity: what stands in for a vector where nothing is allocated.

/// Up to `CAPACITY` values, in the order in which they were added.
#[derive(Clone, Copy)]
pub(crate) struct List<T: Copy, const CAPACITY: usize> {
    values: [T; CAPACITY],
    length: usize,
}

impl<T: Copy, const CAPACITY: usize> List<T, CAPACITY> {
    /// An empty list; `filler` is what its unused places hold.
    pub(crate) const fn new(filler: T) -> Self {
        List { values: [filler; CAPACITY], length: 0 }
    }

    /// Adds a value at the end; false where there is no room.
    #[must_use]
    pub(crate) fn push(&mut self, value: T) -> bool {
        match self.values.get_mut(self.length) {
            Some(place) => {
                *place = value;
                self.length = self.length.saturating_add(1);
                true
            }
            None => false,
        }
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        self.values.get(..self.length).unwrap_or(&[])
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        self.values.get_mut(..self.length).unwrap_or(&mut [])
    }
}
