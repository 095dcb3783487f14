// SPDX-License-Identifier: MIT OR Apache-2.0
//! Moving the other process into a cgroup.

use crate::context::{At, Context, Fault};
use crate::id_map::Decimal;
use contain_plan::Text;
use contain_plan::message::Part;
use contain_sys::Fd;
use contain_sys::file::{self, Resolve, flags};

/// Writes its id to the `cgroup.procs` file below a hierarchy's mount, which is the host's.
pub fn enter(context: &Context<'_>, mount: Text<'_>, path: Text<'_>) -> Result<(), Fault> {
    let Some(init) = context.init else { return Err(Fault::Died) };
    let hierarchy = file::open(Fd::CWD, mount, flags::O_PATH | flags::O_DIRECTORY).at(Part::Target)?;
    let members = file::open_in(hierarchy, path, flags::O_WRONLY, Resolve::SAME_MOUNT_NO_LINKS).at(Part::Target)?;
    file::write_whole(members, Decimal::new(init.pid).text().to_bytes())?;
    members.close()?;
    Ok(hierarchy.close()?)
}
