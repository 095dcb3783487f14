// SPDX-License-Identifier: MIT OR Apache-2.0
//! A configuration as JSON and back (docs/abi.md). Whatever a document has that is not known is refused with its place,
//! its value and what is allowed there; what it leaves out, or has as null, is as [`Config::run`] has it.

pub(crate) mod read;
#[cfg(test)]
mod tests;

use super::{Config, Console, Lifetime, Mount, Network, NewFile, Overlay, Profile, Rlimit, Root, Stdio, Veth, Window};
use crate::capability;
use crate::error::Error;
use crate::rlimit::{self, NAMES};
use crate::seccomp::{Own, RuleSet};
use crate::user::{Id, User};
use read::{Fields, Item};
use serde_json::{Map, Value, json};
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

/// The version of the form.
const VERSION: u64 = 1;

const PROFILES: [(&str, Profile); 3] = [("system", Profile::System), ("app", Profile::App), ("none", Profile::None)];
const LIFETIMES: [(&str, Lifetime); 2] = [("bound", Lifetime::Bound), ("detached", Lifetime::Detached)];

impl Config {
    /// All of it as one JSON object.
    pub fn to_json(&self) -> String {
        let Config {
            root,
            mounts,
            overlay,
            read_only,
            argv,
            env,
            search_path,
            chdir,
            user,
            hostname,
            uid_map,
            gid_map,
            network,
            console,
            stdio,
            preserve_fds,
            pass_fds,
            files,
            inside,
            outside,
            init,
            seccomp,
            capabilities,
            rlimits,
            no_new_privs,
            timeout,
            lifetime,
        } = self;
        json!({
            "version": VERSION,
            "root": match root {
                Root::Directory(path) => json!({ "directory": text(path) }),
                Root::Host => json!("host"),
            },
            "mounts": mounts.iter().map(mount).collect::<Vec<_>>(),
            "overlay": overlay.map(|Overlay { size }| json!({ "size": size })),
            "read_only": read_only,
            "argv": argv.iter().map(text).collect::<Vec<_>>(),
            "env": env.iter().map(text).collect::<Vec<_>>(),
            "search_path": search_path,
            "chdir": chdir.as_ref().map(text),
            "user": user.as_ref().map(|User { user, group }| {
                json!({ "user": id(user), "group": group.as_ref().map(id) })
            }),
            "hostname": hostname.as_ref().map(text),
            "uid_map": uid_map,
            "gid_map": gid_map,
            "network": network_value(network),
            "console": match console {
                Console::Emulated => json!("emulated"),
                Console::Taken(Window { rows, columns }) => json!({ "taken": { "rows": rows, "columns": columns } }),
                Console::None => json!("none"),
            },
            "stdio": stdio.iter().map(standard).collect::<Vec<_>>(),
            "preserve_fds": preserve_fds,
            "pass_fds": pass_fds,
            "files": files.iter().map(file).collect::<Vec<_>>(),
            "inside": inside.as_ref().map(text),
            "outside": outside.as_ref().map(text),
            "init": init,
            "seccomp": seccomp_value(seccomp),
            "capabilities": capabilities.map(capability::listed),
            "rlimits": rlimits.iter().map(rlimit).collect::<Vec<_>>(),
            "no_new_privs": no_new_privs,
            "timeout_ns": timeout.map(|timeout| u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX)),
            "lifetime": word(&LIFETIMES, lifetime),
        })
        .to_string()
    }

    /// A configuration of a JSON object: `root` and `argv` it must have.
    pub fn from_json(document: &[u8]) -> Result<Config, Error> {
        let mut fields = Fields::of_document("configuration", document)?;
        if let Some(version) = fields.take("version") {
            version.one_of("1", |value| (value.as_u64() == Some(VERSION)).then_some(()))?;
        }
        let argv = fields.required("argv")?.list(Item::text)?;
        let mut config = Config::run(root_of(fields.required("root")?)?, argv);
        take_files(&mut fields, &mut config)?;
        take_process(&mut fields, &mut config)?;
        take_rest(&mut fields, &mut config)?;
        fields.finish()?;
        Ok(config)
    }
}

fn take_files(fields: &mut Fields, config: &mut Config) -> Result<(), Error> {
    fields.set("mounts", &mut config.mounts, |item| item.list(mount_of))?;
    fields.set("read_only", &mut config.read_only, Item::switch)?;
    fields.set("files", &mut config.files, |item| item.list(file_of))?;
    fields.set_some("overlay", &mut config.overlay, |item| {
        let mut fields = item.object()?;
        let size = fields.take("size").map(Item::bytes).transpose()?;
        fields.finish().map(|()| Overlay { size })
    })
}

