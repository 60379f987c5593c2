//! Makes an empty page folder where the page has not been built, so that the
//! server compiles and tests without Node.

fn main() {
    let dist =
        std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo names the folder"))
            .join("../../web/dist");
    if let Err(problem) = std::fs::create_dir_all(&dist) {
        println!("cargo::warning=cannot make {}: {problem}", dist.display());
    }
    println!("cargo::rerun-if-changed={}", dist.display());
}
