// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the manual pages say beyond the tables of options. An option without a text here is told by its help alone.
//! Paragraphs are apart by empty lines; see `man::paragraphs` for what else is understood.

/// A program's page.
pub struct Manual {
    /// Behind the name.
    pub summary: &'static str,
    /// Further paragraphs of the description, behind what the help says.
    pub description: &'static str,
    /// More about options, by long name or else letter.
    pub options: &'static [(&'static str, &'static str)],
    /// Further sections.
    pub sections: &'static [(&'static str, &'static str)],
    pub see_also: &'static [(&'static str, u8)],
}

/// A page that goes with no table of options.
pub struct Page {
    pub name: &'static str,
    /// The section of the manual.
    pub section: u8,
    pub summary: &'static str,
    pub sections: &'static [(&'static str, &'static str)],
    pub see_also: &'static [(&'static str, u8)],
}

/// The page of the program of that name.
pub fn of(program: &str) -> &'static Manual {
    match program {
        "contain" => &CONTAIN,
        "inject" => &INJECT,
        _ => &PSEUDO,
    }
}

const MAP: &str = "\
A map is `START:LOWER:COUNT`, several of them with commas or semicolons between: START is the first id inside, LOWER the \
first on the host, COUNT how many there are. A user may map the own id and what /etc/subuid and /etc/subgid delegate.";

const BIND: &str = "\
SRC is looked up by the caller, before anything is made, and bound with all that is mounted below it. DST begins with a \
slash; links on the way to it are resolved inside the root, and what is missing is made: directories with permissions \
0755, files with 0644. /dev itself and places in /proc and /sys are refused. May be given several times, as may \
`--bind-ro` and `--tmpfs`; they are mounted in their order, after /dev, /proc, /sys and what the helpers mount. A colon in \
a name is written `\\:`, a backslash `\\\\`.";

const RLIMIT: &str = "\
NAME is `cpu` (seconds), `fsize`, `data`, `stack`, `core`, `rss`, `memlock`, `as` (bytes), `nproc`, `nofile`, `locks`, \
`sigpending`, `msgqueue`, `nice`, `rtprio` or `rttime`; see getrlimit(2). SOFT is what counts, HARD how far CMD may raise \
it: the same unless given, and at most the caller's own. May be given several times; the others are the caller's.";

const STATUS: &str = "\
The command's own status. 128+N when signal N ended it.

`124` :: Of contain and inject: it was ended by `--timeout`.

`127` :: The command was not found in the container, or its loader or interpreter was not.

`126` :: It is there and cannot be executed.

`125` :: The program's own failure; nothing is left running.

`64` :: The command line was not understood.";

const JSON: &str = "\
One line with an object, once everything has ended and before this program's exit status is there. RECORDS tells what is \
in it. Errors are printed for people all the same.";

const JSON_FD: &str = "\
In place of stderr; `--json` need not be given too. N is open for writing, and is not passed on unless it is 0, 1 or 2. \
What takes nothing for five seconds (a full pipe that nobody reads) gets no record.";

const LOG_FORMAT: &str = "\
`json` prints each error and each note as a line with an object: `level` (`error` or `info`), `program`, `msg` and, of an \
error, what RECORDS has under `error`. In place of the usage a wrong command line gets one of the stage `usage`. \
Where a filter or a limit leaves nothing to print with, a failure is told in fixed words.";

const RECORDS: &str = "\
`ended_by` :: `exited`; `signalled`; `wall`, by `--timeout`; `cpu`, by `--rlimit cpu`; `seccomp`: a filter that kills or \
traps, which the named profiles do not; `setup`: the command never began; `failure`: contain itself \
failed meanwhile and ended the command.

`exit_status` :: The status with which this program exits.

`status` :: The command's own exit status, where it exited.

`signal` :: The signal that ended it, where one did.

`wall`, `user`, `system` :: Seconds from the command's start to its end, and of processor time.

`peak_memory` :: The most that one process had in memory, in bytes. This and the times are of the command and what it \
waited for; of a container with `--init` that was killed they say nothing.

`error` :: Where something failed: `kind`, `stage` and `step`, `operation` and `object`, `errno` and `errno_name`, \
`kernel_message`, `cause`, `remedy`, `in_child`, and the wait `status` of a helper.

What has no value is null. More members may come. Where the supervisor is killed there is no record; where what writes \
it is killed (contain-record, a process on the host) there is none either, and nothing else changes.";

const ERROR_RECORDS: &str = "\
`level`, `program`, `msg` :: `error` or `info`, who prints it, and what is said, as for people.

`kind`, `stage`, `step`, `operation`, `object` :: Of an error: what failed, and the number of the step in the plan.

`errno`, `errno_name`, `kernel_message`, `cause`, `remedy` :: What the kernel answered, why that is likely, what to do.