fn take_process(fields: &mut Fields, config: &mut Config) -> Result<(), Error> {
    fields.set("env", &mut config.env, |item| item.list(Item::text))?;
    fields.set("search_path", &mut config.search_path, Item::switch)?;
    fields.set_some("chdir", &mut config.chdir, |item| item.text().map(Into::into))?;
    fields.set_some("user", &mut config.user, user_of)?;
    fields.set("init", &mut config.init, Item::switch)?;
    fields.set("seccomp", &mut config.seccomp, seccomp_of)?;
    fields.set_some("capabilities", &mut config.capabilities, |item| {
        item.list(Item::capability).map(|sets| sets.into_iter().fold(0, |all, one| all | one))
    })?;
    fields.set("rlimits", &mut config.rlimits, |item| item.list(rlimit_of))?;
    fields.set("no_new_privs", &mut config.no_new_privs, Item::switch)
}

fn take_rest(fields: &mut Fields, config: &mut Config) -> Result<(), Error> {
    fields.set_some("hostname", &mut config.hostname, Item::text)?;
    fields.set_some("uid_map", &mut config.uid_map, Item::string)?;
    fields.set_some("gid_map", &mut config.gid_map, Item::string)?;
    fields.set("network", &mut config.network, network_of)?;
    fields.set("console", &mut config.console, console_of)?;
    fields.set("stdio", &mut config.stdio, |item| {
        let shown = item.clone();
        let three = item.list(standard_of)?;
        three.try_into().map_err(|_| shown.wrong("three of \"inherit\", \"null\" and {\"descriptor\": NUMBER}"))
    })?;
    fields.set("preserve_fds", &mut config.preserve_fds, Item::number)?;
    fields.set("pass_fds", &mut config.pass_fds, |item| item.list(Item::descriptor))?;
    fields.set_some("inside", &mut config.inside, Item::text)?;
    fields.set_some("outside", &mut config.outside, Item::text)?;
    fields.set_some("timeout_ns", &mut config.timeout, |item| {
        item.one_of("a number of nanoseconds", |value| value.as_u64().map(Duration::from_nanos))
    })?;
    fields.set("lifetime", &mut config.lifetime, |item| item.word(&LIFETIMES))
}

/// Bytes as a string, or as `{"hex": …}` where they are not UTF-8.
fn text(value: impl AsRef<OsStr>) -> Value {
    let value = value.as_ref();
    match value.to_str() {
        Some(text) => text.into(),
        None => {
            let digits: String = value.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "hex": digits })
        }
    }
}

fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, known)| known == value).map_or("", |(word, _)| word)
}

fn seccomp_value(profile: &Profile) -> Value {
    match profile {
        Profile::Own(own) => own.source().map_or(Value::Null, RuleSet::to_oci),
        named => word(&PROFILES, named).into(),
    }
}

fn mount(mount: &Mount) -> Value {
    match mount {
        Mount::Bind { source, target, read_only } => {
            json!({ "bind": { "source": text(source), "target": text(target), "read_only": read_only } })
        }
        Mount::Tmpfs { target, size, mode } => {
            json!({ "tmpfs": { "target": text(target), "size": size, "mode": mode } })
        }
    }
}

fn file(file: &NewFile) -> Value {
    let NewFile { path, contents, mode } = file;
    json!({ "path": text(path), "contents": text(OsStr::from_bytes(contents)), "mode": mode })
}

fn id(id: &Id) -> Value {
    match id {
        Id::Number(number) => (*number).into(),
        Id::Name(name) => name.as_str().into(),
    }
}

fn network_value(network: &Network) -> Value {
    match network {
        Network::Private => json!("private"),
        Network::Host => json!("host"),
        Network::Veth(Veth { host, name, bridge, address, gateway, mtu }) => json!({ "veth": {
            "host": host,
            "name": name,
            "bridge": bridge,
            "address": address.map(|(address, prefix)| format!("{address}/{prefix}")),
            "gateway": gateway.map(|gateway| gateway.to_string()),
            "mtu": mtu,
        } }),
    }
}

fn standard(stdio: &Stdio) -> Value {
    match stdio {
        Stdio::Inherit => json!("inherit"),
        Stdio::Null => json!("null"),
        Stdio::Descriptor(number) => json!({ "descriptor": number }),
    }
}

fn rlimit(limit: &Rlimit) -> Value {
    let Rlimit { resource, soft, hard } = *limit;
    let name = NAMES.get(resource as usize).map_or_else(|| Value::from(resource), |name| Value::from(*name));
    let value = |value: u64| if value == u64::MAX { json!("unlimited") } else { json!(value) };
    json!({ "resource": name, "soft": value(soft), "hard": value(hard) })
}

/// The one field of an object that has one, with its name.
fn only(item: &Item) -> Option<(String, Item)> {
    let map: &Map<String, Value> = item.value.as_object()?;
    let mut entries = map.iter();
    let (name, value) = entries.next()?;
    entries.next().is_none().then(|| (name.clone(), item.below(name, value.clone())))
}

fn root_of(item: Item) -> Result<Root, Error> {
    match only(&item) {
        _ if item.value == "host" => Ok(Root::Host),
        Some((name, path)) if name == "directory" => Ok(Root::Directory(path.text()?.into())),
        _ => Err(item.wrong("\"host\", or {\"directory\": PATH}")),
    }
}

