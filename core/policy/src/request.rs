// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said to contain-idmap and what it answers: one message each way, over a SOCK_SEQPACKET socket.
//!
//! The request: magic (u32), version (u16), the numbers of user and of group lines (u16 each), setgroups wanted (u8, 0
//! or 1), a zero (u8); then the lines, users first, of three u32 each: container id, host id, count. One descriptor
//! goes with it (SCM_RIGHTS): the target's /proc/PID directory. The answer: one u32, an [`Answer`]. All numbers are
//! little-endian. Everything else is refused; a later form gets another version.

use crate::{IdMap, MapEntry, MapError};

/// The first four bytes, `CIDM`.
pub const REQUEST_MAGIC: u32 = u32::from_le_bytes(*b"CIDM");

/// The only version there is.
pub const REQUEST_VERSION: u16 = 1;

/// A request is not longer than this; its lines are at most [`MAX_LINES`](crate::MAX_LINES), of both maps together.
pub const MAX_REQUEST: usize = 4096;

/// The descriptor that contain-idmap has its socket at.
pub const REQUEST_DESCRIPTOR: i32 = 3;

/// How many bytes an answer has.
pub const ANSWER_LENGTH: usize = 4;

const HEADER_LENGTH: usize = 12;
const LINE_LENGTH: usize = 12;

/// Which ids to map in a new user namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The user ids; at least one line.
    pub users: IdMap,
    /// The group ids; at least one line.
    pub groups: IdMap,
    /// Whether setgroups(2) is wanted inside. It is left allowed only where the rule allows it too.
    pub setgroups: bool,
}

/// Why a message is no request, or a request is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// Not as long as its header says, or longer than [`MAX_REQUEST`], or the buffer is too short.
    Length,
    /// Another magic, another version, or a field with a value that it cannot have.
    Header,
    /// More than [`MAX_LINES`](crate::MAX_LINES) lines, of both maps together.
    TooManyLines,
    /// The user map is not one that can be written.
    Users(MapError),
    /// The group map is not one that can be written.
    Groups(MapError),
}

impl Request {
    /// Writes the message to the start of `buffer` ([`MAX_REQUEST`] bytes are always enough) and gives what was
    /// written.
    pub fn encode<'a>(&self, buffer: &'a mut [u8]) -> Result<&'a [u8], RequestError> {
        let (users, groups) = (self.users.entries(), self.groups.entries());
        check(&self.users).map_err(RequestError::Users)?;
        check(&self.groups).map_err(RequestError::Groups)?;
        let length = message_length(users.len(), groups.len())?;
        let number = |lines: usize| u16::try_from(lines).map_err(|_| RequestError::TooManyLines);
        let message = buffer.get_mut(..length).ok_or(RequestError::Length)?;
        let mut writer = Writer { rest: &mut *message };
        writer.put(&REQUEST_MAGIC.to_le_bytes())?;
        writer.put(&REQUEST_VERSION.to_le_bytes())?;
        writer.put(&number(users.len())?.to_le_bytes())?;
        writer.put(&number(groups.len())?.to_le_bytes())?;
        writer.put(&[u8::from(self.setgroups), 0])?;
        for entry in users.iter().chain(groups) {
            for value in [entry.container(), entry.host(), entry.count()] {
                writer.put(&value.to_le_bytes())?;
            }
        }
        Ok(message)
    }

    /// The request that `message` is, all of it and nothing else. Both maps are ones that the kernel can take.
    pub fn decode(message: &[u8]) -> Result<Request, RequestError> {
        let mut reader = Reader { rest: message };
        let magic = u32::from_le_bytes(reader.take()?);
        let version = u16::from_le_bytes(reader.take()?);
        let users = usize::from(u16::from_le_bytes(reader.take()?));
        let groups = usize::from(u16::from_le_bytes(reader.take()?));
        let (setgroups, zero) = match reader.take()? {
            [wanted @ (0 | 1), zero] => (wanted == 1, zero),
            [..] => return Err(RequestError::Header),
        };
        if magic != REQUEST_MAGIC || version != REQUEST_VERSION || zero != 0 {
            return Err(RequestError::Header);
        }
        if message_length(users, groups)? != message.len() {
            return Err(RequestError::Length);
        }
        let users = reader.map(users)?.map_err(RequestError::Users)?;
        let groups = reader.map(groups)?.map_err(RequestError::Groups)?;
        Ok(Request { users, groups, setgroups })
    }
}

