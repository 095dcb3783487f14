// SPDX-License-Identifier: MIT OR Apache-2.0
//! The steps. A new feature is at most one new kind here, done in contain-init, compiled in the runtime.

use crate::wire::{Field, List, Malformed, Reader, Sink, Text};

/// Who does a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Doer {
    /// contain-init outside.
    Monitor = 0,
    /// contain-init inside, the container's first process, or the process that becomes an injected command.
    Init = 1,
}

impl Doer {
    pub(crate) fn from_byte(byte: u8) -> Result<Doer, Malformed> {
        match byte {
            0 => Ok(Doer::Monitor),
            1 => Ok(Doer::Init),
            _ => Err(Malformed),
        }
    }
}

macro_rules! steps {
    ($($(#[doc = $doc:literal])* $number:literal $name:ident $label:literal { $($(#[doc = $field_doc:literal])* $field:ident: $type:ty,)* })*) => {
        /// What is done in one step.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Step<'a> {
            $($(#[doc = $doc])* $name { $($(#[doc = $field_doc])* $field: $type,)* },)*
            /// Never made: it ties the lifetime where no field does.
            #[doc(hidden)]
            Never(core::convert::Infallible, core::marker::PhantomData<&'a ()>),
        }

        impl<'a> Step<'a> {
            /// The number of the kind, as written.
            pub fn kind(&self) -> u16 {
                match self {
                    $(Step::$name { .. } => $number,)*
                    Step::Never(never, _) => match *never {},
                }
            }

            /// What the kind is called, in words.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Step::$name { .. } => $label,)*
                    Step::Never(never, _) => match *never {},
                }
            }

            pub(crate) fn read(kind: u16, reader: &mut Reader<'a>) -> Result<Step<'a>, Malformed> {
                match kind {
                    $($number => Ok(Step::$name { $($field: <$type as Field>::read(reader)?,)* }),)*
                    _ => Err(Malformed),
                }
            }

            /// Writes the fields.
            pub fn write(&self, sink: &mut impl Sink) {
                match self {
                    $(Step::$name { $($field,)* } => { $(Field::write($field, sink);)* let _ = sink; })*
                    Step::Never(never, _) => match *never {},
                }
            }
        }

        /// The kinds by their numbers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        #[allow(missing_docs, reason = "each is said of the step")]
        pub enum Kind {
            $($name = $number,)*
        }

        /// The number and the words of every kind.
        pub const KINDS: &[(u16, &str)] = &[$(($number, $label),)*];
    };
}

steps! {
    /// Makes PID 1 in new namespaces; its working directory is the root descriptor where there is one.
    1 Clone "clone" {
        /// CLONE_NEW* bits.
        namespaces: u64,
    }
    /// Writes the id maps of PID 1.
    2 MapIds "map ids" {
        /// Whether setgroups is denied first.
        deny_setgroups: bool,
        /// The kernel's text for uid_map.
        uid_map: &'a [u8],
        /// The kernel's text for gid_map.
        gid_map: &'a [u8],
    }
    /// Has the id maps of PID 1 written by the system's helpers.
    3 MapIdsThrough "map ids" {
        /// Path of newuidmap.
        uid_helper: Text<'a>,
        /// Its arguments behind the process id.
        uid_arguments: List<'a>,
        /// Path of newgidmap.
        gid_helper: Text<'a>,
        /// Its arguments behind the process id.
        gid_arguments: List<'a>,
    }
    /// Starts the outside helper as the monitor's child, on the host, and leaves it waiting.
    4 PrepareOutside "prepare" {
        /// Run by /bin/sh -c.
        command: Text<'a>,
        /// Its environment.
        environment: List<'a>,
    }
    /// Lets the outside helper run and waits for it.
    5 RunOutside "run" {
        /// As prepared; for people.
        command: Text<'a>,
    }
    /// The monitor joins these namespaces of PID 1.
    6 Join "join" {
        /// CLONE_NEW* bits.
        namespaces: u64,
    }
    /// Runs the inside helper in all new namespaces but PID, at the new root.
    7 RunInside "run" {
        /// Run by /bin/sh -c.
        command: Text<'a>,
        /// Its environment.
        environment: List<'a>,
    }
    /// Reports "created" and waits for the caller's word.
    8 AwaitStart "await start" {}
    /// The process becomes these ids of the new user namespace, without supplementary groups where it may.
    9 BecomeIds "ids" {
        /// User id inside.
        uid: u32,
        /// Group id inside.
        gid: u32,
        /// Whether supplementary groups can be cleared.
        clear_groups: bool,
    }
    /// Binds the working directory recursively onto itself as the new root.
    10 BindRoot "root" {
        /// For people: the directory as it was given.
        path: Text<'a>,
    }
    /// Makes a tmpfs the new root.
    11 TmpfsRoot "root" {
        /// A directory of the host on which it is mounted until it becomes the root.
        place: Text<'a>,
    }
    /// Makes a directory below the root where there is none.
    12 MakeDirectory "directory" {
        /// Below the root.
        path: Text<'a>,
        /// Permissions.
        mode: u32,
    }
    /// Makes a symbolic link below the root.
    13 MakeLink "link" {
        /// What it names.
        target: Text<'a>,
        /// Below the root.
        path: Text<'a>,
    }
    /// Mounts a new file system.
    14 Mount "mount" {
        /// Its type.
        filesystem: Text<'a>,
        /// Below the root; a real directory, no link on the way.
        target: Text<'a>,
        /// `key=value`, or `key` alone.
        options: List<'a>,
        /// MOUNT_ATTR_* bits.
        attributes: u64,
        /// Whether the target directory is made where there is none.
        make: bool,
    }
    /// Binds a file or directory of the host.
    15 Bind "bind" {
        /// On the host.
        source: Text<'a>,
        /// Below the root.
        target: Text<'a>,
        /// MOUNT_ATTR_* bits to set on all of it.
        attributes: u64,
        /// With all that is mounted below it.
        recursive: bool,
    }
    /// Binds devices of the host's /dev into the new one.
    16 BindDevices "devices" {
        /// Their names.
        names: List<'a>,
    }
    /// Opens a pseudo-terminal, binds it at /dev/console and hands its other end to the monitor.
    17 OpenConsole "console" {}
    /// Loopback up.
    18 RaiseLoopback "loopback" {}
    /// The new root becomes the root; the host's goes away.
    19 Pivot "pivot" {}
    /// Sets the host name.
    20 SetHostname "hostname" {
        /// The name.
        name: Text<'a>,
    }
    /// A resource limit.
    21 LimitResource "rlimit" {
        /// RLIMIT_* number.
        resource: u32,
        /// Soft limit.
        soft: u64,
        /// Hard limit.
        hard: u64,
    }
    /// The console becomes stdin, stdout, stderr and controlling terminal of a session of its own.
    22 TakeConsole "session" {}
    /// The working directory.
    23 ChangeDirectory "chdir" {
        /// Inside.
        path: Text<'a>,
    }
    /// Every signal gets its default action.
    24 ResetSignals "signals" {}
    /// PID 1 stays as reaper; what follows is done by the command's own process.
    25 Reap "init" {}
    /// Capability sets.
    26 SetCapabilities "capabilities" {
        /// Kept in the bounding set.
        bounding: u64,
        /// Permitted and effective.
        permitted: u64,
    }
    /// No exec gains privilege any more.
    27 SetNoNewPrivs "no new privileges" {}
    /// Loads the seccomp program.
    28 LoadSeccomp "seccomp" {
        /// struct sock_filter, one after the other.
        program: &'a [u8],
        /// SECCOMP_FILTER_FLAG_*.
        flags: u32,
        /// For people.
        summary: Text<'a>,
    }
    /// Becomes the command.
    29 Execute "exec" {
        /// Looked up on this PATH where it is not empty and the first argument has no slash.
        search: Text<'a>,
        /// Arguments; the first names the program.
        arguments: List<'a>,
        /// The whole environment.
        environment: List<'a>,
        /// Descriptors from 3 on that the command keeps; u32::MAX for all.
        keep: u32,
    }
    /// Joins namespaces of the target process, then forks the process that becomes the injected command.
    30 JoinTarget "join" {
        /// Whether the caller's supplementary groups are given up first: inside it may not be possible any more.
        leave_groups: bool,
        /// CLONE_NEW* bits, user and PID among them: those two are joined by the monitor, the others by its child.
        namespaces: u64,
        /// Its process id, for people.
        pid: i32,
    }
    /// Ends PID 1, whose user namespace has been joined.
    31 Dismiss "dismiss" {}
    /// The monitor gives up what it does not need any more and watches until the end.
    32 Watch "watch" {
        /// Whether its descriptors 0 and 1 are copied to and from the console.
        console: bool,
        /// Whether PID 1 is held by a guard that outlives the monitor.
        guard: bool,
    }
    /// Gives the caller's terminal its attributes back.
    33 RestoreTerminal "terminal" {}
    /// Tells the caller how it ended and what it used.
    34 Report "report" {}
    /// Moves the other process into a cgroup.
    35 EnterCgroup "join cgroup" {
        /// Where the hierarchy is mounted on the host.
        mount: Text<'a>,
        /// The cgroup's `cgroup.procs` below it.
        file: Text<'a>,
    }
    /// Becomes the user that the command runs as: groups, group and user, and no way back.
    36 BecomeUser "user" {
        /// User id inside.
        uid: u32,
        /// Group id inside.
        gid: u32,
        /// Whether the supplementary groups can be set.
        set_groups: bool,
        /// Supplementary groups, four bytes each, little-endian.
        groups: &'a [u8],
        /// Capabilities that a user other than 0 keeps, for the steps that follow.
        keep: u64,
        /// Whether the console becomes the user's.
        console: bool,
    }
    /// Finds, in this mount namespace, what a descriptor of the caller's is, and puts it in that descriptor's place.
    37 HoldSource "source" {
        /// What the caller opened; in contain-init.
        descriptor: i32,
        /// Its path on the host, without a link on the way.
        path: Text<'a>,
    }
    /// Binds a held source, with all that is mounted below it.
    38 BindSource "bind" {
        /// The held source.
        descriptor: i32,
        /// For people: the source as it was given.
        source: Text<'a>,
        /// Below the root, links resolved inside it; made where there is none.
        target: Text<'a>,
        /// MOUNT_ATTR_* bits to set on all of it.
        attributes: u64,
    }
    /// Mounts a new file system on a directory below the root.
    39 MountInside "mount" {
        /// Its type.
        filesystem: Text<'a>,
        /// Below the root, links resolved inside it; made where there is none.
        target: Text<'a>,
        /// `key=value`, or `key` alone.
        options: List<'a>,
        /// MOUNT_ATTR_* bits.
        attributes: u64,
    }
    /// Makes the root read-only.
    40 ProtectRoot "read-only" {
        /// What is mounted below it, and not the root itself.
        submounts: bool,
    }
    /// Has the id maps of PID 1 written by contain-idmap.
    41 MapIdsByHelper "map ids" {
        /// Path of contain-idmap.
        helper: Text<'a>,
        /// What it is asked, as it is sent.
        request: &'a [u8],
    }
    /// Makes an overlay over the working directory the new root; what is written goes to a tmpfs.
    42 OverlayRoot "root" {
        /// For people: the directory as it was given.
        path: Text<'a>,
        /// Options of the tmpfs.
        options: List<'a>,
    }
    /// Mounts an overlay over a directory of the host; what is written goes to a tmpfs.
    43 Overlay "overlay" {
        /// On the host.
        source: Text<'a>,
        /// Below the root.
        target: Text<'a>,
        /// Options of the tmpfs.
        options: List<'a>,
    }
    /// Makes a pair of connected network interfaces, one here and one in PID 1's network.
    44 MakeVeth "veth" {
        /// The one here; a `%d` in it becomes a free number.
        name: Text<'a>,
        /// The one inside.
        peer: Text<'a>,
        /// The bridge here that the one here belongs to; empty for none.
        bridge: Text<'a>,
        /// The largest packet; 0 for the kernel's default.
        mtu: u32,
    }
    /// An interface up, with an address and a default route where there are any.
    45 SetUpInterface "interface" {
        /// Its name inside.
        name: Text<'a>,
        /// 4 or 16 bytes, or none.
        address: &'a [u8],
        /// Length of the network's prefix.
        prefix: u32,
        /// 4 or 16 bytes, or none.
        gateway: &'a [u8],
        /// For people: address and gateway.
        shown: Text<'a>,
    }
    /// Sets how long the command may run, from its exec on.
    46 SetDeadline "deadline" {
        /// Microseconds.
        microseconds: u64,
    }
    /// Opens a pseudo-terminal of the container's own devpts and hands its other end to the monitor.
    47 OpenTerminal "terminal" {}
    /// Makes a file below the root, in a file system that the container made for itself.
    48 MakeFile "file" {
        /// Below the root; directories on the way are made where they are missing.
        path: Text<'a>,
        /// Permissions.
        mode: u32,
        /// What all files are to hold, one after the other.
        contents: i32,
        /// Where in there its own begins.
        offset: u64,
        /// How many bytes they are.
        length: u64,
    }
    /// Copies a file of the container that was joined to descriptor 1, and ends.
    49 CopyOut "copy out" {
        /// Inside.
        path: Text<'a>,
        /// The most bytes that are copied.
        limit: u64,
    }
    /// Copies descriptor 0 to a file of the container that was joined, and ends.
    50 CopyIn "copy in" {
        /// Inside.
        path: Text<'a>,
        /// Permissions of a file that is made.
        mode: u32,
    }
    /// Opens a pseudo-terminal of the container's own devpts and hands its other end, which a library's caller gets, to
    /// the monitor; in a container that is being made it is bound at /dev/console too.
    51 MakeConsole "console" {
        /// The window's height, in characters.
        rows: u32,
        /// The window's width, in characters.
        columns: u32,
    }
    /// Hands the console's other end to the caller.
    52 GiveConsole "hand over" {}
    /// The console becomes the controlling terminal of a session of its own, and some of stdin, stdout and stderr.
    53 UseConsole "session" {
        /// Which of the three: bits 0 to 2.
        descriptors: u32,
    }
    /// Closes what the command does not keep, ahead of the exec.
    54 Close "close" {
        /// Descriptors from 3 on that the command keeps; u32::MAX for all.
        keep: u32,
    }
}
