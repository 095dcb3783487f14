# SPDX-License-Identifier: MIT OR Apache-2.0
"""A whole Debian in a container: booted with its own init, used on its console, and halted.

debootstrap makes it once, in /var/cache/contain-tests; each kind of tools unpacks a copy with its own pseudo.
"""

import fcntl
import os
import pathlib
import shutil

import lib
import pytest
from lib import run

CACHE = pathlib.Path("/var/cache/contain-tests")
SUITE, INCLUDE = "bookworm", "sysvinit-core,iproute2,procps"
CONSOLE = "co:2:respawn:/sbin/agetty --noclear --skip-login --login-program /bin/bash console vt100\n"


@pytest.fixture(scope="session")
def distribution():
    """The folder that debootstrap filled, owned by the host's root and never run itself."""
    if shutil.which("debootstrap") is None:
        pytest.skip("no debootstrap")
    CACHE.mkdir(parents=True, exist_ok=True)
    made = CACHE / SUITE
    with open(CACHE / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            half = CACHE / f"{SUITE}.part"
            shutil.rmtree(half, ignore_errors=True)
            result = run(["debootstrap", "--variant=minbase", f"--include={INCLUDE}", SUITE, half], timeout=600)
            if result.status != 0:
                pytest.skip(f"debootstrap failed: {result.lines[-1:]} {result.err}")
            half.rename(made)
    return made


@pytest.fixture(scope="session")
def unpacked(distribution, scratch):
    """Makes a copy of the distribution for an owner with `tar -c … | pseudo tar -x`, once each."""
    done = {}

    def unpack(tools, user=None):
        if (tools.name, user) in done:
            return done[tools.name, user]
        folder = scratch / f"distribution-{tools.name}-{len(done)}"
        folder.mkdir()
        os.chown(folder, *((user.uid, user.gid) if user else (lib.TOP_ID, lib.TOP_ID)))
        source = lib.spawn(["tar", "-c", "-f", "-", "-C", distribution, "--exclude=./dev", "."], stdout=-1)
        try:
            command = [tools.pseudo, "sh", "-c", 'cd "$1" && exec tar -x -f -', "sh", folder]
            target = lib.spawn(command, user=user, stdin=source.stdout, stderr=-1)
            source.stdout.close()
            err = target.communicate(timeout=120)[1]
        finally:
            source.wait()
        assert (target.returncode, source.returncode) == (0, 0), err
        inittab = folder / "etc/inittab"
        lines = [line for line in inittab.read_text().splitlines(keepends=True) if "getty" not in line]
        inittab.write_text("".join(lines) + CONSOLE)
        done[tools.name, user] = folder
        return folder

    return unpack


def boot(tools, folder, user=None, **options):
    return lib.Terminal([tools.contain, folder, "/sbin/init"], user=user, **options)


def ask(terminal, command):
    terminal.send(f"echo b''egin; {command}; echo e''nd\r")
    terminal.expect("begin\r\n")
    return terminal.expect("(?s)(.*?)end\r\n").group(1).decode().replace("\r\n", "\n").splitlines()


@pytest.mark.kept
def test_distribution_boots_and_halts(tools, unpacked, caller):
    with boot(tools, unpacked(tools, caller), caller) as terminal:
        terminal.expect("# ", 30)
        assert ask(terminal, "runlevel") == ["N 2"]
        assert any("init" in line for line in ask(terminal, "ps -o args= -p 1"))
        assert ask(terminal, "mount | grep -c ' on /proc '") == ["1"]
        halted = run([tools.inject, str(terminal.pid), "/sbin/halt"], user=caller)
        assert halted.status == 0, halted.err
        terminal.expect("Will now halt", 60)
        terminal.wait(30)


@pytest.mark.kept
def test_shell_in_a_distribution_has_its_users_and_packages(tools, unpacked, user):
    script = "dpkg-query -W -f '${Package}\\n' sysvinit-core; su -s /bin/sh daemon -c 'id -un'; id -un"
    result = lib.inside(tools, unpacked(tools, user), f"export PATH=/usr/sbin:/usr/bin; {script}", user=user)
    assert (result.status, result.lines) == (0, ["sysvinit-core", "daemon", "root"]), result.err


@pytest.mark.kept
def test_unpacked_distribution_keeps_setuid_programs_and_owners(tools, unpacked, user):
    folder = unpacked(tools, user)
    program = (folder / "usr/bin/passwd").stat()
    assert (program.st_mode & 0o7777, program.st_uid) == (0o4755, user.uid)
    assert (folder / "usr/bin/chage").stat().st_gid == user.gids[0] + 42 - 1


def test_console_of_a_distribution_follows_the_terminal(ours, unpacked):
    with boot(ours, unpacked(ours), rows=33, columns=99) as terminal:
        terminal.expect("# ", 30)
        terminal.resize(44, 111)
        assert ask(terminal, "stty size") == ["44 111"]
        assert run([ours.inject, str(terminal.pid), "/sbin/halt"]).status == 0
        assert terminal.wait(60) == 128 + 2


def test_signal_to_the_supervisor_reaches_the_init_of_a_distribution(ours, unpacked):
    """sysvinit handles SIGINT as its ctrl-alt-del line says: it reboots, which the kernel tells as SIGHUP."""
    with boot(ours, unpacked(ours)) as terminal:
        terminal.expect("# ", 30)
        os.kill(terminal.pid, 2)
        terminal.expect("Will now restart", 60)
        assert terminal.wait(60) == 128 + 1


def test_piped_input_through_a_distributions_cat(ours, unpacked):
    result = run([ours.contain, unpacked(ours), "/bin/cat"], stdin=b"hi\n", timeout=10)
    assert (result.status, result.lines) == (0, ["hi"])


# A user's distribution on ids that contain-idmap maps.

REPOSITORY = """
mkdir -p /repo/greeting/DEBIAN /repo/greeting/srv && cd /repo
echo hello >greeting/srv/greeting && chown games:mail greeting/srv/greeting
printf 'Package: greeting\\nVersion: 1\\nArchitecture: all\\nMaintainer: nobody\\nDescription: says hello\\n' >greeting/DEBIAN/control
printf '#!/bin/sh\\nuseradd --system greeter && chown greeter: /srv\\n' >greeting/DEBIAN/postinst
chmod 755 greeting/DEBIAN/postinst
dpkg-deb --build greeting greeting.deb >&2
{ dpkg-deb -f greeting.deb; echo 'Filename: ./greeting.deb'; echo "Size: $(stat -c %s greeting.deb)"
  echo "SHA256: $(sha256sum greeting.deb | cut -d ' ' -f 1)"; } >Packages
echo 'deb [trusted=yes] file:/repo ./' >list
"""
APT = "apt-get -q -o Dir::Etc::sourcelist=/repo/list -o Dir::Etc::sourceparts=-"


@pytest.fixture(params=["setuid", "file capabilities"])
def own_distribution(request, ours, unpacked, user, installed, hidden):
    """Runs a script in a user's distribution, on a host where only contain-idmap can map the ids."""
    folder, env = unpacked(ours, user), {"CONTAIN_LIBEXECDIR": str(installed(request.param))}

    def inside(script):
        script = f"set -e; export PATH=/usr/sbin:/usr/bin DEBIAN_FRONTEND=noninteractive; {script}"
        return lib.inside(ours, folder, script, user=user, env=env, host=hidden, timeout=60)

    return inside


def test_apt_get_installs_a_package_of_several_owners(own_distribution):
    """apt fetches as the user _apt, dpkg gives files away, the package's script makes a user."""
    steps = f"{REPOSITORY}\n{APT} update >&2; {APT} install -y greeting >&2; stat -c %U:%G /srv/greeting /srv"
    result = own_distribution(f"{steps}; {{ dpkg --purge greeting; rm -rf /repo; userdel greeter; }} >&2")
    assert (result.status, result.lines) == (0, ["games:mail", "greeter:greeter"]), result.err
    assert "unsandboxed" not in result.err


def test_useradd_makes_a_user_whom_su_becomes(own_distribution):
    script = "useradd -m -G audio,video somebody; su somebody -c 'id -un; id -Gn; touch ~/mine'; stat -c %U ~somebody/mine"
    result = own_distribution(f"{script}; userdel -r somebody >&2 || true")
    assert (result.status, result.lines) == (0, ["somebody", "somebody audio video", "somebody"]), result.err
