# SPDX-License-Identifier: MIT OR Apache-2.0
"""A Python program that makes containers: what caller.c is for C, with the same lines.

caller.py MEGABYTES THREADS ROOT CMD [ARG]...: `library` is contain.run of CMD on ROOT, `subprocess` is subprocess.run of
the same program on the host, `bubblewrap` is subprocess.run of bwrap around it.
"""

import ctypes
import mmap
import os
import resource
import subprocess
import sys
import threading
import time

import contain

PR_SET_CHILD_SUBREAPER = 36
NAMESPACES = ["--unshare-user", "--unshare-all", "--uid", "0", "--gid", "0", "--die-with-parent"]


def grow(megabytes: int, threads: int) -> mmap.mmap:
    """So much memory, in small pages, and so many threads with this one."""
    size = megabytes << 20
    memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for at in range(0, size, mmap.PAGESIZE):
        memory[at] = 1
    threading.stack_size(65536)
    for _ in range(threads - 1):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    return memory


def cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def reap() -> None:
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def main() -> None:
    megabytes, threads, root, *command = sys.argv[1:]
    bubblewrap = ["bwrap", *NAMESPACES, "--bind", root, "/", "--dev", "/dev", "--proc", "/proc", "--", *command]
    ways = {
        "library": lambda: contain.run(command, root=root).returncode,
        "subprocess": lambda: subprocess.run([root + command[0], *command[1:]], check=False).returncode,
        "bubblewrap": lambda: subprocess.run(bubblewrap, check=False).returncode,
    }
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    memory = grow(int(megabytes), int(threads))
    print("ready", flush=True)
    for line in sys.stdin:
        run, used, start = ways[line.strip()], cpu(), time.monotonic_ns()
        try:
            status = run()
        except OSError as error:
            print(error, file=sys.stderr, flush=True)
            status = 125
        wall = time.monotonic_ns() - start
        reap()
        print(status, wall, round((cpu() - used) * 1e6), flush=True)
    memory.close()


main()