`in_child`, `status` :: Whether it arose inside, and the wait status of a helper.";

const IDS: &str = "\
`/etc/subuid`, `/etc/subgid` :: Ranges of ids that are delegated to users: `NAME:FIRST:COUNT`, the name or the number of \
a user in front.";

static CONTAIN: Manual = Manual {
    summary: "run a command in a container",
    description: "\
The directory DIR becomes the root of new user, mount, PID, IPC, UTS, network, cgroup and time namespaces. On `dev`, \
`proc` and `sys` in it a small /dev, a new /proc and a new /sys are mounted. The command starts with an empty \
environment but `container=contain`. It is not looked up on PATH.

Started by root, container root is the highest id of the host, and every other id is itself. Started by a user, \
container root is that user, and the ids from 1 up are those that /etc/subuid and /etc/subgid delegate. Without any the \
container has one id.

The process that was started is the container's supervisor. A signal to it is passed on to PID 1; SIGTERM, SIGINT, \
SIGHUP and SIGQUIT end the container where PID 1 has no handler for them. However the supervisor ends, SIGKILL \
included, the container ends with it.",
    options: &[
        (
            "c",
            "Without it the command has a console of its own, a pseudo-terminal of the host's on /dev/console. With it \
             there is no /dev/console and no new session, and job control goes on working on the caller's terminal.",
        ),
        ("g", MAP),
        ("u", "As for `-g`."),
        (
            "i",
            "It is run by /bin/sh with the caller's environment, in all namespaces but that for PIDs, before /proc and \
             /sys are mounted. Typically it binds more of the host.",
        ),
        (
            "o",
            "It is run by /bin/sh with the caller's ids, environment and working directory, before the root is built. \
             Its parent is the supervisor, which is in the container's network by then: `ip link set veth1 netns $PPID`.",
        ),
        ("n", "No /sys is mounted then."),
        (
            "net",
            "`host` is `-n`. `veth` makes a pair of interfaces; it can be followed by `:OUTER=INNER`, their names in the \
             caller's network and in the container's (`eth0`), and, each behind a comma, by `bridge=NAME`, of which OUTER becomes \
             part, INNER's `address=ADDRESS/BITS`, the `gateway=ADDRESS` of a default route, and `mtu=BYTES`. It takes \
             CAP_NET_ADMIN over the caller's network. Both interfaces go when the container does.",
        ),
        ("host", "The root is made of the host's /usr, /bin, /sbin, /lib* and /etc, read-only, on a tmpfs."),
        ("bind", BIND),
        ("bind-ro", "As `--bind`; what the host mounts below SRC later on is not seen."),
        (
            "tmpfs",
            "SIZE is a number of bytes, or one with K, M or G; without it the file system can grow to half of the memory. \
             MODE are the permissions of DST, 1777 unless given. Devices and set-user-id programs do not work in it. As for \
             DST: see `--bind`.",
        ),
        (
            "overlay",
            "DIR is the lower layer of an overlay and stays as it is; the upper layer is a tmpfs that nobody else can see. \
             Nothing may be mounted below DIR. With `--host` the host's directories can be written to in that way, by ids \
             that are mapped, as in `-u 0:0:65536 -g 0:0:65536` of root; one with mounts below it stays read-only.",
        ),
        ("overlay-size", "As for `--tmpfs`. Without it what is written can grow to half of the memory."),
        (
            "read-only",
            "For DIR with all that is mounted below it, or the root of `--host`. /dev, /proc, and what `--bind`, `--bind-ro` \
             and `--tmpfs` mount stay as they are. What the host mounts below DIR later on is not seen. Container root can clear the \
             flag of a mount again while it has CAP_SYS_ADMIN: add `--cap-drop SYS_ADMIN` where that matters, as for `--bind-ro`.",
        ),
        (
            "user",
            "Names are those of /etc/passwd and /etc/group in DIR, as they are there before anything is mounted. Without GROUP the \
             command has all of the user's groups, with it that one alone. HOME is the user's. Another user than container root \
             has no capabilities but those of `--cap-add`.",
        ),
        (
            "cap-add",
            "Names are those of capabilities(7), with or without CAP_, in capitals or not. One of the two may be ALL; what the \
             other names is then the exception: `--cap-drop ALL --cap-add CHOWN`.",
        ),
        ("cap-drop", "As for `--cap-add`."),
        (
            "seccomp",
            "`system` refuses what reaches the kernel itself and lets distributions boot; `app` is the container engines' own, \
             with their fourteen capabilities. Anything else is the name of a file with OCI's `linux.seccomp` object, in \
             JSON, 1 MiB at most; the fourteen capabilities go with it too, and NAME of inject finds it.",
        ),
        (
            "preserve-fds",
            "As they are, under their own numbers. What they lead to is not the container's.",
        ),
        ("timeout", "The exit status is then 124."),
        (
            "init",
            "It reaps what is orphaned, passes signals on, and lets the command be a process like any other.",
        ),
        (
            "name",
            "NAME is made of letters, digits and `_ + . -`, is not all digits, and belongs to no other container of this \
             user. It goes when the container ends, however that is; what a crash has left of it is replaced.",
        ),
        (
            "detach",
            "The container has a session of its own and lives on without the caller. The process id that is printed is \
             for `inject` and `kill`. Where the command cannot be executed that is told and nothing is left. With `-c` \
             the command has the caller's stdin, stdout and stderr, without it /dev/null.",
        ),
        (
            "doctor",
            "Each line is a check: how it went, its name, what was found. What is not as it should be is followed by \
             the reason and the remedy. `limited` costs some containers something; `missing` keeps those that need it \
             from starting. The last check starts a container for real. The exit status is 0 where `contain --host` \
             works, else 1.",
        ),
        ("explain", "What is printed is read back from the very bytes that would be carried out."),
        ("rlimit", RLIMIT),
        ("json", JSON),
        ("json-fd", JSON_FD),
        ("log-format", LOG_FORMAT),
    ],
    sections: &[
        ("EXIT STATUS", STATUS),
        ("RECORDS", RECORDS),
        (
            "ENVIRONMENT",
            "`CONTAIN_LIBEXECDIR` :: The folder in which contain-init is run from its file, in place of memory.",
        ),
        ("FILES", IDS),
        (
            "NAMES",
            "`/run/contain` :: The containers that root has given a name, and those of root's library callers.\n\
             `$XDG_RUNTIME_DIR/contain` :: Those of a user.",
        ),
        (
            "EXAMPLES",
            "\
A shell in a container of busybox:

    mkdir root && cd root
    tar -c -C / bin/busybox | pseudo tar -x
    bin/busybox --install bin
    contain .

A shell on the host's own programs:

    contain --host

Sources that cannot be changed, a place for results, and nothing else that stays:

    contain --host --read-only --tmpfs /tmp --bind-ro ~/src:/src --bind ~/out:/out

One end of a veth pair moved into the container, as root:

    ip link add veth0 type veth peer name veth1
    contain -o 'ip link set veth1 netns $PPID' DIR /sbin/init",
        ),
    ],
    see_also: &[("inject", 1), ("pseudo", 1), ("libcontain", 3), ("contain-idmap", 8), ("subuid", 5), ("user_namespaces", 7)],
};

