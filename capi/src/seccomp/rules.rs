// SPDX-License-Identifier: MIT OR Apache-2.0
//! seccomp filters of the caller's own: of OCI's JSON, or rule by rule.

use super::{
    CONTAIN_ACTION_ALLOW, CONTAIN_ACTION_ERRNO, CONTAIN_ACTION_KILL_PROCESS, CONTAIN_ACTION_KILL_THREAD,
    CONTAIN_ACTION_LOG, CONTAIN_ACTION_NOTIFY, CONTAIN_ACTION_TRACE, CONTAIN_ACTION_TRAP, Filter, SeccompHandle, abi,
};
use crate::boundary::{Output, borrow_mut, call, invalid, null};
use crate::error::ErrorHandle;
use crate::options::{self, Options};
use crate::strings;
use runtime::Error;
use runtime::seccomp::{Action, Comparison, Condition, Flags, NamedRule, RuleSet, SystemCall};
use std::ffi::{c_char, c_int};

/// The argument is another than the value.
pub const CONTAIN_COMPARE_NE: u32 = 1;
/// The argument is less than the value.
pub const CONTAIN_COMPARE_LT: u32 = 2;
/// The argument is the value or less.
pub const CONTAIN_COMPARE_LE: u32 = 3;
/// The argument is the value.
pub const CONTAIN_COMPARE_EQ: u32 = 4;
/// The argument is the value or greater.
pub const CONTAIN_COMPARE_GE: u32 = 5;
/// The argument is greater than the value.
pub const CONTAIN_COMPARE_GT: u32 = 6;
/// The argument's bits that the mask has are those of the value.
pub const CONTAIN_COMPARE_MASKED_EQ: u32 = 7;

/// Everything but what is simply allowed is logged (SECCOMP_FILTER_FLAG_LOG).
pub const CONTAIN_SECCOMP_FLAG_LOG: u32 = 2;
/// Processors are not kept from speculative store bypass (SECCOMP_FILTER_FLAG_SPEC_ALLOW).
pub const CONTAIN_SECCOMP_FLAG_SPEC_ALLOW: u32 = 4;

/// When contain_seccomp_add_rule()'s rule holds: all that is compared has to hold. Each array has a place for each of a
/// system call's six arguments.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RuleOptions {
    /// CONTAIN_COMPARE_ values; 0: whatever the argument is.
    pub compare: [u32; 6],
    /// What the arguments are compared with; else 0.
    pub value: [u64; 6],
    /// The bits that count with CONTAIN_COMPARE_MASKED_EQ; else 0.
    pub mask: [u64; 6],
}

// SAFETY: integers alone, without padding (layout.rs).
unsafe impl Options for RuleOptions {}

/// Gives a filter of the caller's own, made of OCI's `linux.seccomp` object (docs/seccomp.md).
///
/// document: the JSON, UTF-8.
/// length: its length in bytes.
/// seccomp: where the object goes; the caller frees it with contain_seccomp_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL, or the document is no such object: the error names the place, the value and what
/// is allowed; -ENOTSUP if it needs a listener; -E2BIG if its program has more than 4096 instructions.
/// Ownership: the document is copied. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_seccomp_from_oci_json(
    document: *const c_char,
    length: usize,
    seccomp: *mut *mut SeccompHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let place = Output::new("seccomp", seccomp)?;
            if document.is_null() {
                return Err(null("document"));
            }
            let handle = SeccompHandle::own(RuleSet::from_oci(std::slice::from_raw_parts(document.cast(), length))?);
            let handle = Box::from_raw(handle);
            handle.profile()?;
            place.write(Box::into_raw(handle));
            Ok(0)
        })
    }
}

/// Gives a filter of the caller's own that does the same about every 64-bit system call, to be changed by
/// contain_seccomp_add_rule(), contain_seccomp_add_architecture() and contain_seccomp_set_flags().
///
/// action: what is done about what no rule decides: a CONTAIN_ACTION_ value.
/// data: the errno of CONTAIN_ACTION_ERRNO, 0 to 4095; the message of CONTAIN_ACTION_TRACE, 0 to 65535; else 0.
/// seccomp: where the object goes; the caller frees it with contain_seccomp_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if seccomp is NULL or a number is not allowed; -ENOTSUP if action is CONTAIN_ACTION_NOTIFY.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_seccomp_new_rules(
    action: u32,
    data: u32,
    seccomp: *mut *mut SeccompHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let place = Output::new("seccomp", seccomp)?;
            let rules = RuleSet::new(self::action(action, data)?);
            rules.check()?;
            place.write(SeccompHandle::own(rules));
            Ok(0)
        })
    }
}

/// Adds a rule to a filter of the caller's own. Of several for one call the first without conditions decides, else the
/// first whose conditions hold.
///
/// seccomp: the filter.
/// name: the system call's name, such as "mkdir", or its number on x86-64 in decimal digits.
/// action: a CONTAIN_ACTION_ value.
/// data: the errno of CONTAIN_ACTION_ERRNO, 0 to 4095; the message of CONTAIN_ACTION_TRACE, 0 to 65535; else 0.
/// options: when; NULL, with a size of 0: always.
/// size: sizeof(contain_rule_options) as the program was built.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if seccomp or name is NULL, seccomp is no filter of the caller's own, there is no system call of that
/// name, or a number is not allowed; -ENOTSUP if action is CONTAIN_ACTION_NOTIFY; -E2BIG if the options ask for what this
/// library does not know.
/// Ownership: what is given is copied. Threads: nobody else may use the filter meanwhile. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_seccomp_add_rule(
    seccomp: *mut SeccompHandle,
    name: *const c_char,
    action: u32,
    data: u32,
    options: *const RuleOptions,
    size: usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let name = strings::utf8("name", name)?;
            let conditions = conditions(&options::read("options", options, size)?)?;
            let calls = vec![SystemCall::parse(&name)?];
            let rule = NamedRule { calls, action: self::action(action, data)?, conditions };
            RuleSet { rules: vec![rule.clone()], ..RuleSet::new(Action::Allow) }.check()?;
            change(seccomp, |rules| {
                rules.rules.push(rule);
                Ok(())
            })
        })
    }
}

