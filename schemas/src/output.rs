//! Puts generated files into the tree, or says which of those in the tree are stale.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, thread};

use crate::kafka::{self, TableError};

/// Generation failed; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// A table is wrong; it says where.
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("cannot read or write {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("cannot run rustfmt: {0}")]
    Rustfmt(io::Error),
    /// The generator made something that is not Rust.
    #[error("rustfmt refuses {}:\n{message}", path.display())]
    NotRust { path: PathBuf, message: String },
}

/// Writes what changed and removes generated files that no table makes any more. Gives back the paths touched.
pub fn write(workspace: &Path) -> Result<Vec<PathBuf>, OutputError> {
    let wanted = render(workspace)?;
    let stale = differing(workspace, &wanted)?;
    for path in &stale {
        let absolute = workspace.join(path);
        let outcome = match wanted.get(path) {
            Some(text) => {
                let folder = absolute.parent().expect("generated files lie in a folder");
                fs::create_dir_all(folder).and_then(|()| fs::write(&absolute, text))
            }
            None => fs::remove_file(&absolute),
        };
        outcome.map_err(|source| OutputError::Io { path: absolute, source })?;
    }
    Ok(stale)
}

/// The generated files, by path below the workspace, that are missing, differ, or should not be there.
pub fn stale(workspace: &Path) -> Result<Vec<PathBuf>, OutputError> {
    differing(workspace, &render(workspace)?)
}

fn differing(workspace: &Path, wanted: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>, OutputError> {
    let mut differing = Vec::new();
    for (path, text) in wanted {
        match fs::read_to_string(workspace.join(path)) {
            Ok(found) if found == *text => {}
            Ok(_) => differing.push(path.clone()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => differing.push(path.clone()),
            Err(source) => return Err(OutputError::Io { path: path.clone(), source }),
        }
    }
    for folder in kafka::GENERATED_FOLDERS {
        let entries = match fs::read_dir(workspace.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(OutputError::Io { path: folder.into(), source }),
        };
        for entry in entries {
            let entry = entry.map_err(|source| OutputError::Io { path: folder.into(), source })?;
            let path = Path::new(folder).join(entry.file_name());
            if !wanted.contains_key(&path) {
                differing.push(path);
            }
        }
    }
    differing.sort();
    Ok(differing)
}

fn render(workspace: &Path) -> Result<BTreeMap<PathBuf, String>, OutputError> {
    let mut files = BTreeMap::new();
    for (path, text) in kafka::render(&workspace.join("schemas/kafka"))? {
        let path = PathBuf::from(path);
        let formatted = rustfmt(workspace, &path, text)?;
        files.insert(path, formatted);
    }
    Ok(files)
}

/// Formats one file with the workspace's own rules.
fn rustfmt(workspace: &Path, path: &Path, text: String) -> Result<String, OutputError> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout", "--config-path"])
        .arg(workspace.join("rustfmt.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(OutputError::Rustfmt)?;
    let mut stdin = child.stdin.take().expect("stdin was asked for");
    // A thread feeds it: the text is longer than a pipe holds, and rustfmt may answer before it has read everything.
    let feeder = thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().map_err(OutputError::Rustfmt)?;
    feeder.join().expect("the feeding thread does not panic").map_err(OutputError::Rustfmt)?;
    let not_rust = |message: &[u8]| OutputError::NotRust {
        path: path.to_path_buf(),
        message: String::from_utf8_lossy(message).into_owned(),
    };
    if !output.status.success() {
        return Err(not_rust(&output.stderr));
    }
    String::from_utf8(output.stdout).map_err(|error| not_rust(error.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn what_is_committed_is_what_the_tables_make() {
        let stale = stale(&workspace()).expect("the tables are well formed");
        assert!(stale.is_empty(), "run `cargo run -p schemas -- generate`: {stale:?}");
    }

    #[test]
    fn text_that_is_not_rust_is_refused_with_the_reason() {
        let error = rustfmt(&workspace(), Path::new("x.rs"), "fn (".to_owned()).expect_err("not Rust");
        assert!(matches!(error, OutputError::NotRust { .. }), "{error}");
    }

    #[test]
    fn a_missing_a_changed_and_a_superfluous_file_are_each_named() {
        let workspace = std::env::temp_dir().join(format!("schemas-stale-{}", std::process::id()));
        let folder = workspace.join(kafka::GENERATED_FOLDERS[0]);
        fs::create_dir_all(&folder).expect("a temporary folder");
        fs::write(folder.join("same.rs"), "a").expect("a temporary file");
        fs::write(folder.join("changed.rs"), "b").expect("a temporary file");
        fs::write(folder.join("superfluous.rs"), "c").expect("a temporary file");
        let path = |name: &str| Path::new(kafka::GENERATED_FOLDERS[0]).join(name);
        let wanted = ["same.rs", "changed.rs", "missing.rs"].map(|name| (path(name), "a".to_owned())).into();
        let found = differing(&workspace, &wanted).expect("the folder is readable");
        assert_eq!(found, ["changed.rs", "missing.rs", "superfluous.rs"].map(path));
        fs::remove_dir_all(&workspace).expect("the folder is ours");
    }
}
