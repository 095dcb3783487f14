// SPDX-License-Identifier: MIT OR Apache-2.0
// Starts and ends: what one program start costs on this machine with the C library.
int main(void)
{
    return 0;
}