static INJECT: Manual = Manual {
    summary: "run a command in a running container",
    description: "\
All namespaces of the container are joined. The command is container root without supplementary groups, in /, under the \
seccomp profile `system`, or with NAME under the one that the container was started with; it enters the container's cgroups where the caller may move it there, and says so where not. \
The container must belong to the caller.

A signal to inject is passed on to the command. SIGKILL of inject ends the command too, unless that has cleared its \
parent-death signal, as a change of ids does; what the command has started goes on until the container ends, and a \
terminal of `-t` stays raw (`stty sane`).",
    options: &[
        ("env", "It takes the place of one of this name."),
        (
            "user",
            "Names are those of the container's /etc/passwd and /etc/group as they are now. Without GROUP CMD has that \
             user's groups, with it that group alone; HOME is the user's where the environment names none. A user other \
             than root has no capabilities.",
        ),
        ("groups", "In place of the user's own. They are mapped in the container, which must not deny setgroups."),
        (
            "cap-drop",
            "Without it CMD has all capabilities over the container's user namespace, whatever the container's own command \
             has. Of a user other than root this bounds what set-uid programs give.",
        ),
        ("no-new-privs", "Where the caller may gain none, CMD never may."),
        ("rlimit", RLIMIT),
        ("json", JSON),
        ("json-fd", JSON_FD),
        ("log-format", LOG_FORMAT),
    ],
    sections: &[
        ("EXIT STATUS", STATUS),
        ("RECORDS", RECORDS),
        (
            "EXAMPLES",
            "\
A container, a process list in it, and its end:

    contain DIR /sbin/init &
    inject $! ps
    inject $! /bin/halt

A command that may as little as the container's users:

    inject --user games --cap-drop ALL --no-new-privs --chdir /tmp web sh",
        ),
    ],
    see_also: &[("contain", 1), ("pseudo", 1), ("nsenter", 1)],
};

