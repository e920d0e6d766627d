//! The sources of everything that is generated, and the generators.
//!
//! `cargo run -p schemas -- generate` writes the generated files into the tree, where they are committed like any
//! other code; `check` makes them again in memory and names the files that differ. Nothing is generated while the
//! other crates build, so a reader, a debugger and a code review see what runs.

pub mod kafka;
pub mod output;
