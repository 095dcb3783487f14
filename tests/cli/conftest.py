# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fixtures: the programs, the throw-away users, the root file systems, and the check that nothing is left.

CONTAIN_BIN names the folder with our programs (default: target/release of the repository), CONTAIN_CORE the one with
contain-init and contain-idmap (default: target/core),
ORIGINAL_BIN, where set, the folder with the original's.
"""

import atexit
import ctypes
import itertools
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import time

import lib
import pytest

sys.path.append(str(lib.HERE.parent))
import accounts as made_accounts

PR_SET_CHILD_SUBREAPER = 36
ACCOUNT = "contain-test-"
SCRATCH = "contain-cli-"
STATE = "/run/contain"


def _alive(number):
    return pathlib.Path(f"/proc/{number}").exists()


def pytest_configure(config):
    config.addinivalue_line("markers", "kept: a line of kept behaviour, checked on the original too")
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # A run that is ended from outside removes its accounts and folders as one that is interrupted does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # What a background job of a shell, or nohup(1), has been started with is none of the tests'.
    for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(ignored) == signal.SIG_IGN:
            signal.signal(ignored, signal.default_int_handler if ignored == signal.SIGINT else signal.SIG_DFL)


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="needs root: it makes throw-away users"))


@pytest.fixture(scope="session")
def scratch():
    """A folder that every user may enter, removed at the end; those of runs that were killed are removed first."""
    for left in pathlib.Path(tempfile.gettempdir()).glob(f"{SCRATCH}*-*"):
        if not _alive(left.name.removeprefix(SCRATCH).partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-"))
    path.chmod(0o755)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def stage(scratch):
    """Copies programs to where every user may run them and no build replaces them."""

    def copy(name, folder, setuid=()):
        target = scratch / f"bin-{name}"
        target.mkdir()
        for program in ("contain", "inject", "pseudo"):
            shutil.copy(pathlib.Path(folder) / program, target / program)
            (target / program).chmod(0o4755 if program in setuid else 0o755)
        return lib.Tools(name, *(str(target / program) for program in ("contain", "inject", "pseudo")))

    return copy


@pytest.fixture(scope="session")
def our_tools(stage):
    folder = lib.our_programs()
    if not (folder / "contain").exists():
        pytest.fail(f"no contain in {folder}: cargo build --release, or set CONTAIN_BIN", pytrace=False)
    return stage("ours", folder)


@pytest.fixture(scope="session")
def original_tools(stage):
    """The original's, installed as its makefile does: contain and pseudo setuid root."""
    folder = os.environ.get("ORIGINAL_BIN")
    if not folder:
        pytest.skip("ORIGINAL_BIN does not name a folder with the original's programs")
    return stage("original", folder, setuid=("contain", "pseudo"))


@pytest.fixture(scope="session")
def libexec(scratch):
    """Makes folders of root's with contain-init, for CONTAIN_LIBEXECDIR; what else is put in them can be privileged."""
    numbers = itertools.count()
    folder = lib.core_programs()
    if not (folder / "contain-init").exists():
        pytest.skip(f"no contain-init in {folder}: cargo build -p contain-init --profile core, or set CONTAIN_CORE")
    if os.statvfs(scratch).f_flag & os.ST_NOSUID:
        pytest.skip(f"{scratch} is on a file system mounted nosuid")

    def make():
        target = scratch / f"libexec-{next(numbers)}"
        target.mkdir(mode=0o755)
        shutil.copy(folder / "contain-init", target)
        return target

    return make


@pytest.fixture(scope="session")
def hidden():
    """The host without newuidmap and newgidmap."""
    with lib.PrivateHost() as host:
        host.hide_system_helpers()
        yield host


@pytest.fixture(scope="session")
def installed(libexec):
    """Installs contain-idmap in one of its two modes, once each; the folder."""
    done = {}

    def install(mode):
        if mode in done:
            return done[mode]
        folder = libexec()
        program = folder / "contain-idmap"
        source = lib.core_programs() / "contain-idmap"
        if not source.exists():
            pytest.skip(f"no {source}: cargo build -p contain-idmap --profile core")
        shutil.copy(source, program)
        program.chmod(0o4755 if mode == "setuid" else 0o755)
        if mode == "file capabilities":
            result = lib.run(["setcap", "cap_setuid,cap_setgid+ep", program])
            if result.status != 0:
                pytest.skip(f"no file capabilities here: {result.err}")
        done[mode] = folder
        return folder

    return install


def pytest_generate_tests(metafunc):
    """Kept behaviour is checked on ours and, where it is given, on the original."""
    if "tools" in metafunc.fixturenames:
        kinds = ["ours", "original"] if os.environ.get("ORIGINAL_BIN") else ["ours"]
        metafunc.parametrize("tools", kinds, indirect=True)


@pytest.fixture
def tools(request):
    return request.getfixturevalue("our_tools" if request.param == "ours" else "original_tools")


@pytest.fixture
def ours(our_tools):
    return our_tools


