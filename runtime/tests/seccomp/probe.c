// SPDX-License-Identifier: MIT OR Apache-2.0
// Loads a seccomp program and tries system calls under it.
//
//   probe PROGRAM            from stdin, one call a line: "64|32 NUMBER ARGUMENT×6"; to stdout, per line, 0 for
//                            success, else the errno, or "signal N". 32 is int 0x80 with 64-bit registers as given.
//   probe PROGRAM COMMAND    becomes COMMAND
//
// Every call is made in a process of its own. Exits 77 where the kernel does not take the program.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long call64(const unsigned long long *a) {
    register long r10 __asm__("r10") = (long)a[4], r8 __asm__("r8") = (long)a[5], r9 __asm__("r9") = (long)a[6];
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(a[0]), "D"(a[1]), "S"(a[2]), "d"(a[3]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static long call32(const unsigned long long *a) {
    long result;
    __asm__ volatile("push %%rbp\n\tmov %[sixth], %%rbp\n\tint $0x80\n\tpop %%rbp"
                     : "=a"(result)
                     : "a"(a[0]), "b"(a[1]), "c"(a[2]), "d"(a[3]), "S"(a[4]), "D"(a[5]), [sixth] "r"(a[6])
                     : "r8", "r9", "r10", "r11", "memory");
    return (int)result;
}

static void load(const char *path) {
    static struct sock_filter instructions[4096];
    FILE *file = fopen(path, "r");
    if (!file) exit(2);
    size_t length = fread(instructions, sizeof *instructions, 4096, file);
    fclose(file);
    struct sock_fprog program = {(unsigned short)length, instructions};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) {
        perror("load");
        exit(77);
    }
}

int main(int argc, char **argv) {
    unsigned bits;
    unsigned long long a[7];
    if (argc < 2) return 2;
    load(argv[1]);
    if (argc > 2) {
        execv(argv[2], argv + 2);
        perror(argv[2]);
        return 126;
    }
    setvbuf(stdout, NULL, _IONBF, 0);
    while (scanf("%u %llu %llu %llu %llu %llu %llu %llu", &bits, a, a + 1, a + 2, a + 3, a + 4, a + 5, a + 6) == 8) {
        pid_t child = fork();
        if (child < 0) return 2;
        if (!child) {
            long result = bits == 64 ? call64(a) : call32(a);
            _exit(result < 0 ? (int)-result : 0);
        }
        int status;
        if (waitpid(child, &status, 0) != child) return 2;
        if (WIFSIGNALED(status))
            printf("signal %d\n", WTERMSIG(status));
        else
            printf("%d\n", WEXITSTATUS(status));
    }
    return 0;
}
