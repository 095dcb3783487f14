// SPDX-License-Identifier: MIT OR Apache-2.0
// Clears the parent-death signal in one of the two ways there are, says so, and stays.
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int count, char **words) {
    int failed;
    if (count == 2 && strcmp(words[1], "prctl") == 0)
        failed = prctl(PR_SET_PDEATHSIG, 0);
    else
        failed = setgid(1) != 0 || setuid(1) != 0;
    if (failed || write(1, "clinging\n", 9) != 9)
        return 1;
    for (;;)
        pause();
}
