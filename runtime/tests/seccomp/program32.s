# SPDX-License-Identifier: MIT OR Apache-2.0
# A 32-bit program: writes "32 bits", asks for a module's removal, and exits with the errno of that.
        .globl _start
        .text
_start: movl $4, %eax
        movl $1, %ebx
        movl $text, %ecx
        movl $8, %edx
        int $0x80
        movl $129, %eax
        movl $0, %ebx
        movl $0, %ecx
        int $0x80
        movl %eax, %ebx
        negl %ebx
        movl $1, %eax
        int $0x80
        .data
text:   .ascii "32 bits\n"
