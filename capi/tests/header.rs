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
    declared.sort_unstable();
    declared.dedup();
    let kept = std::fs::read_to_string(folder().join("abi/symbols.txt")).unwrap_or_default();
    assert_eq!(kept.lines().collect::<Vec<_>>(), declared);
}
