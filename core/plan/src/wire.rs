// SPDX-License-Identifier: MIT OR Apache-2.0
//! The smallest parts of the format: numbers, bytes, texts and lists of texts.

use core::ffi::CStr;

/// The bytes are not a plan of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Text without NUL inside, ended by one.
pub type Text<'a> = &'a CStr;

/// Reads from the front of a slice.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    /// Whether all has been read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `length` bytes.
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes(N)?.try_into().map_err(|_| Malformed)
    }

    /// A byte.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    /// Four bytes, signed.
    pub fn i32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_le_bytes)
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    /// Bytes behind their length.
    pub fn sized(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u32()?;
        self.bytes(length as usize)
    }

    /// A text behind its length, NUL included.
    pub fn text(&mut self) -> Result<Text<'a>, Malformed> {
        CStr::from_bytes_with_nul(self.sized()?).map_err(|_| Malformed)
    }

    /// A list of texts.
    pub fn list(&mut self) -> Result<List<'a>, Malformed> {
        let count = self.u32()?;
        let body = self.sized()?;
        let mut reader = Reader::new(body);
        for _ in 0..count {
            reader.text()?;
        }
        if !reader.is_empty() {
            return Err(Malformed);
        }
        Ok(List { count, body })
    }
}

/// Texts, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List<'a> {
    count: u32,
    body: &'a [u8],
}

impl<'a> List<'a> {
    /// A list from its written body: `count` texts, each as [`Sink::text`] writes it.
    pub fn new(count: u32, body: &'a [u8]) -> Self {
        List { count, body }
    }

    /// A list of none.
    pub const EMPTY: List<'static> = List { count: 0, body: &[] };

    /// How many.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The texts in order.
    pub fn iter(&self) -> impl Iterator<Item = Text<'a>> + use<'a> {
        let mut reader = Reader::new(self.body);
        core::iter::from_fn(move || reader.text().ok())
    }
}

/// Where a plan is written to.
pub trait Sink {
    /// Appends bytes.
    fn bytes(&mut self, bytes: &[u8]);

    /// A byte.
    fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    /// Two bytes.
    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    /// Four bytes.
    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    /// Four bytes, signed.
    fn i32(&mut self, value: i32) {
        self.bytes(&value.to_le_bytes());
    }

    /// Eight bytes.
    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    /// Bytes behind their length.
    fn sized(&mut self, bytes: &[u8]) {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.bytes(bytes);
    }

    /// A text behind its length, NUL included.
    fn text(&mut self, text: Text<'_>) {
        self.sized(text.to_bytes_with_nul());
    }

    /// A list of texts.
    fn list(&mut self, list: List<'_>) {
        self.u32(list.count);
        self.sized(list.body);
    }
}

/// A sink that only counts.
#[derive(Default, Debug)]
pub struct Count(usize);

impl Count {
    /// How many bytes were written.
    pub fn bytes(&self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }
}

impl Sink for Count {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }
}

/// A field of a step.
pub(crate) trait Field<'a>: Sized {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed>;
    fn write(&self, sink: &mut impl Sink);
}

macro_rules! field {
    ($type:ty, $name:ident) => {
        impl<'a> Field<'a> for $type {
            fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
                reader.$name()
            }
            fn write(&self, sink: &mut impl Sink) {
                sink.$name(*self);
            }
        }
    };
}
field!(u8, u8);
field!(u32, u32);
field!(i32, i32);
field!(u64, u64);
field!(Text<'a>, text);
field!(List<'a>, list);
field!(&'a [u8], sized);

impl<'a> Field<'a> for bool {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        match reader.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }
    fn write(&self, sink: &mut impl Sink) {
        sink.u8(u8::from(*self));
    }
}
