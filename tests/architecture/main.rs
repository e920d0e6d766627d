//! The rules that the design gives the source tree, held by tests: who may use whom, how large a file may be, and what
//! `cluster` must not touch.

mod sources;
mod workspace;

use std::collections::BTreeSet;

use sources::Source;
use workspace::Workspace;

/// Who may depend on whom (docs/ARCHITECTURE.md). Tests may use everything.
const ARROWS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("schemas", &[]),
    ("rt", &["base"]),
    ("wire", &["base"]),
    ("cluster", &["base"]),
    ("shard", &["base", "rt", "wire"]),
    ("client", &["base", "rt", "wire"]),
    ("broker", &["base", "cluster", "rt", "shard", "wire"]),
    ("loadgen", &["base", "client", "rt", "wire"]),
    ("cli", &["base", "broker", "client", "cluster", "loadgen", "rt", "shard", "wire"]),
    ("tests", &["base", "broker", "cli", "client", "cluster", "loadgen", "rt", "schemas", "shard", "wire"]),
];

/// A file that grows beyond this hides a seam.
const LINES_MAX: usize = 550;

#[test]
fn crates_depend_on_each_other_only_along_the_arrows() {
    let workspace = Workspace::load();
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let members: BTreeSet<&str> = workspace.members().collect();
    assert_eq!(members, known, "the members of the workspace are those of the design");
    for (name, allowed) in ARROWS {
        for used in workspace.direct_dependencies(name).iter().filter(|used| known.contains(used.as_str())) {
            assert!(allowed.contains(&used.as_str()), "{name} must not depend on {used}");
        }
    }
}

#[test]
fn only_rt_imports_glommio() {
    let workspace = Workspace::load();
    for (name, _) in ARROWS.iter().filter(|(name, _)| *name != "rt") {
        assert!(!workspace.direct_dependencies(name).contains("glommio"), "{name} must use what rt offers");
    }
}

#[test]
fn no_tokio_runs_in_the_broker() {
    let workspace = Workspace::load();
    for name in ["broker", "shard", "rt", "wire", "cluster"] {
        assert!(!workspace.all_dependencies(name).contains("tokio"), "{name} pulls in tokio");
    }
}

#[test]
fn every_source_file_says_what_it_is_and_stays_small() {
    for source in Source::all().iter().filter(|source| !source.is_generated()) {
        let first = source.text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//!"), "{} does not begin with its module documentation", source.path);
        let lines = source.text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines: look for the seam", source.path);
        assert!(!source.path.ends_with("mod.rs"), "{}: a module is thing.rs beside thing/", source.path);
    }
}

#[test]
fn cluster_has_no_clock_randomness_io_async_or_unordered_map() {
    let banned = [
        "std::time::Instant",
        "SystemTime",
        "HashMap",
        "HashSet",
        "std::fs",
        "std::net",
        "std::thread",
        "async fn",
        "async move",
        ".await",
        "rand::",
        "getrandom",
        "SeededRandom",
    ];
    for source in Source::all().iter().filter(|source| source.path.starts_with("cluster/src/")) {
        for word in banned {
            let found = source.code().find(|(_, line)| line.contains(word));
            assert!(found.is_none(), "{}:{}: {word} has no place in cluster", source.path, found.unwrap().0);
        }
    }
}

#[test]
fn no_queue_is_without_a_limit() {
    let banned = ["unbounded(", "unbounded_channel(", "mpsc::channel("];
    for source in Source::all().iter().filter(|source| source.is_product()) {
        for word in banned {
            let found = source.code().find(|(_, line)| line.contains(word));
            assert!(found.is_none(), "{}:{}: a queue without a limit", source.path, found.unwrap().0);
        }
    }
}

#[test]
fn nothing_reachable_is_left_undone() {
    for source in Source::all().iter().filter(|source| source.is_product()) {
        for word in ["todo!(", "unimplemented!("] {
            let found = source.code().find(|(_, line)| line.contains(word));
            assert!(found.is_none(), "{}:{}: {word}", source.path, found.unwrap().0);
        }
    }
}
