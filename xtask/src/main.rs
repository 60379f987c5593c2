//! Chores of the project: `cargo xtask tidy`. Knows files and text, no crate
//! of the product.

mod rust_text;
mod tidy;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tree::Tree;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => run_tidy(),
        _ => {
            eprintln!("usage: cargo xtask tidy");
            ExitCode::from(2)
        }
    }
}

/// Prints who imports whom in `app`, then every finding.
fn run_tidy() -> ExitCode {
    // Asked when it runs: a program built for another checkout that shares the
    // target folder must not look there.
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let root = own
        .as_deref()
        .and_then(Path::parent)
        .unwrap_or(Path::new("."));
    let tree = match Tree::read(root) {
        Ok(tree) => tree,
        Err(problem) => {
            eprintln!("tidy: cannot read {}: {problem}", root.display());
            return ExitCode::FAILURE;
        }
    };
    println!("modules of app and what they import:");
    for (module, imports) in tidy::imports(&tree) {
        let imports: Vec<&str> = imports.iter().map(String::as_str).collect();
        println!("  {module:<12} {}", imports.join(" "));
    }
    let findings = tidy::tidy(&tree);
    for finding in &findings {
        println!("{finding}");
    }
    println!(
        "tidy: {} files, {} findings",
        tree.n_texts(),
        findings.len()
    );
    if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
