//! Definitions of one's own: the files below `definitions/` in the data folder,
//! read at start and checked together with those that come with the product.
//! It knows paths and texts, not what a definition says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keji_metrics::run::{Engine, MEMORY_BYTES};
use keji_schema::Catalog;
use serde::Serialize;

use crate::error::{Error, Result};

/// Below the data folder.
const FOLDER: &str = "definitions";
/// `metrics/<group>/<id>.toml` is the deepest place.
const MAX_LEVELS: usize = 3;
/// Of all files together: they are a part of a backup's manifest. One is some
/// kilobytes.
const MAX_BYTES: u64 = 4 << 20;

/// What somebody's own files say, for whoever wrote them.
#[derive(Debug, Serialize)]
pub struct OwnDefinitions {
    /// Paths below the folder.
    pub files: Vec<String>,
    /// Worked examples of the own metrics that were run.
    pub n_examples: usize,
    /// Examples with another answer than they promise.
    pub failures: Vec<String>,
}

/// The catalog of a place: the standard definitions and those of its folder.
/// A broken file is an error that names it and the line.
/// `designed` is what was defined in the page.
pub fn catalog(data: &Path, designed: BTreeMap<String, String>) -> Result<Catalog> {
    together(&data.join(FOLDER), designed)
}

/// Checks a folder of definitions by itself: nothing is opened or written.
pub async fn check(folder: &Path) -> Result<OwnDefinitions> {
    if !folder.is_dir() {
        let missing = std::io::ErrorKind::NotFound.into();
        return Err(Error::named(folder.display().to_string())(missing));
    }
    let catalog = together(folder, BTreeMap::new())?;
    let engine = Engine::new(MEMORY_BYTES)?;
    let mut found = OwnDefinitions {
        files: catalog.own.keys().cloned().collect(),
        n_examples: 0,
        failures: Vec::new(),
    };
    let metrics = catalog.metrics.values().filter(|metric| {
        let path = format!("metrics/{}/{}.toml", metric.group, metric.id);
        catalog.own.contains_key(&path)
    });
    for metric in metrics {
        for outcome in keji_metrics::examples::run_examples(&engine, &catalog, metric).await {
            found.n_examples += 1;
            found
                .failures
                .extend(outcome.failure.map(|why| format!("{}: {why}", metric.id)));
        }
    }
    Ok(found)
}

/// For a restore: the catalog that the backup was made with. A folder that has
/// definitions of its own keeps them; otherwise those of the backup are
/// written there, and the second value is the folder to remove if the restore
/// fails.
pub(crate) fn of_backup(
    data: &Path,
    files: BTreeMap<String, String>,
    designed: BTreeMap<String, String>,
) -> Result<(Catalog, Option<PathBuf>)> {
    let folder = data.join(FOLDER);
    if files.is_empty() || !read(&folder)?.is_empty() {
        return Ok((together(&folder, designed)?, None));
    }
    // Before anything is written: the places of the files are checked, too.
    let catalog = Catalog::standard_and(files, designed)?;
    for (path, text) in &catalog.own {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(&folder);
        std::fs::create_dir_all(parent).map_err(Error::io(parent.display().to_string()))?;
        std::fs::write(&path, text).map_err(Error::io(path.display().to_string()))?;
    }
    Ok((catalog, Some(folder)))
}

fn together(folder: &Path, designed: BTreeMap<String, String>) -> Result<Catalog> {
    let own = read(folder)?;
    let paths: Vec<String> = own.keys().cloned().collect();
    Catalog::standard_and(own, designed).map_err(|problem| match problem {
        // Told with the place where it can be mended.
        keji_schema::Error::Definition {
            file,
            line,
            message,
        } if paths.contains(&file) => Error::Schema(keji_schema::Error::Definition {
            file: folder.join(file).display().to_string(),
            line,
            message,
        }),
        other => other.into(),
    })
}

/// Every `.toml` file below a folder, by its path there; none where there is
/// no folder. Others and hidden ones are left alone.
fn read(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    if folder.exists() {
        collect(folder, "", MAX_LEVELS, &mut files)?;
    }
    let n_bytes: usize = files.values().map(String::len).sum();
    if n_bytes as u64 > MAX_BYTES {
        let too_large = std::io::ErrorKind::FileTooLarge.into();
        return Err(Error::io(folder.display().to_string())(too_large));
    }
    Ok(files)
}

