// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a command may, be it a container's own or an injected one: limits, user, capabilities, directory, filter. Each
//! step takes something that a later one ends; the orders and their reasons: docs/plan.md.

use super::console;
use super::filter::{self, Behind};
use crate::config::{Console, Profile, Rlimit, Stdio};
use crate::error::Error;
use crate::plan::{Draft, text};
use crate::seccomp::{self, Terminal};
use crate::user::Resolved;
use contain_plan::Step;
use contain_sys::identity::capability::SYS_ADMIN;
use std::path::Path;

/// It all.
pub(super) struct Rights<'a> {
    pub rlimits: &'a [Rlimit],
    /// Those that root keeps, and that bound what another user gains by exec; all when none.
    pub capabilities: Option<u64>,
    /// User and group 0 when none.
    pub user: Option<&'a Resolved>,
    pub chdir: Option<&'a Path>,
    pub no_new_privs: bool,
    pub seccomp: &'a Profile,
    /// Its terminal, and which of the three are that.
    pub console: Console,
    pub stdio: &'a [Stdio; 3],
    /// Descriptors from 3 on that it keeps; u32::MAX for all.
    pub keep: u32,
}

impl Rights<'_> {
    /// The steps of the process that becomes the command.
    pub fn steps(&self, draft: &mut Draft) -> Result<(), Error> {
        for Rlimit { resource, soft, hard } in self.rlimits.iter().copied() {
            draft.init(Step::LimitResource { resource, soft, hard });
        }
        if let Some(user) = self.user {
            self.become_user(user, draft);
        }
        if let Some(path) = self.chdir {
            draft.init(Step::ChangeDirectory { path: &text("chdir", path)? });
        }
        if self.no_new_privs {
            draft.init(Step::SetNoNewPrivs {});
            self.set_capabilities(draft);
        }
        filter::load(self.seccomp, self.terminal(), self.keep, self.behind(), draft)?;
        // ORDER: without no_new_privs loading a program takes CAP_SYS_ADMIN, so the capabilities go after it.
        if !self.no_new_privs {
            self.set_capabilities(draft);
        }
        Ok(())
    }

    /// The user where it is another than 0.
    fn other_user(&self) -> Option<&Resolved> {
        self.user.filter(|user| user.uid != 0)
    }

    /// The bounding set, while it can still be changed; then the ids, for good.
    fn become_user(&self, user: &Resolved, draft: &mut Draft) {
        // ORDER: the bounding set first, since changing it takes CAP_SETPCAP, which another user than 0 has no more.
        if let (Some(kept), true) = (self.capabilities, user.uid != 0) {
            draft.init(Step::SetCapabilities { bounding: kept, permitted: u64::MAX });
        }
        // Loading a filter that is not for no_new_privs takes CAP_SYS_ADMIN until then.
        let loads = seccomp::loads(self.seccomp, self.terminal()).next().is_some() && !self.no_new_privs;
        let groups: Vec<u8> = user.groups.iter().flatten().flat_map(|group| group.to_le_bytes()).collect();
        draft.init(Step::BecomeUser {
            uid: user.uid,
            gid: user.gid,
            set_groups: user.groups.is_some(),
            groups: &groups,
            keep: if user.uid != 0 && loads { 1 << SYS_ADMIN } else { 0 },
            console: self.console != Console::None,
        });
    }

    fn set_capabilities(&self, draft: &mut Draft) {
        match (self.other_user(), self.capabilities) {
            (None, Some(kept)) => draft.init(Step::SetCapabilities { bounding: kept, permitted: kept }),
            (None, None) => {}
            // A user other than 0 has none but what the loading takes.
            (Some(_), _) if self.no_new_privs => {}
            (Some(_), kept) => {
                draft.init(Step::SetCapabilities { bounding: kept.unwrap_or(u64::MAX), permitted: 0 });
            }
        }
    }

    /// What follows the loading.
    fn behind(&self) -> Behind {
        let drops = self.other_user().is_some() || self.capabilities.is_some();
        if drops && !self.no_new_privs { Behind::Capabilities } else { Behind::Exec }
    }

    fn terminal(&self) -> Terminal {
        console::terminal(self.console, self.stdio)
    }
}