static PSEUDO: Manual = Manual {
    summary: "run a command as root of a user namespace",
    description: "\
Nothing but the ids changes: the command sees the host's files, processes and network. The ids are those that \
`contain` would have by default, so that files can be made, changed and removed as the container would see them. The \
process that was started becomes the command.",
    options: &[("g", MAP), ("u", "As for `-g`."), ("log-format", LOG_FORMAT)],
    sections: &[
        ("EXIT STATUS", STATUS),
        ("RECORDS", ERROR_RECORDS),
        ("FILES", IDS),
        (
            "EXAMPLES",
            "\
An archive of a distribution, unpacked with its owners:

    pseudo tar -x -f web.tar",
        ),
    ],
    see_also: &[("contain", 1), ("inject", 1), ("unshare", 1), ("subuid", 5)],
};

/// The page of the C library.
pub static LIBRARY: Page = Page {
    name: "libcontain",
    section: 3,
    summary: "containers from C programs",
    sections: &[
        (
            "SYNOPSIS",
            "    #include <contain.h>\n    cc program.c $(pkg-config --cflags --libs libcontain)",
        ),
        (
            "DESCRIPTION",
            "\
The library starts containers from a process that may be large and have many threads. It never forks its caller, \
installs no signal handler, starts no thread and changes no umask, directory or environment. What it starts is no child \
of the caller's, so that the caller's own `wait` finds nothing.

A container begins as a `contain_config`, from `contain_config_new` with a directory or `contain_config_new_host` with \
the host's own programs or `contain_config_from_json` with all of it, and is filled by the functions whose names begin \
with `contain_config_set_` and `contain_config_add_`. `contain_container_run` starts it, `contain_container_wait` waits, \
`contain_container_stop` ends it, `contain_container_free` lets go of the handle. `contain_container_inject` runs another \
command in it, which gives a `contain_process`.

A `contain_runtime`, from `contain_runtime_open`, is a directory with the state of containers: what \
`contain_runtime_run` starts there any process of the user opens by its id with `contain_container_open`, and \
`contain_runtime_list` finds. `contain_events_open` gives a descriptor to poll for what becomes of a container, whoever \
made it, and `contain_events_next` one event after the other.

`contain_userns_run` runs a command in a user namespace alone, as pseudo does; `contain_probe` tells what the host \
allows; a `contain_seccomp` tells what a profile does with a system call.

Every function that can fail returns a negative number, and puts a `contain_error` where it was given a place: kind, \
operation, object, errno, cause and remedy.

Each function is documented in `contain.h`.",
        ),
        (
            "EXAMPLES",
            "    const char *argv[] = {\"id\", NULL};
    contain_config *config = NULL;
    contain_container *container = NULL;
    contain_error *error = NULL;
    contain_result result;

    if (contain_config_new_host(argv, &config, &error) < 0 ||
        contain_container_run(config, NULL, 0, &container, &error) < 0 ||
        contain_container_wait(container, -1, &result, sizeof result, &error) < 0)
        fprintf(stderr, \"%s\\n\", contain_error_get_message(error));",
        ),
    ],
    see_also: &[("contain", 1), ("inject", 1), ("namespaces", 7), ("user_namespaces", 7)],
};

/// The page of the helper, which takes no options.
pub static IDMAP: Page = Page {
    name: "contain-idmap",
    section: 8,
    summary: "write the id maps of a user's container",
    sections: &[
        (
            "DESCRIPTION",
            "\
contain-idmap writes the id maps of one new user namespace for a user to whom ids are delegated in /etc/subuid and \
/etc/subgid. contain-init starts it, not a person: it takes no arguments, reads no environment, and gets one request over \
a socket at descriptor 3. Without it newuidmap(1) and newgidmap(1) do the same, or the own id alone is mapped.

It is the only program of contain's that may hold privilege, and is installed where that was asked for: \
`make install HELPER_MODE=fcaps` with the file capabilities `cap_setuid,cap_setgid+ep`, or `HELPER_MODE=setuid` setuid \
root, and with HELPER_GROUP for the members of one group.

It maps the caller's own ids and what is delegated to the caller, never host id 0, and only for a process of the \
caller's in a user namespace that has no maps yet. `contain --doctor` says whether it can be used, in the line \
`id-helper`.",
        ),
        (
            "EXIT STATUS",
            "\
`0` :: Both maps are written.

`1` :: It refused, or failed; the answer on the socket says why.

`125` :: It was not started as contain-init starts it.",
        ),
        (
            "FILES",
            "\
`/etc/subuid`, `/etc/subgid` :: Ranges of ids that are delegated to users. They and /etc/passwd must be root's and not \
writable by others.",
        ),
        (
            "DIAGNOSTICS",
            "Each decision makes one line in the system log, facility AUTHPRIV, with INFO for a grant and WARNING for a refusal.",
        ),
    ],
    see_also: &[("contain", 1), ("newuidmap", 1), ("subuid", 5), ("capabilities", 7), ("user_namespaces", 7)],
};
