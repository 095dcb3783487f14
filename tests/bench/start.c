// SPDX-License-Identifier: MIT OR Apache-2.0
// Starts and ends: what one program start costs on this machine, without a C library.
#include "bare.h"

static int run(long *stack)
{
    (void)stack;
    return 0;
}
