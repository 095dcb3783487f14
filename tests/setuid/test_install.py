# SPDX-License-Identifier: MIT OR Apache-2.0
"""`make install-helper` and `make uninstall-helper`, which `make install` and `make uninstall` call."""

import os
import pathlib
import struct
import subprocess

import client
import pytest
from client import ALICE, DONE, OWN, RANGE, as_user
from conftest import TARGET, TOP

WHOLE = client.message([*OWN, RANGE], [*OWN, RANGE], 1)
PLACE = "opt/x/libexec/contain"


def make(stage, goal, *variables):
    command = ["make", "-s", goal, f"DESTDIR={stage}", "PREFIX=/opt/x", *variables]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    return subprocess.run(command, cwd=TOP, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture
def stage(host):
    path = host.folder / f"stage-{os.getpid()}"
    path.mkdir()
    yield path
    subprocess.run(["rm", "-r", str(path)], check=True)


@pytest.mark.parametrize(
    ("variables", "mode", "group", "capabilities"),
    [
        (["HELPER_MODE=setuid"], 0o4755, 0, None),
        (["HELPER_MODE=setuid", f"HELPER_GROUP={ALICE}"], 0o4750, ALICE, None),
        (["HELPER_MODE=fcaps"], 0o755, 0, struct.pack("<IIIII", 0x02000001, 0xC0, 0, 0, 0)),
    ],
    ids=["setuid", "setuid with a group", "fcaps"],
)
def test_helper_is_installed_works_and_is_removed(stage, variables, mode, group, capabilities):
    assert make(stage, "install-helper", *variables).returncode == 0
    path = stage / PLACE / "contain-idmap"
    status = path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (0, group, mode)
    assert path.parent.stat().st_mode & 0o022 == 0
    assert (os.getxattr(path, "security.capability") if capabilities else None) == capabilities
    assert os.listxattr(path) == (["security.capability"] if capabilities else [])
    assert as_user(ALICE, client.request_for_new_target, str(path), WHOLE)[0] == DONE
    # Another mode replaces it, without what the first has left.
    assert make(stage, "install-helper", "HELPER_MODE=setuid").returncode == 0
    assert (path.stat().st_mode & 0o7777, os.listxattr(path)) == (0o4755, [])
    assert make(stage, "uninstall-helper").returncode == 0
    assert not path.parent.exists()


def test_none_installs_none_and_removes_one(stage):
    path = stage / PLACE / "contain-idmap"
    assert make(stage, "install-helper").returncode == 0
    assert not path.exists()
    assert make(stage, "install-helper", "HELPER_MODE=setuid").returncode == 0
    assert path.exists()
    assert make(stage, "install-helper", "HELPER_MODE=none").returncode == 0
    assert not path.exists()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (["HELPER_MODE=suid"], "must be none, fcaps or setuid"),
        (["HELPER_GROUP=users"], "HELPER_GROUP goes with HELPER_MODE=setuid"),
        (["HELPER_MODE=fcaps", "HELPER_GROUP=users"], "HELPER_GROUP goes with HELPER_MODE=setuid"),
    ],
    ids=" ".join,
)
def test_other_modes_are_refused(stage, variables, words):
    made = make(stage, "install-helper", *variables)
    assert made.returncode != 0
    assert words in made.stdout
    assert list(pathlib.Path(stage).iterdir()) == []
