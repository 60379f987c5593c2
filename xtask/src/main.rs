//! Chores of the project: `cargo xtask tidy` looks at its files, `cargo xtask
//! reliability` at what the program does under faults. Knows no crate of the
//! product.

mod reliability;
mod rust_text;
mod tidy;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tree::Tree;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((task, [])) if task == "tidy" => run_tidy(),
        Some((task, rest)) if task == "reliability" => run_reliability(rest),
        _ => {
            eprintln!("usage: cargo xtask tidy\n       {}", reliability::USAGE);
            ExitCode::from(2)
        }
    }
}

fn run_reliability(arguments: &[String]) -> ExitCode {
    match reliability::run(&root(), arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("reliability: {problem:#}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the project. Asked when it runs: a program built for another
/// checkout that shares the target folder must not look there.
fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    own.as_deref()
        .and_then(Path::parent)
        .unwrap_or(Path::new("."))
        .to_owned()
}

/// Prints who imports whom in `app`, then every finding.
fn run_tidy() -> ExitCode {
    let root = root();
    let tree = match Tree::read(&root) {
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