/// Lets the rules of a filter of the caller's own hold for another architecture too. CONTAIN_ARCHITECTURE_X86_64 always is
/// one; a call in any that is not ends its thread.
///
/// seccomp: the filter.
/// architecture: a CONTAIN_ARCHITECTURE_ value.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if seccomp is NULL or no filter of the caller's own, or the architecture is not known.
/// Threads: nobody else may use the filter meanwhile. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_seccomp_add_architecture(
    seccomp: *mut SeccompHandle,
    architecture: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            change(seccomp, |rules| {
                let abi = abi(architecture)?;
                if !rules.abis.contains(&abi) {
                    rules.abis.push(abi);
                }
                Ok(())
            })
        })
    }
}

/// Sets how a filter of the caller's own is loaded; at first with no flags.
///
/// seccomp: the filter.
/// flags: CONTAIN_SECCOMP_FLAG_ values, or'ed.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if seccomp is NULL or no filter of the caller's own, or flags has another bit.
/// Threads: nobody else may use the filter meanwhile. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_seccomp_set_flags(
    seccomp: *mut SeccompHandle,
    flags: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            if flags & !(CONTAIN_SECCOMP_FLAG_LOG | CONTAIN_SECCOMP_FLAG_SPEC_ALLOW) != 0 {
                return Err(invalid("flags", format!("{flags:#x}"), "it is made of CONTAIN_SECCOMP_FLAG_ values"));
            }
            let (log, spec_allow) =
                (flags & CONTAIN_SECCOMP_FLAG_LOG != 0, flags & CONTAIN_SECCOMP_FLAG_SPEC_ALLOW != 0);
            change(seccomp, |rules| {
                rules.flags = Flags { log, spec_allow };
                Ok(())
            })
        })
    }
}

/// Changes a filter of the caller's own, which is compiled anew when that is asked for.
///
/// # Safety
/// `seccomp` is NULL or a handle that nobody else uses meanwhile.
unsafe fn change(
    seccomp: *mut SeccompHandle,
    change: impl FnOnce(&mut RuleSet) -> Result<(), Error>,
) -> Result<c_int, Error> {
    // SAFETY: as the caller says.
    match &mut unsafe { borrow_mut(seccomp) }?.filter {
        Filter::Named(..) => Err(invalid("seccomp", "a named profile", "it is a filter of the caller's own")),
        Filter::Own(rules, compiled) => {
            change(rules)?;
            compiled.take();
            Ok(0)
        }
    }
}

fn action(action: u32, data: u32) -> Result<Action, Error> {
    let most = match action {
        CONTAIN_ACTION_ERRNO => 4095,
        CONTAIN_ACTION_TRACE => u16::MAX,
        _ => 0,
    };
    let wrong = || invalid("data", data.to_string(), format!("with this action it is a number from 0 to {most}"));
    let with = u16::try_from(data).ok().filter(|data| *data <= most).ok_or_else(wrong)?;
    match action {
        CONTAIN_ACTION_KILL_PROCESS => Ok(Action::KillProcess),
        CONTAIN_ACTION_KILL_THREAD => Ok(Action::KillThread),
        CONTAIN_ACTION_TRAP => Ok(Action::Trap),
        CONTAIN_ACTION_ERRNO => Ok(Action::Errno(with)),
        CONTAIN_ACTION_NOTIFY => Ok(Action::Notify),
        CONTAIN_ACTION_TRACE => Ok(Action::Trace(with)),
        CONTAIN_ACTION_LOG => Ok(Action::Log),
        CONTAIN_ACTION_ALLOW => Ok(Action::Allow),
        _ => Err(invalid("action", action.to_string(), "it is a CONTAIN_ACTION_ value")),
    }
}

fn conditions(options: &RuleOptions) -> Result<Vec<Condition>, Error> {
    let RuleOptions { compare, value, mask } = options;
    let mut conditions = Vec::new();
    for (((argument, compare), value), mask) in (0u8..).zip(compare).zip(value).zip(mask) {
        let comparison = match *compare {
            0 if *value != 0 => {
                let allowed = "it is 0 where nothing is compared with it";
                return Err(invalid("value", format!("{value} for argument {argument}"), allowed));
            }
            0 => None,
            CONTAIN_COMPARE_NE => Some(Comparison::Ne),
            CONTAIN_COMPARE_LT => Some(Comparison::Lt),
            CONTAIN_COMPARE_LE => Some(Comparison::Le),
            CONTAIN_COMPARE_EQ => Some(Comparison::Eq),
            CONTAIN_COMPARE_GE => Some(Comparison::Ge),
            CONTAIN_COMPARE_GT => Some(Comparison::Gt),
            CONTAIN_COMPARE_MASKED_EQ => Some(Comparison::MaskedEq(*mask)),
            other => return Err(invalid("compare", other.to_string(), "it is 0 or a CONTAIN_COMPARE_ value")),
        };
        if *mask != 0 && *compare != CONTAIN_COMPARE_MASKED_EQ {
            let allowed = "it goes with CONTAIN_COMPARE_MASKED_EQ alone";
            return Err(invalid("mask", format!("{mask:#x} for argument {argument}"), allowed));
        }
        conditions.extend(comparison.map(|comparison| Condition { argument, comparison, value: *value }));
    }
    Ok(conditions)
}