/// How long a message with so many lines is.
fn message_length(users: usize, groups: usize) -> Result<usize, RequestError> {
    let lines = users.saturating_add(groups);
    if lines > crate::MAX_LINES {
        return Err(RequestError::TooManyLines);
    }
    let length = lines.saturating_mul(LINE_LENGTH).saturating_add(HEADER_LENGTH);
    if length > MAX_REQUEST { Err(RequestError::Length) } else { Ok(length) }
}

/// Whether the kernel takes the map, as far as that depends on the map alone.
fn check(map: &IdMap) -> Result<(), MapError> {
    if map.is_empty() {
        Err(MapError::Empty)
    } else if map.text_length() >= crate::PAGE {
        Err(MapError::TooLong)
    } else {
        Ok(())
    }
}

struct Writer<'a> {
    rest: &'a mut [u8],
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), RequestError> {
        let place = self.rest.split_off_mut(..bytes.len()).ok_or(RequestError::Length)?;
        place.copy_from_slice(bytes);
        Ok(())
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], RequestError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(RequestError::Length)?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// The next `lines` lines; the inner error is one of the map.
    fn map(&mut self, lines: usize) -> Result<Result<IdMap, MapError>, RequestError> {
        let mut map = IdMap::new();
        for _ in 0..lines {
            let [container, host, count] = [self.take()?, self.take()?, self.take()?].map(u32::from_le_bytes);
            let entry = MapEntry::new(container.into(), host.into(), count.into());
            if let Err(error) = entry.and_then(|entry| map.push(entry)) {
                return Ok(Err(error));
            }
        }
        Ok(check(&map).map(|()| map))
    }
}

/// What contain-idmap answers. Whatever is not [`Answer::Done`], no answer included, can leave a map written and the
/// other not: the target must not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Answer {
    /// Both maps are written, and setgroups is as the rule says.
    Done = 0,
    /// The message is no request, or came with no descriptor or with several.
    Malformed = 1,
    /// A map has an id twice, goes past the last id, or is too long.
    BadMap = 2,
    /// Ids that do not exist for this caller, or that are others'. Which, is not told.
    Ids = 3,
    /// No process, or none that this caller may map. Which, is not told.
    Target = 4,
    /// The kernel did not take what was allowed; a map may be written.
    Kernel = 5,
    /// The program has not the two capabilities, and neither of the next two reasons is why.
    NotPrivileged = 6,
    /// The caller has no_new_privs, so that no program gets privilege.
    NoNewPrivileges = 7,
    /// The program is on a file system that is mounted nosuid.
    Nosuid = 8,
    /// The program, or the folder that it is in, can be written by others than root.
    Folder = 9,
    /// One of the files that say what is delegated is not one to be relied on.
    Files = 10,
    /// A system call failed that does not fail; nothing is written.
    System = 11,
}

impl Answer {
    /// Every answer, in the order of the codes.
    pub const ALL: [Answer; 12] = [
        Answer::Done,
        Answer::Malformed,
        Answer::BadMap,
        Answer::Ids,
        Answer::Target,
        Answer::Kernel,
        Answer::NotPrivileged,
        Answer::NoNewPrivileges,
        Answer::Nosuid,
        Answer::Folder,
        Answer::Files,
        Answer::System,
    ];

    /// The number that is sent.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The answer with this number.
    pub fn from_code(code: u32) -> Option<Answer> {
        Answer::ALL.get(usize::try_from(code).ok()?).copied()
    }