fn collect(
    folder: &Path,
    below: &str,
    levels: usize,
    files: &mut BTreeMap<String, String>,
) -> Result<()> {
    let fault = |path: &Path| Error::named(path.display().to_string());
    for entry in std::fs::read_dir(folder).map_err(fault(folder))? {
        let entry = entry.map_err(fault(folder))?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let at = format!("{below}{name}");
        let metadata = std::fs::metadata(&path).map_err(fault(&path))?;
        if metadata.is_dir() {
            if levels > 1 {
                collect(&path, &format!("{at}/"), levels - 1, files)?;
            }
        } else if name.ends_with(".toml") {
            if metadata.len() > MAX_BYTES {
                return Err(Error::io(at)(std::io::ErrorKind::FileTooLarge.into()));
            }
            let text = std::fs::read_to_string(&path).map_err(fault(&path))?;
            files.insert(at, text);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = r#"
name = { zh = "设备", en = "Machine" }
about = { zh = "客户的设备。", en = "A machine of a customer." }
title = "title"

[[field]]
id = "title"
type = "text"
name = { zh = "名称", en = "Name" }
"#;

    fn said(result: Result<Catalog>) -> String {
        result
            .map(|_| "it holds".to_owned())
            .unwrap_or_else(|e| e.to_string())
    }

    #[test]
    fn a_file_adds_and_a_broken_one_is_named_with_its_line() {
        let data = tempfile::tempdir().unwrap();
        assert!(
            catalog(data.path(), BTreeMap::new())
                .unwrap()
                .own
                .is_empty()
        );
        let objects = data.path().join("definitions/objects");
        std::fs::create_dir_all(&objects).unwrap();
        let file = objects.join("machine.toml");
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        write(MACHINE);
        std::fs::write(objects.join("notes.txt"), "not read").unwrap();
        let found = catalog(data.path(), BTreeMap::new()).unwrap();
        assert_eq!(
            found.own.keys().collect::<Vec<_>>(),
            ["objects/machine.toml"]
        );
        assert!(found.object("machine").is_ok());

        let place = file.display();
        write(&MACHINE.replace("type = \"text\"", "type = \"txt\""));
        assert!(said(catalog(data.path(), BTreeMap::new())).starts_with(&format!("{place}:8: ")));
        write(&MACHINE.replace("title = \"title\"", "title = \"name\""));
        let wanted = format!("{place}:4: there is no field `name`");
        assert_eq!(said(catalog(data.path(), BTreeMap::new())), wanted);
        write(MACHINE);
        // Another of the product's objects, a table of the program's own, and
        // a place that is none.
        for (name, message) in [
            (
                "objects/customer.toml",
                "is defined in objects/customer.toml too",
            ),
            (
                "objects/keji_job.toml",
                "names that begin with `keji_` are taken",
            ),
            ("machine.toml", "no definition has this place"),
        ] {
            let other = data.path().join("definitions").join(name);
            std::fs::write(&other, MACHINE).unwrap();
            let said = said(catalog(data.path(), BTreeMap::new()));
            assert!(
                said.starts_with(&format!("{}:1: ", other.display())),
                "{said}"
            );
            assert!(said.contains(message), "{said}");
            std::fs::remove_file(other).unwrap();
        }
    }

    #[test]
    fn a_backup_brings_definitions_only_to_their_places() {
        let data = tempfile::tempdir().unwrap();
        for path in [
            "../objects/machine.toml",
            "objects/../../machine.toml",
            "/machine.toml",
        ] {
            let files = BTreeMap::from([(path.to_owned(), MACHINE.to_owned())]);
            assert!(
                of_backup(data.path(), files, BTreeMap::new()).is_err(),
                "{path}"
            );
        }
        assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0);
        let files = BTreeMap::from([("objects/machine.toml".to_owned(), MACHINE.to_owned())]);
        let (found, made) = of_backup(data.path(), files.clone(), BTreeMap::new()).unwrap();
        assert!(found.object("machine").is_ok() && made.is_some());
        assert_eq!(catalog(data.path(), BTreeMap::new()).unwrap().own, files);
        // What is there already stays.
        let (_, made) = of_backup(data.path(), files, BTreeMap::new()).unwrap();
        assert!(made.is_none());
    }
}
