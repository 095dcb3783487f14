// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a program without a C library needs: entry, self-relocation, memory functions, a panic handler.
//! [`program!`] puts all of it into a binary; nothing here is linked into a library.

use crate::process::{self, Child, Fork, Sharing};
use crate::{Errno, Result, arch};
use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char};
use core::sync::atomic::{AtomicBool, Ordering};

/// Proof that this is a program made by [`program!`](crate::program): one thread, no C library.
#[derive(Clone, Copy, Debug)]
pub struct Program(());

impl Program {
    /// # Safety
    /// Called by the entry of a program without C library and with one thread.
    pub unsafe fn new() -> Self {
        Program(())
    }

    /// A copy of this process in new namespaces.
    pub fn fork(self, namespaces: u64) -> Result<Fork> {
        // SAFETY: no library state and no other thread, as `self` proves.
        unsafe { process::fork(namespaces) }
    }

    /// A process beside this one in the same memory and with the same descriptors, like a thread: it outlives this
    /// one's end. `entry` gets a number.
    pub fn start_beside(
        self,
        stack: &'static mut [u8],
        entry: extern "C" fn(*mut u8) -> !,
        argument: usize,
    ) -> Result<Child> {
        let argument = core::ptr::without_provenance_mut(argument);
        // SAFETY: the stack is the new process's for good; it shares no data but what Sync statics hold.
        unsafe { process::spawn_sharing(Sharing::MemoryAndDescriptors, stack, entry, argument) }
    }

    /// A process in the same memory; this one stands still until it has executed or exited.
    pub fn run_until_exec<T>(self, stack: &mut [u8], entry: fn(&mut T) -> !, data: &mut T) -> Result<Child> {
        struct Call<'a, T> {
            entry: fn(&mut T) -> !,
            data: &'a mut T,
        }
        extern "C" fn trampoline<T>(argument: *mut u8) -> ! {
            // SAFETY: the Call below, whose owner stands still.
            let call = unsafe { &mut *argument.cast::<Call<'_, T>>() };
            (call.entry)(call.data)
        }
        let mut call = Call { entry, data };
        // SAFETY: both borrows last until the kernel lets this process go on, when the child no longer uses them.
        unsafe { process::spawn_sharing(Sharing::MemoryUntilExec, stack, trampoline::<T>, (&raw mut call).cast()) }
    }
}

/// Memory of the program's own that can be taken once.
#[repr(C, align(16))]
#[derive(Debug)]
pub struct Once<T> {
    // In front, on the page of what is used first.
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the flag lets one taker through.
unsafe impl<T: Send> Sync for Once<T> {}

impl<T> Once<T> {
    /// Not taken yet.
    pub const fn new(value: T) -> Self {
        Once { taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// The value, for the first who asks.
    #[allow(clippy::mut_from_ref, reason = "only one caller ever gets it")]
    pub fn take(&'static self) -> Option<&'static mut T> {
        if self.taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        // SAFETY: nobody else gets past the flag.
        Some(unsafe { &mut *self.value.get() })
    }
}

/// Room for the strings of one execution: pointers to arguments and environment, each list ended by null.
#[repr(C)]
#[derive(Debug)]
pub struct StringTable<const N: usize> {
    used: usize,
    pointers: [*const c_char; N],
}

// SAFETY: plain pointers, filled and used by one process at a time.
unsafe impl<const N: usize> Send for StringTable<N> {}

impl<const N: usize> Default for StringTable<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> StringTable<N> {
    /// An empty table.
    pub const fn new() -> Self {
        StringTable { used: 0, pointers: [core::ptr::null(); N] }
    }

    fn push(&mut self, pointer: *const c_char) -> Result<()> {
        *self.pointers.get_mut(self.used).ok_or(Errno::E2BIG)? = pointer;
        self.used = self.used.saturating_add(1);
        Ok(())
    }

    fn push_list<'a>(&mut self, list: impl Iterator<Item = &'a CStr>) -> Result<usize> {
        let start = self.used;
        for text in list {
            self.push(text.as_ptr())?;
        }
        self.push(core::ptr::null())?;
        Ok(start)
    }

    /// execve(2) of `path`; returns only on failure.
    pub fn execute<'a>(
        &mut self,
        path: &CStr,
        arguments: impl Iterator<Item = &'a CStr>,
        environment: impl Iterator<Item = &'a CStr>,
    ) -> Errno {
        match self.fill(arguments, environment) {
            // SAFETY: both lists end with null and their strings are borrowed CStrs.
            Ok((arguments, environment)) => unsafe { process::execute(path, arguments, environment) },
            Err(errno) => errno,
        }
    }

    /// execveat(2) of a descriptor; returns only on failure.
    pub fn execute_fd<'a>(
        &mut self,
        program: crate::Fd,
        arguments: impl Iterator<Item = &'a CStr>,
        environment: impl Iterator<Item = &'a CStr>,
    ) -> Errno {
        match self.fill(arguments, environment) {
            // SAFETY: as above.
            Ok((arguments, environment)) => unsafe { process::execute_fd(program, arguments, environment) },
            Err(errno) => errno,
        }
    }