    /// The message.
    pub const fn encode(self) -> [u8; ANSWER_LENGTH] {
        self.code().to_le_bytes()
    }

    /// The answer that a message is; none where it is none of this version.
    pub fn decode(message: &[u8]) -> Option<Answer> {
        Answer::from_code(u32::from_le_bytes(message.try_into().ok()?))
    }

    /// What it means.
    pub const fn text(self) -> &'static str {
        match self {
            Answer::Done => "done",
            Answer::Malformed => "the request is not one of this version of contain-idmap",
            Answer::BadMap => "a map has an id twice, goes past the last id, or is longer than a page",
            Answer::Ids => "an id is neither the caller's own nor delegated to it",
            Answer::Target => "there is no such process with a new user namespace of the caller's, without maps",
            Answer::Kernel => "the kernel refused a map that is allowed",
            Answer::NotPrivileged => "contain-idmap has not the capabilities setuid and setgid",
            Answer::NoNewPrivileges => "the caller has no_new_privs, so that contain-idmap gets no privilege",
            Answer::Nosuid => "contain-idmap is on a file system that is mounted nosuid, so that it gets no privilege",
            Answer::Folder => "contain-idmap or its folder can be written by others than root",
            Answer::Files => {
                "/etc/passwd, /etc/subuid or /etc/subgid is no file that root alone can write, or is larger than 1 MiB"
            }
            Answer::System => "a system call of contain-idmap failed",
        }
    }

    /// What to do about it; none where nothing is wrong.
    pub const fn remedy(self) -> Option<&'static str> {
        Some(match self {
            Answer::Done => return None,
            Answer::Malformed | Answer::System => "install contain and contain-idmap of the same version",
            Answer::BadMap => "give each id once, at most 340 lines",
            Answer::Ids => "delegate the ids in /etc/subuid and /etc/subgid",
            Answer::Target => "start it as one user, whose ids do not change meanwhile",
            Answer::Kernel => "map only ids that the current user namespace has (/proc/self/uid_map, gid_map)",
            Answer::NotPrivileged => {
                "install it with `make install HELPER_MODE=fcaps`, or give it cap_setuid,cap_setgid+ep by setcap"
            }
            Answer::NoNewPrivileges => "start contain from a process without no_new_privs, or map the own id only",
            Answer::Nosuid => "install it on a file system without the mount option nosuid",
            Answer::Folder => "give both to root and take the right to write from all others",
            Answer::Files => "make it a plain file of root's, mode 0644, not a symbolic link",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn map(text: &str) -> IdMap {
        IdMap::parse(text.as_bytes()).unwrap()
    }

    fn message(request: &Request) -> Vec<u8> {
        let mut buffer = [0xff; MAX_REQUEST];
        request.encode(&mut buffer).unwrap().to_vec()
    }

    fn usual() -> Request {
        Request { users: map("0:1000:1,1:100000:65536"), groups: map("0:1000:1"), setgroups: true }
    }

    #[test]
    fn request_as_it_is_sent() {
        let bytes = message(&usual());
        assert_eq!(bytes[..12], *b"CIDM\x01\0\x02\0\x01\0\x01\0");
        assert_eq!(bytes[12..24], *b"\0\0\0\0\xe8\x03\0\0\x01\0\0\0");
        assert_eq!(bytes.len(), 12 + 3 * 12);
        assert_eq!(Request::decode(&bytes), Ok(usual()));
    }

    #[test]
    fn request_any_other_byte_of_the_header_is_refused() {
        let good = message(&usual());
        for at in 0..HEADER_LENGTH {
            for value in (0..=255).filter(|&value| value != good[at]) {
                let mut bad = good.clone();
                bad[at] = value;
                let other = Request::decode(&bad);
                // The wish for setgroups is the one byte with two good values.
                assert!(other.is_err() || at == 10 && value == 0, "byte {at} = {value}: {other:?}");
            }
        }
    }

    #[test]
    fn request_any_other_length_is_refused() {
        let good = message(&usual());
        for length in 0..good.len() {
            assert_eq!(Request::decode(&good[..length]), Err(RequestError::Length), "{length}");
        }
        let mut long = good;
        long.push(0);
        assert_eq!(Request::decode(&long), Err(RequestError::Length));
        long.resize(MAX_REQUEST + 1, 0);
        assert_eq!(Request::decode(&long), Err(RequestError::Length));
    }

    #[test]
    fn request_340_lines_of_both_maps_together_are_the_most() {
        let lines = |count: u64| {
            let mut map = IdMap::new();
            for line in 0..count {
                map.push(MapEntry::new(line, 1000 + line, 1).unwrap()).unwrap();
            }
            map
        };
        let request = |users, groups| Request { users: lines(users), groups: lines(groups), setgroups: false };
        let most = message(&request(170, 170));
        assert_eq!(most.len(), 4092);
        assert_eq!(Request::decode(&most), Ok(request(170, 170)));
        let mut buffer = [0; MAX_REQUEST];
        assert_eq!(request(171, 170).encode(&mut buffer), Err(RequestError::TooManyLines));
        let mut more = most;
        more[6] = 171;
        more.extend([0; 12]);
        assert_eq!(Request::decode(&more), Err(RequestError::TooManyLines));
    }

    #[test]
    fn request_maps_that_cannot_be_written_are_refused() {
        // Offsets of the first user line and of the group line.
        let changed = |at: usize, value: u32| {
            let mut bytes = message(&usual());
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            Request::decode(&bytes)
        };
        assert_eq!(changed(20, 0), Err(RequestError::Users(MapError::NoIds)));
        assert_eq!(changed(16, u32::MAX), Err(RequestError::Users(MapError::OutOfRange)));
        assert_eq!(changed(16, 100_005), Err(RequestError::Users(MapError::HostOverlap)));
        assert_eq!(changed(12, 1), Err(RequestError::Users(MapError::ContainerOverlap)));
        assert_eq!(changed(44, 0), Err(RequestError::Groups(MapError::NoIds)));
        assert_eq!(changed(44, u32::MAX), Err(RequestError::Groups(MapError::OutOfRange)));
    }

    #[test]
    fn request_without_lines_is_refused() {
        let mut buffer = [0; MAX_REQUEST];
        let none = Request { users: IdMap::new(), ..usual() };
        assert_eq!(none.encode(&mut buffer), Err(RequestError::Users(MapError::Empty)));
        let none = Request { groups: IdMap::new(), ..usual() };
        assert_eq!(none.encode(&mut buffer), Err(RequestError::Groups(MapError::Empty)));
        assert_eq!(Request::decode(b"CIDM\x01\0\0\0\0\0\0\0"), Err(RequestError::Users(MapError::Empty)));
        assert_eq!(usual().encode(&mut [0; 47]), Err(RequestError::Length));
        assert_eq!(usual().encode(&mut [0; 48]).map(<[u8]>::len), Ok(48));
    }

    #[test]
    fn answer_codes_are_their_places() {
        for (place, answer) in Answer::ALL.iter().enumerate() {
            assert_eq!(answer.code() as usize, place);
            assert_eq!(Answer::decode(&answer.encode()), Some(*answer));
            assert_eq!(answer.remedy().is_none(), *answer == Answer::Done);
            let texts = [Some(answer.text()), answer.remedy()];
            assert!(texts.iter().flatten().all(|text| !text.is_empty() && !text.ends_with('.')));
        }
        assert_eq!(Answer::from_code(12), None);
        assert_eq!(Answer::decode(b"\0\0\0"), None);
        assert_eq!(Answer::decode(b"\0\0\0\0\0"), None);
        assert_eq!(Answer::decode(b"\xff\xff\xff\xff"), None);
    }
}
