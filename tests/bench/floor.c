// SPDX-License-Identifier: MIT OR Apache-2.0
// The floor: floor DIR CMD [ARG]... does what `contain -c DIR CMD` must do at the least, with as few system
// calls as this kernel allows, and nothing that makes it safe or fit for use: fixed steps, one id mapped, no
// check of DIR, no seccomp, no signal forwarded, no supervisor that dies together with its container. It is the
// yardstick of the benchmark and nothing else.
//
// The parent is suspended until the execve (CLONE_VFORK) and lends its memory (CLONE_VM), so that nothing is
// copied and nobody has to be told when the id maps are there: the child, which owns the new user namespace,
// writes them itself. DIR needs the directories dev, proc and sys. Exits with CMD's status, 128+N when signal N
// ended it, 125 for a failure of its own, 127 where CMD cannot be executed.
#include "floor.h"
#include <linux/auxvec.h>

static int run(long *stack)
{
    int status = 0;
    if (stack[0] < 3)
        leave(64);
    long pid = floor_start((char **)(stack + 1) + 1, auxiliary(stack, AT_EUID), auxiliary(stack, AT_EGID));
    need("wait4", call(__NR_wait4, pid, &status, 0, NULL));
    return status & 0x7f ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
}
