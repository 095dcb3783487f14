// SPDX-License-Identifier: MIT OR Apache-2.0
//! include/contain.h is what cbindgen makes of the sources, and capi/abi/symbols.txt names what it declares.
//! CONTAIN_BLESS=1 in the environment writes the header anew; symbols.txt is changed by hand.

use std::path::Path;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn generated() -> String {
    let config = cbindgen::Config::from_file(folder().join("cbindgen.toml")).expect("cbindgen.toml can be read");
    let bindings = cbindgen::Builder::new().with_crate(folder()).with_config(config).generate();
    let mut header = Vec::new();
    bindings.expect("the sources can be read").write(&mut header);
    String::from_utf8(header).expect("the sources are UTF-8")
}

#[test]
fn header_is_the_one_that_is_kept() {
    let path = folder().join("../include/contain.h");
    let made = generated();
    if std::env::var_os("CONTAIN_BLESS").is_some() {
        std::fs::write(&path, &made).expect("the header can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "include/contain.h differs; CONTAIN_BLESS=1 cargo test -p contain-capi writes it");
}

#[test]
fn symbols_are_the_functions_of_the_header() {
    let header = generated();
    let mut declared: Vec<&str> = header
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '(')
        .filter_map(|word| word.split_once('(').map(|(name, _)| name))
        .filter(|name| name.starts_with("contain_"))
        .collect();
    assert_eq!(
        header.matches("extern ").count(),
        1 + header.matches("// extern \"C\"").count(),
        "nothing is declared that is another library's, beside extern \"C\""
    );
    declared.sort_unstable();
    declared.dedup();
    let kept = std::fs::read_to_string(folder().join("abi/symbols.txt")).unwrap_or_default();
    assert_eq!(kept.lines().collect::<Vec<_>>(), declared);
}

/// A function of the header: its comment, and its declaration in one line.
struct Function {
    comment: String,
    declaration: String,
}

fn functions(header: &str) -> Vec<Function> {
    let mut found = Vec::new();
    let (mut comment, mut declaration) = (String::new(), String::new());
    for line in header.lines() {
        if let Some(text) = line.strip_prefix("//") {
            comment.push_str(text.trim_start());
            comment.push('\n');
        } else if !line.is_empty() {
            declaration.push_str(line.trim());
            declaration.push(' ');
        }
        let code = !line.starts_with("//");
        let ended = code && line.ends_with(");");
        if ended && declaration.contains("contain_") && !declaration.contains('{') {
            found.push(Function { comment: std::mem::take(&mut comment), declaration: declaration.clone() });
        }
        if ended || line.is_empty() || code && line.ends_with(';') {
            comment.clear();
            declaration.clear();
        }
    }
    found
}

impl Function {
    fn name(&self) -> &str {
        let (front, _) = self.declaration.split_once('(').expect("a declaration has parameters");
        front.rsplit([' ', '*']).next().unwrap_or_default()
    }

    /// Type and name of each parameter.
    fn parameters(&self) -> Vec<(&str, &str)> {
        let (_, list) = self.declaration.split_once('(').expect("a declaration has parameters");
        let list = list.split(')').next().unwrap_or_default();
        let named = list.split(',').map(str::trim).filter(|parameter| *parameter != "void");
        named.filter_map(|parameter| Some(parameter.split_at(parameter.rfind([' ', '*'])? + 1))).collect()
    }

    fn has(&self, part: &str) -> bool {
        self.comment.contains(&format!("\n{part}: ")) || self.comment.contains(&format!(". {part}: "))
    }

    /// What its comment does not say.
    fn missing(&self) -> Vec<String> {
        let parameters = self.parameters();
        let types: String = parameters.iter().map(|(kind, _)| *kind).collect();
        let mut wanted: Vec<&str> = parameters.iter().map(|(_, name)| *name).collect();
        wanted.extend(["Threads", "Since"]);
        if !self.declaration.starts_with("void ") {
            wanted.push("Returns");
        }
        if types.contains("contain_error **") {
            wanted.push("Errors");
        }
        // Strings, arrays, structs that hold such, and descriptors: whose they are afterwards.
        let given = ["const char *", "const char *const *", "const int32_t *"];
        let keeps = |(kind, name): &(&str, &str)| given.contains(kind) || kind.contains("_options") || *name == "fd";
        if types.contains("contain_error **") && parameters.iter().any(keeps) {
            wanted.push("Ownership");
        }
        let mut missing: Vec<String> =
            wanted.into_iter().filter(|part| !self.has(part)).map(|part| format!("{part}:")).collect();
        // Handles and strings that come out say how they are freed.
        for (kind, _) in parameters {
            let Some(object) = kind.strip_suffix(" **").filter(|kind| *kind != "contain_error") else { continue };
            let object = if object == "char" { "contain_string" } else { object };
            let frees = format!("{object}_free()");
            if !kind.starts_with("const ") && !self.comment.contains(&frees) {
                missing.push(frees);
            }
        }
        missing
    }
}

#[test]
fn comment_of_every_function_says_all_that_it_must() {
    let header = generated();
    let all = functions(&header);
    let kept = std::fs::read_to_string(folder().join("abi/symbols.txt")).unwrap_or_default();
    let mut names: Vec<&str> = all.iter().map(Function::name).collect();
    names.sort_unstable();
    assert_eq!(names, kept.lines().collect::<Vec<_>>());
    let incomplete: Vec<String> = all
        .iter()
        .map(|function| (function.name(), function.missing()))
        .filter(|(_, missing)| !missing.is_empty())
        .map(|(name, missing)| format!("{name}: {}", missing.join(" ")))
        .collect();
    assert!(incomplete.is_empty(), "not said:\n{}", incomplete.join("\n"));
}
