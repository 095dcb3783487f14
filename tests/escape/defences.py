# SPDX-License-Identifier: MIT OR Apache-2.0
"""The defences, each as the lines of the source that are it, and contain built without one of them.

A copy of the source is changed in one place and built in a target folder of its own. Where the defence is in
contain-init, the contain that is there runs it by CONTAIN_LIBEXECDIR; where it is in the library, contain is built too.
"""

import dataclasses
import os
import pathlib
import shutil
import subprocess

import lib

SOURCES = ("Cargo.toml", "Cargo.lock", "core", "runtime", "cli", "capi", "python")


@dataclasses.dataclass(frozen=True)
class Defence:
    """What is replaced in `file` to take the defence out, and the attacks that then succeed."""

    name: str
    file: str
    present: str
    absent: str
    attacks: tuple
    as_user: bool = False
    library: bool = False


DEFENCES = [
    Defence(
        "no links on the way to a mountpoint",
        "core/sys/src/file.rs",
        "BENEATH_NO_LINKS: Resolve = Resolve(0x08 | 0x04 | 0x02)",
        "BENEATH_NO_LINKS: Resolve = Resolve(0)",
        ("link_in_place_of_proc", "link_in_place_of_dev", "link_in_place_of_sys"),
    ),
    Defence(
        "links are resolved inside the root",
        "core/sys/src/file.rs",
        "IN_ROOT: Resolve = Resolve(0x10 | 0x02)",
        "IN_ROOT: Resolve = Resolve(0)",
        ("link_on_the_way_to_a_mount",),
    ),
    Defence(
        "nothing is mounted in /proc",
        "core/init/src/targets.rs",
        "if !harmless {",
        "if !harmless && target.is_empty() {",
        ("link_into_proc_on_the_way_to_a_mount",),
    ),
    Defence(
        "what is bound is what the caller opened",
        "core/init/src/bind.rs",
        "if (status.device, status.inode, status.kind()) != (wanted.device, wanted.inode, wanted.kind()) {",
        "if status.kind() != wanted.kind() {",
        ("source_replaced_meanwhile",),
        as_user=True,
    ),
    Defence(
        "only the kernel's own /proc is written to",
        "core/init/src/id_map.rs",
        "if !real || !ours {",
        "if (!real || !ours) && length == 0 {",
        ("false_proc",),
    ),
    Defence(
        "descriptors are closed before the exec",
        "core/init/src/execute.rs",
        "close_range(first.saturating_add(1), u32::MAX)?;",
        "close_range(u32::MAX, u32::MAX)?;",
        ("leaked_descriptor", "leaked_descriptor_through_console"),
        as_user=True,
    ),
    Defence(
        "the filter is loaded",
        "core/init/src/walk.rs",
        "Step::LoadSeccomp { program, flags, .. } => Ok(contain_sys::identity::load_seccomp(program, flags)?)",
        "Step::LoadSeccomp { .. } => Ok(())",
        ("typing_into_the_callers_terminal", "typing_from_an_injected_command", "host_file_handles"),
    ),
    Defence(
        "the reaper has a filter",
        "core/init/src/reaper.rs",
        "filter::load(Duty::Reap)?;",
        "identity::set_no_new_privs()?; if false { filter::load(Duty::Reap)?; }",
        ("calls_through_the_reaper",),
        as_user=True,
    ),
    Defence(
        "the reaper keeps its parent-death signal",
        "core/init/src/filter.rs",
        "Limited::options(&[identity::PR_SET_DUMPABLE])",
        "Limited::options(&[identity::PR_SET_DUMPABLE, 1])",
        ("freeing_the_reaper",),
        as_user=True,
    ),
    Defence(
        "the monitor cannot be looked into",
        "core/init/src/namespaces.rs",
        "identity::join_namespaces(init.pidfd, namespaces)?;",
        "identity::join_namespaces(init.pidfd, namespaces)?; if namespaces != 0 { return Ok(()); }",
        ("looking_into_the_supervisor",),
        as_user=True,
    ),
    Defence(
        "who joins a container cannot be looked into",
        "core/sys/src/identity.rs",
        "call!(PRCTL, PR_SET_DUMPABLE, dumpable as usize, 0",
        "call!(PRCTL, PR_SET_DUMPABLE, (dumpable as usize) | 1, 0",
        ("looking_into_the_injected_process", "looking_into_the_supervisor"),
        as_user=True,
    ),
    Defence(
        "a failure inside is printed by a process that has stayed outside",
        "core/init/src/namespaces.rs",
        "report::prepare(context)?;",
        "",
        ("looking_into_who_tells_a_failure",),
        as_user=True,
    ),
    Defence(
        "contain-init in memory is sealed",
        "core/sys/src/memory.rs",
        "all | seal::EXEC",
        "all & !seal::WRITE",
        ("changing_the_program_outside",),
        as_user=True,
        library=True,
    ),
]


class Workshop:
    """Builds without a defence, one after the other, in one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.source = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", lib.REPOSITORY / "target")) / "escape/source"
        self.target = self.source.parent / "target"
        self.source.mkdir(parents=True, exist_ok=True)
        self.environment = {**os.environ, "CARGO_TARGET_DIR": str(self.target)}

    def build(self, number, defence):
        """The folder with contain-init, and with the programs where the defence is in the library."""
        place = self.folder / str(number)
        place.mkdir()
        subprocess.run(
            ["rsync", "-a", "--delete", *(str(lib.REPOSITORY / name) for name in SOURCES), f"{self.source}/"], check=True
        ) if shutil.which("rsync") else self._copy()
        file = self.source / defence.file
        text = file.read_text()
        assert text.count(defence.present) == 1, f"{defence.name}: the defence is not at its place in {defence.file}"
        try:
            file.write_text(text.replace(defence.present, defence.absent))
            self._build(defence, place)
        finally:
            file.write_text(text)
        return place

    def _copy(self):
        """Copies what has changed, so that cargo builds what has changed."""
        for name in SOURCES:
            origin = lib.REPOSITORY / name
            files = [origin] if origin.is_file() else [path for path in origin.rglob("*") if path.is_file()]
            for path in files:
                copy = self.source / path.relative_to(lib.REPOSITORY)
                if not copy.exists() or copy.read_bytes() != path.read_bytes():
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, copy)

    def _build(self, defence, place):
        words = ["-p", "contain-cli", "--bins"] if defence.library else ["-p", "contain-init", "--profile", "core"]
        built = subprocess.run(
            ["cargo", "build", "--quiet", "--offline", *words],
            cwd=self.source,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert built.returncode == 0, built.stderr
        if defence.library:
            for program in ("contain", "inject", "pseudo"):
                shutil.copy(self.target / "debug" / program, place)
        else:
            shutil.copy(self.target / "core/contain-init", place)
