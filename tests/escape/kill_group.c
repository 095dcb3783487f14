// SPDX-License-Identifier: MIT OR Apache-2.0
// Gives up the parent-death signal, kills its whole process group (with the caller's terminal passed on the monitor is
// in it) and stays: at once, or after a while.
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int count, char **words) {
    if (prctl(PR_SET_PDEATHSIG, 0) || signal(SIGHUP, SIG_IGN) == SIG_ERR)
        return 1;
    if (fork() == 0) {
        if (count == 2 && strcmp(words[1], "later") == 0)
            usleep(100 * 1000);
        kill(0, SIGKILL);
        _exit(1);
    }
    for (;;)
        pause();
}
