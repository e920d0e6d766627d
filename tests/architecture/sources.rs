//! The Rust sources that git tracks.

use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct Source {
    /// Relative to the repository's root.
    pub(crate) path: String,
    pub(crate) text: String,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lies in the repository").to_owned()
}

impl Source {
    pub(crate) fn all() -> Vec<Self> {
        let listed = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"])
            .current_dir(root())
            .output()
            .expect("git lists the sources");
        assert!(listed.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&listed.stderr));
        let names = String::from_utf8(listed.stdout).expect("paths are UTF-8");
        let sources: Vec<Self> = names.lines().filter_map(Self::read).collect();
        assert!(sources.len() > 10, "only {} sources found", sources.len());
        sources
    }

    fn read(path: &str) -> Option<Self> {
        let text = std::fs::read_to_string(root().join(path)).ok()?;
        Some(Self { path: path.to_owned(), text })
    }

    pub(crate) fn is_generated(&self) -> bool {
        self.path.contains("/generated/")
    }

    /// Part of what is shipped, in contrast to tests and examples.
    pub(crate) fn is_product(&self) -> bool {
        self.path.contains("/src/") && !self.path.starts_with("tests/") && !self.path.ends_with("tests.rs")
    }

    /// Numbered lines without comments, up to the unit tests at the end.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        lines
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}
