//! What `cargo metadata` says of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::sources::root;

pub(crate) struct Workspace {
    /// Package id to name.
    names: BTreeMap<String, String>,
    members: Vec<String>,
    /// Package id to the ids of its dependencies that are built with it (not those of its tests).
    edges: BTreeMap<String, Vec<String>>,
}

impl Workspace {
    pub(crate) fn load() -> Self {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        // What only other systems build with is not downloaded by who builds here.
        let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", &platform])
            .current_dir(root())
            .output()
            .expect("cargo metadata runs");
        assert!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
        let names = list(&metadata["packages"]).map(|package| (text(&package["id"]), text(&package["name"]))).collect();
        let members = list(&metadata["workspace_members"]).map(text).collect();
        let edges = list(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), built_with(node))).collect();
        Self { names, members, edges }
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|id| self.names[id].as_str())
    }

    pub(crate) fn direct_dependencies(&self, name: &str) -> BTreeSet<String> {
        self.edges[self.member(name)].iter().map(|id| self.names[id].clone()).collect()
    }

    pub(crate) fn all_dependencies(&self, name: &str) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut next = vec![self.member(name).clone()];
        while let Some(id) = next.pop() {
            for used in &self.edges[&id] {
                if seen.insert(used.clone()) {
                    next.push(used.clone());
                }
            }
        }
        seen.iter().map(|id| self.names[id].clone()).collect()
    }

    fn member(&self, name: &str) -> &String {
        let found = self.members.iter().find(|id| self.names[*id] == name);
        found.unwrap_or_else(|| panic!("{name} is not a member of the workspace"))
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("a list").iter()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Normal and build dependencies have a kind of their own; those of tests say "dev".
fn built_with(node: &Value) -> Vec<String> {
    let is_built = |kind: &Value| kind["kind"].as_str() != Some("dev");
    list(&node["deps"]).filter(|dep| list(&dep["dep_kinds"]).any(is_built)).map(|dep| text(&dep["pkg"])).collect()
}
