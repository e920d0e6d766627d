//! The Kafka protocol: from our tables to the codec in `wire/src/kafka/generated` and to what its tests need.

mod emit;
pub mod parse;
pub mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub use parse::TableError;
use table::Table;

/// Folders in which every file is ours: others are stale.
pub const GENERATED_FOLDERS: [&str; 2] = ["wire/src/kafka/generated", "wire/tests/kafka/generated"];

/// Reads the tables in a folder and gives the generated files, not yet formatted, by path below the workspace.
pub fn render(folder: &Path) -> Result<BTreeMap<String, String>, TableError> {
    let tables = load(folder)?;
    let [codec, fixtures] = GENERATED_FOLDERS;
    let mut files = BTreeMap::new();
    for table in &tables {
        files.insert(format!("{codec}/{}.rs", table.module), emit::codec(table));
        files.insert(format!("{fixtures}/{}.rs", table.module), emit::fixtures(table));
    }
    files.insert(format!("{codec}/api_key.rs"), emit::api_key(&tables));
    files.insert(format!("{codec}.rs"), emit::codec_index(&tables));
    files.insert(format!("{fixtures}.rs"), emit::fixtures_index(&tables));
    Ok(files)
}

/// The tables in a folder, ordered by key.
pub fn load(folder: &Path) -> Result<Vec<Table>, TableError> {
    let unreadable = |path: &Path, source| TableError::Unreadable { path: path.to_path_buf(), source };
    let mut tables: Vec<Table> = Vec::new();
    for entry in fs::read_dir(folder).map_err(|source| unreadable(folder, source))? {
        let path = entry.map_err(|source| unreadable(folder, source))?.path();
        if path.extension().is_some_and(|ending| ending == "txt") {
            let text = fs::read_to_string(&path).map_err(|source| unreadable(&path, source))?;
            let module = path.file_stem().expect("it has an extension").to_string_lossy().into_owned();
            tables.push(parse::parse(&module, &text)?);
        }
    }
    tables.sort_by_key(|table| table.key);
    for pair in tables.windows(2) {
        if pair[0].key == pair[1].key {
            let what = format!("key {} belongs to {} already", pair[1].key, pair[0].name);
            return Err(TableError::Wrong { file: pair[1].module.clone(), line: 1, what });
        }
    }
    Ok(tables)
}