    fn fill<'a>(
        &mut self,
        arguments: impl Iterator<Item = &'a CStr>,
        environment: impl Iterator<Item = &'a CStr>,
    ) -> Result<(*const *const c_char, *const *const c_char)> {
        self.used = 0;
        let arguments = self.push_list(arguments)?;
        let environment = self.push_list(environment)?;
        let at = |start: usize| self.pointers.get(start..).map(<[_]>::as_ptr).ok_or(Errno::E2BIG);
        Ok((at(arguments)?, at(environment)?))
    }
}

/// The arguments as the kernel laid them out (argc, pointers, null).
#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    first: *const *const c_char,
    count: usize,
}

impl Arguments {
    /// # Safety
    /// `stack` is the initial stack pointer of this process.
    pub unsafe fn new(stack: *const usize) -> Self {
        // SAFETY: the kernel puts argc at the initial stack pointer and the pointers behind it.
        unsafe { Arguments { first: stack.add(1).cast(), count: *stack } }
    }

    /// How many there are (argc).
    pub fn count(&self) -> usize {
        self.count
    }

    /// Overwrites the environment, its strings and the list of them, with zeros.
    pub fn clear_environment(&self) {
        let mut slot = self.first.wrapping_add(self.count).wrapping_add(1).cast_mut().cast::<*mut u8>();
        // SAFETY: the list of the environment follows that of the arguments and ends with null; its strings end with
        // zero; the kernel made all of it writable, and nobody else has it.
        unsafe {
            while !(*slot).is_null() {
                let mut byte = *slot;
                while *byte != 0 {
                    byte.write_volatile(0);
                    byte = byte.add(1);
                }
                slot.write_volatile(core::ptr::null_mut());
                slot = slot.add(1);
            }
        }
    }

    /// What the program may do as the only thread of its process.
    pub fn program(&self) -> Program {
        Program(())
    }

    /// Argument `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<&'static CStr> {
        if index >= self.count {
            return None;
        }
        // SAFETY: below argc, so a pointer to a string that lives as long as the process.
        unsafe { Some(CStr::from_ptr(*self.first.wrapping_add(index))) }
    }
}

