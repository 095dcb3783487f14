// SPDX-License-Identifier: MIT OR Apache-2.0
// What the benchmark's C programs share instead of a C library: the system call, the program's entry, and
// a little text. x86-64 Linux only. Starting a program costs ten times less without a C library, so that
// neither the floor nor the launcher carries costs that a container need not have.
#ifndef BARE_H
#define BARE_H

#include <asm/unistd.h>
#include <linux/types.h>
#include <stddef.h>

// One system call: the result, or the negated errno. Unused arguments are zero.
static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#define call_pick(number, a, b, c, d, e, f, ...) \
    call6((long)(number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define call(...) call_pick(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

static __attribute__((noreturn)) void leave(int status)
{
    for (;;)
        call(__NR_exit_group, status);
}

// A program with a C library has a beginning of its own, and asks for the calls alone.
#ifndef BARE_CALLS_ALONE

// The program proper. `stack` is what the kernel leaves there: argc, argv, NULL, envp, NULL, the auxiliary vector.
static int run(long *stack);

__attribute__((noreturn, used)) static void begin(long *stack)
{
    leave(run(stack));
}

__asm__(".globl _start\n"
        "_start:\n"
        "    xor %ebp, %ebp\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call begin\n");

// One entry of the auxiliary vector (AT_...); 0 where the kernel gives none.
static inline long auxiliary(long *stack, long type)
{
    long *at = stack + 1 + stack[0] + 1;
    while (*at)
        at++;
    for (at++; at[0]; at += 2)
        if (at[0] == type)
            return at[1];
    return 0;
}

#endif

// Appends text and returns the new end. The caller knows that the buffer is large enough.
static inline char *put_text(char *end, const char *text)
{
    while (*text)
        *end++ = *text++;
    return end;
}

static inline char *put_number(char *end, unsigned long number)
{
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count)
        *end++ = digits[--count];
    return end;
}

// Ends the program with status 125, naming what failed, where `result` is a negated errno; else hands it back.
static inline long need(const char *what, long result)
{
    if (result >= 0)
        return result;
    char line[256];
    char *end = put_text(line, what);
    end = put_text(end, ": errno ");
    end = put_number(end, (unsigned long)-result);
    end = put_text(end, "\n");
    call(__NR_write, 2, line, end - line);
    leave(125);
}

#endif