fn mount_of(item: Item) -> Result<Mount, Error> {
    match only(&item) {
        Some((name, bind)) if name == "bind" => {
            let mut fields = bind.object()?;
            let source = fields.required("source")?.text()?.into();
            let target = fields.required("target")?.text()?.into();
            let mut read_only = false;
            fields.set("read_only", &mut read_only, Item::switch)?;
            fields.finish().map(|()| Mount::Bind { source, target, read_only })
        }
        Some((name, tmpfs)) if name == "tmpfs" => {
            let mut fields = tmpfs.object()?;
            let target = fields.required("target")?.text()?.into();
            let size = fields.take("size").map(Item::bytes).transpose()?;
            let mut mode = 0o755;
            fields.set("mode", &mut mode, Item::number)?;
            fields.finish().map(|()| Mount::Tmpfs { target, size, mode })
        }
        _ => Err(item.wrong("{\"bind\": …} or {\"tmpfs\": …}")),
    }
}

fn file_of(item: Item) -> Result<NewFile, Error> {
    let mut fields = item.object()?;
    let path = fields.required("path")?.text()?.into();
    let contents = fields.required("contents")?.text()?.into_vec();
    let mut mode = 0o644;
    fields.set("mode", &mut mode, Item::number)?;
    fields.finish().map(|()| NewFile { path, contents, mode })
}

fn seccomp_of(item: Item) -> Result<Profile, Error> {
    match item.value {
        Value::Object(_) => Own::new(RuleSet::of_fields(item.object()?)?).map(Profile::Own),
        Value::String(_) => item.word(&PROFILES),
        _ => Err(item.wrong("\"system\", \"app\", \"none\", or an object as OCI's linux.seccomp")),
    }
}

fn user_of(item: Item) -> Result<User, Error> {
    let mut fields = item.object()?;
    let user = fields.required("user")?.id()?;
    let group = fields.take("group").map(Item::id).transpose()?;
    fields.finish().map(|()| User { user, group })
}

fn network_of(item: Item) -> Result<Network, Error> {
    match only(&item) {
        _ if item.value == "private" => Ok(Network::Private),
        _ if item.value == "host" => Ok(Network::Host),
        Some((name, veth)) if name == "veth" => {
            let mut fields = veth.object()?;
            let mut veth = Veth::default();
            fields.set("host", &mut veth.host, Item::string)?;
            fields.set("name", &mut veth.name, Item::string)?;
            fields.set_some("bridge", &mut veth.bridge, Item::string)?;
            fields.set_some("address", &mut veth.address, |item| {
                item.one_of("ADDRESS/PREFIX", |value| {
                    let (address, prefix) = value.as_str()?.split_once('/')?;
                    Some((address.parse().ok()?, prefix.parse().ok()?))
                })
            })?;
            fields.set_some("gateway", &mut veth.gateway, |item| {
                item.one_of("an address", |value| value.as_str()?.parse().ok())
            })?;
            fields.set_some("mtu", &mut veth.mtu, Item::number)?;
            fields.finish().map(|()| Network::Veth(veth))
        }
        _ => Err(item.wrong("\"private\", \"host\", or {\"veth\": …}")),
    }
}

fn console_of(item: Item) -> Result<Console, Error> {
    match only(&item) {
        _ if item.value == "emulated" => Ok(Console::Emulated),
        _ if item.value == "none" => Ok(Console::None),
        Some((name, taken)) if name == "taken" => {
            let length =
                |item: Item| item.one_of("a number from 0 to 65535", |value| u16::try_from(value.as_u64()?).ok());
            let mut fields = taken.object()?;
            let mut window = Window::default();
            fields.set("rows", &mut window.rows, length)?;
            fields.set("columns", &mut window.columns, length)?;
            fields.finish().map(|()| Console::Taken(window))
        }
        _ => Err(item.wrong("\"none\", \"emulated\", or {\"taken\": …}")),
    }
}

fn standard_of(item: Item) -> Result<Stdio, Error> {
    match only(&item) {
        _ if item.value == "inherit" => Ok(Stdio::Inherit),
        _ if item.value == "null" => Ok(Stdio::Null),
        Some((name, number)) if name == "descriptor" => number.descriptor().map(Stdio::Descriptor),
        _ => Err(item.wrong("\"inherit\", \"null\", or {\"descriptor\": NUMBER}")),
    }
}

fn rlimit_of(item: Item) -> Result<Rlimit, Error> {
    let mut fields = item.object()?;
    let resource = fields.required("resource")?.one_of(&NAMES.join(", "), |value| rlimit::number(value.as_str()?))?;
    let limit =
        |item: Item| {
            item.one_of("a number, or \"unlimited\"", |value| {
                if value == "unlimited" { Some(u64::MAX) } else { value.as_u64() }
            })
        };
    let soft = limit(fields.required("soft")?)?;
    let hard = limit(fields.required("hard")?)?;
    fields.finish().map(|()| Rlimit { resource, soft, hard })
}