/// Applies the relocations of a static-pie, then makes its relocated constants read-only: without a C library
/// nobody else does.
///
/// # Safety
/// Called once, first of all, with the initial stack pointer and the address of the program's own `_DYNAMIC`.
pub unsafe fn relocate(stack: *const usize, dynamic: *const usize) {
    const AT_PHDR: usize = 3;
    const AT_PHNUM: usize = 5;
    const PT_DYNAMIC: u32 = 2;
    const PT_GNU_RELRO: u32 = 0x6474_e552;
    const DT_RELA: usize = 7;
    const DT_RELASZ: usize = 8;
    const PAGE: usize = 4096;
    #[repr(C)]
    struct ProgramHeader {
        kind: u32,
        flags: u32,
        offset: u64,
        address: usize,
        physical: usize,
        in_file: usize,
        in_memory: usize,
        alignment: usize,
    }
    // SAFETY: argc, argv, envp and the auxiliary vector follow each other as the kernel laid them out; the program
    // headers and the dynamic section are those of this very program.
    unsafe {
        let mut word = stack.add(*stack).add(2);
        while *word != 0 {
            word = word.add(1);
        }
        word = word.add(1);
        let (mut headers, mut count) = (core::ptr::null::<ProgramHeader>(), 0usize);
        while *word != 0 {
            match *word {
                AT_PHDR => headers = *word.add(1) as *const ProgramHeader,
                AT_PHNUM => count = *word.add(1),
                _ => {}
            }
            word = word.add(2);
        }
        let mut base = 0usize;
        let mut header = headers;
        for _ in 0..count {
            if (*header).kind == PT_DYNAMIC {
                base = dynamic.addr().wrapping_sub((*header).address);
            }
            header = header.add(1);
        }
        let (mut table, mut size) = (0usize, 0usize);
        let mut entry = dynamic;
        while *entry != 0 {
            match *entry {
                DT_RELA => table = base.wrapping_add(*entry.add(1)),
                DT_RELASZ => size = *entry.add(1),
                _ => {}
            }
            entry = entry.add(2);
        }
        // One entry: offset, info (type in its low half), addend.
        let mut relocation = table as *const [usize; 3];
        let end = table.wrapping_add(size);
        while relocation.addr() < end {
            let [offset, info, addend] = *relocation;
            if (info as u32) != arch::R_RELATIVE {
                crate::process::exit(125);
            }
            *(base.wrapping_add(offset) as *mut usize) = base.wrapping_add(addend);
            relocation = relocation.add(1);
        }
        header = headers;
        for _ in 0..count {
            if (*header).kind == PT_GNU_RELRO {
                let start = base.wrapping_add((*header).address) & !PAGE.wrapping_sub(1);
                let stop =
                    base.wrapping_add((*header).address).wrapping_add((*header).in_memory) & !PAGE.wrapping_sub(1);
                if stop > start && crate::call!(MPROTECT, start, stop.wrapping_sub(start), 1).is_err() {
                    crate::process::exit(125);
                }
            }
            header = header.add(1);
        }
    }
}

/// Makes a binary out of `main`, a `fn(Arguments) -> i32`.
#[macro_export]
macro_rules! program {
    ($main:path) => {
        #[cfg(target_arch = "x86_64")]
        core::arch::global_asm!(
            ".globl _start",
            "_start:",
            "xor ebp, ebp",
            "mov rdi, rsp",
            "lea rsi, [rip + _DYNAMIC]",
            "and rsp, -16",
            "call {entry}",
            "ud2",
            // memcpy, memmove, memset, memcmp and bcmp, which the compiler calls by name.
            ".globl memcpy", "memcpy:",
            "mov rax, rdi", "mov rcx, rdx", "rep movsb", "ret",
            ".globl memmove", "memmove:",
            "mov rax, rdi", "mov rcx, rdx",
            "mov r8, rdi", "sub r8, rsi", "cmp r8, rdx", "jb 2f",
            "rep movsb", "ret",
            "2:", "lea rdi, [rdi + rcx - 1]", "lea rsi, [rsi + rcx - 1]", "std", "rep movsb", "cld", "ret",
            ".globl memset", "memset:",
            "mov r8, rdi", "mov eax, esi", "mov rcx, rdx", "rep stosb", "mov rax, r8", "ret",
            ".globl memcmp", "memcmp:", ".globl bcmp", "bcmp:",
            "xor eax, eax", "test rdx, rdx", "je 4f",
            "3:", "movzx eax, byte ptr [rdi]", "movzx ecx, byte ptr [rsi]", "sub eax, ecx", "jne 4f",
            "inc rdi", "inc rsi", "dec rdx", "jne 3b",
            "4:", "ret",
            ".globl strlen", "strlen:",
            "xor eax, eax", "cmp byte ptr [rdi], 0", "je 6f",
            "5:", "inc rax", "cmp byte ptr [rdi + rax], 0", "jne 5b",
            "6:", "ret",
            entry = sym program_entry,
        );

        extern "C" fn program_entry(stack: *const usize, dynamic: *const usize) -> ! {
            // SAFETY: called by _start alone, with the kernel's stack pointer and our dynamic section.
            let arguments = unsafe {
                $crate::program::relocate(stack, dynamic);
                $crate::program::Arguments::new(stack)
            };
            $crate::process::exit($main(arguments))
        }

        #[panic_handler]
        fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
            $crate::process::exit(125)
        }

        // SAFETY: the linker wants the name; with panic=abort nobody calls it.
        #[unsafe(no_mangle)]
        extern "C" fn rust_eh_personality() {}
    };
}
