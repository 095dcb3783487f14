// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading a document strictly: every value knows its place, and what is left over in an object can be an error.

use crate::capability;
use crate::error::Error;
use crate::user::{Id, User};
use serde_json::{Map, Value};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// How much of a value an error shows, in characters.
const SHOWN: usize = 80;

/// A value and its place: `configuration: mounts[0].bind.target`.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    place: String,
    pub value: Value,
}

impl Item {
    /// Its place, for people.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// One of a field of this one.
    pub fn below(&self, name: &str, value: Value) -> Item {
        Item { place: format!("{}.{name}", self.place), value }
    }

    /// The error of a value that is not allowed.
    pub fn wrong(&self, allowed: &str) -> Error {
        let shown = self.value.to_string();
        let shown = match shown.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", shown.get(..end).unwrap_or_default()),
            None => shown,
        };
        Error::invalid(self.place.as_str(), shown, format!("it is {allowed}"))
    }

    /// What `read` makes of it; nothing where it is not allowed.
    pub fn one_of<T>(self, allowed: &str, read: impl FnOnce(&Value) -> Option<T>) -> Result<T, Error> {
        read(&self.value).ok_or_else(|| self.wrong(allowed))
    }

    pub fn switch(self) -> Result<bool, Error> {
        self.one_of("true or false", Value::as_bool)
    }

    pub fn number(self) -> Result<u32, Error> {
        self.one_of("a number from 0 to 4294967295", |value| value.as_u64()?.try_into().ok())
    }

    pub fn descriptor(self) -> Result<i32, Error> {
        self.one_of("a descriptor's number, 0 to 2147483647", |value| value.as_u64()?.try_into().ok())
    }

    pub fn bytes(self) -> Result<u64, Error> {
        self.one_of("a number of bytes", Value::as_u64)
    }

    pub fn string(self) -> Result<String, Error> {
        self.one_of("a string", |value| value.as_str().map(str::to_string))
    }

    /// Bytes: a string, or `{"hex": …}`.
    pub fn text(self) -> Result<OsString, Error> {
        self.one_of("a string, or {\"hex\": DIGITS} for bytes that are not UTF-8", |value| match value {
            Value::String(text) => Some(text.into()),
            Value::Object(map) if map.len() == 1 => hex(map.get("hex")?.as_str()?).map(OsString::from_vec),
            _ => None,
        })
    }

    pub fn word<T: Clone>(self, words: &[(&str, T)]) -> Result<T, Error> {
        let found = words.iter().find(|(word, _)| self.value == *word).map(|(_, known)| known.clone());
        found.ok_or_else(|| {
            let allowed: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            self.wrong(&allowed.join(" or "))
        })
    }

    /// A user's or a group's name or number.
    pub fn id(self) -> Result<Id, Error> {
        self.one_of("a name, or a number from 0 to 4294967294", |value| match value {
            Value::Number(number) => number.as_u64()?.try_into().ok().filter(|id| *id != u32::MAX).map(Id::Number),
            // A name is one that the command line takes for a name.
            Value::String(name) => match User::parse(name).ok()? {
                User { user: Id::Name(name), group: None } => Some(Id::Name(name)),
                _ => None,
            },
            _ => None,
        })
    }

    pub fn capability(self) -> Result<u64, Error> {
        self.one_of("the name of a capability (capabilities(7))", |value| capability::parse(value.as_str()?).ok())
    }

    /// A list of what `read` takes.
    pub fn list<T>(self, read: impl Fn(Item) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        match self.value {
            Value::Array(values) => values
                .into_iter()
                .enumerate()
                .map(|(index, value)| read(Item { place: format!("{}[{index}]", self.place), value }))
                .collect(),
            _ => Err(self.wrong("a list")),
        }
    }

    /// As `list`, of what needs no place but where it is not allowed; `read` then gives it back.
    pub fn each<T>(self, allowed: &str, mut read: impl FnMut(Value) -> Result<T, Value>) -> Result<Vec<T>, Error> {
        let Value::Array(values) = self.value else { return Err(self.wrong("a list")) };
        let place = |index| format!("{}[{index}]", self.place);
        let wrong = |(index, value)| Item { place: place(index), value }.wrong(allowed);
        values
            .into_iter()
            .enumerate()
            .map(|(index, value)| read(value).map_err(|value| wrong((index, value))))
            .collect()
    }

    pub fn object(self) -> Result<Fields, Error> {
        match self.value {
            Value::Object(left) => Ok(Fields { place: format!("{}.", self.place), left, known: Vec::new() }),
            _ => Err(self.wrong("an object")),
        }
    }
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// What is left of an object while its fields are taken out.
#[derive(Debug)]
pub(crate) struct Fields {
    place: String,
    left: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Fields {
    /// The whole document, which errors name by `name`.
    pub fn of_document(name: &str, document: &[u8]) -> Result<Fields, Error> {
        match serde_json::from_slice(document) {
            Ok(Value::Object(left)) => Ok(Fields { place: format!("{name}: "), left, known: Vec::new() }),
            Ok(value) => Err(Item { place: format!("{name}: document"), value }.wrong("an object")),
            Err(error) => Err(Error::invalid(name, "", format!("it is no JSON: {error}"))),
        }
    }

    /// A field, where it is there and not null.
    pub fn take(&mut self, name: &'static str) -> Option<Item> {
        self.known.push(name);
        let value = self.left.remove(name).filter(|value| !value.is_null());
        value.map(|value| Item { place: format!("{}{name}", self.place), value })
    }

    /// A field that must be there.
    pub fn required(&mut self, name: &'static str) -> Result<Item, Error> {
        self.take(name)
            .ok_or_else(|| Error::invalid(format!("{}{name}", self.place), "", "it is missing and must be given"))
    }

    /// Sets what a field says, where it says something.
    pub fn set<T>(
        &mut self,
        name: &'static str,
        place: &mut T,
        read: impl FnOnce(Item) -> Result<T, Error>,
    ) -> Result<(), Error> {
        if let Some(item) = self.take(name) {
            *place = read(item)?;
        }
        Ok(())
    }

    /// As `set`, for what can be none.
    pub fn set_some<T>(
        &mut self,
        name: &'static str,
        place: &mut Option<T>,
        read: impl FnOnce(Item) -> Result<T, Error>,
    ) -> Result<(), Error> {
        self.set(name, place, |item| read(item).map(Some))
    }

    /// Refuses what nobody has taken.
    pub fn finish(self) -> Result<(), Error> {
        match self.left.into_iter().next() {
            None => Ok(()),
            Some((name, value)) => {
                let wrong = Item { place: format!("{}{name}", self.place), value }.wrong("");
                Err(wrong.cause(format!("there is no such field; those are {}", self.known.join(", "))))
            }
        }
    }
}