@pytest.fixture(scope="session")
def accounts():
    """Accounts of earlier runs that were killed are removed first, ours at the end."""
    made_accounts.forget_left(ACCOUNT)
    with_ranges, plain = (f"{ACCOUNT}{kind}-{os.getpid()}" for kind in ("ranges", "plain"))
    base = 0x20000000 + os.getpid() % 1000 * 0x40000
    uids, gids = (base, 65536), (base + 0x20000, 65536)
    yield (
        lib.User(with_ranges, *made_accounts.make(with_ranges, uids, gids), uids, gids),
        lib.User(plain, *made_accounts.make(plain)),
    )
    for name in (with_ranges, plain):
        made_accounts.forget(name)


@pytest.fixture
def user(accounts):
    """A user with delegated ranges."""
    return accounts[0]


@pytest.fixture
def plain_user(accounts):
    """A user without delegated ranges."""
    return accounts[1]


@pytest.fixture(scope="session")
def probe(scratch):
    """The small static program that does what no shell can."""
    target = scratch / "probe"
    try:
        built = lib.run(["cc", "-static", "-Os", "-Wall", "-o", target, lib.HERE / "probe.c"], timeout=60)
    except FileNotFoundError:
        return None
    return target if built.status == 0 else None


@pytest.fixture
def need_probe(probe):
    if probe is None:
        pytest.skip("no C compiler with a static libc")


@pytest.fixture(scope="session")
def make_root(scratch, probe):
    """Builds a root file system for an owner: None is root with its default map."""
    numbers = itertools.count()
    if not pathlib.Path("/bin/busybox").exists():
        pytest.skip("no /bin/busybox: install busybox-static")

    def make(owner=None):
        ids = (lib.TOP_ID, lib.TOP_ID) if owner is None else (owner.uid, owner.gid)
        return lib.build_root(scratch / f"root-{next(numbers)}", *ids, extra=[probe] if probe else [])

    return make


@pytest.fixture(scope="session")
def root(make_root):
    """Root's root file system, shared by tests that change nothing in it."""
    return make_root()


@pytest.fixture(scope="session")
def user_root(make_root, accounts):
    return make_root(accounts[0])


@pytest.fixture(scope="session")
def plain_root(make_root, accounts):
    return make_root(accounts[1])


@pytest.fixture(params=[False, True], ids=["root", "user"])
def caller(request, user):
    """None for root, and a user with delegated ranges."""
    return user if request.param else None


@pytest.fixture(params=[False, True], ids=["root", "user"])
def who(request, root, user_root, user):
    """(root file system, None) for root, and (root file system, user) for a user with delegated ranges."""
    return (user_root, user) if request.param else (root, None)


@pytest.fixture
def shared(scratch):
    """A folder that everybody may write, for what helpers tell."""
    path = pathlib.Path(tempfile.mkdtemp(dir=scratch))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


def _of_another_run(name):
    """Whether a folder's name ends in the process id of tests that run beside these."""
    number = re.search(r"-(\d+)$", name)
    return bool(number) and int(number.group(1)) != os.getpid() and _alive(number.group(1))


def _picture():
    """What a container could leave on the host."""
    mounts = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    cgroups = [line.split()[4] for line in mounts if line.split(" - ")[1].split()[0] in ("cgroup", "cgroup2")]
    found = [entry for place in [*cgroups, "/run"] for entry in os.scandir(place) if "contain" in entry.name]
    folders = [entry.path for entry in found if not _of_another_run(entry.name)]
    # The folder of root's containers with names stays; what is in it does not.
    if STATE in folders:
        folders.remove(STATE)
        folders += [entry.path for entry in os.scandir(STATE)]
    return {
        "mounts": sorted(mounts),
        "folders": sorted(folders),
        "interfaces": sorted(os.listdir("/sys/class/net")),
        "hostname": os.uname().nodename,
    }


def _is_more(before, after):
    """Whether something was added, or the host's name changed. What tests beside these had and took away is theirs."""
    return before != after if isinstance(before, str) else bool(set(after) - set(before))


def _reap():
    """Ends the zombies that were reparented to this process."""
    for pid, (parent, state) in lib.parents().items():
        if parent == os.getpid() and state in "ZX":
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass


@pytest.fixture(autouse=True)
def nothing_left(scratch):
    """After every test: no process, mount, cgroup, interface or state folder more than before."""
    known, before = set(lib.descendants(os.getpid())), _picture()
    yield
    end = time.monotonic() + 3
    while time.monotonic() < end:
        _reap()
        left, after = set(lib.descendants(os.getpid())) - known, _picture()
        changed = {key: (before[key], after[key]) for key in before if _is_more(before[key], after[key])}
        if not left and not changed:
            return
        time.sleep(0.02)
    told = [(pid, lib.status_field(pid, "Name"), lib.status_field(pid, "NSpid")) for pid in left]
    for pid in left:
        lib.kill_descendants(pid)
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            pass
    pytest.fail(f"left behind: processes {told}, changed {changed}", pytrace=False)
