//! Puts the standard definitions into the binary: a list of path and text,
//! read again whenever a file below `definitions/` changes, comes or goes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo names the folder"))
        .join("../../definitions")
        .canonicalize()?;
    // Relative, and the texts themselves below: a target folder may serve more
    // than one checkout, and must not hold on to the files of another.
    println!("cargo::rerun-if-changed=../../definitions");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut code = String::from("&[\n");
    for file in &files {
        let below = file
            .strip_prefix(&root)
            .expect("it was found below the root");
        let name = below.to_string_lossy().replace('\\', "/");
        let _ = writeln!(code, "    ({name:?}, {:?}),", fs::read_to_string(file)?);
    }
    code.push_str("]\n");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("definitions.rs"), code)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "toml") {
            files.push(path);
        }
    }
    Ok(())
}
