//! The Kafka protocol: from our tables to the codec in `wire/src/kafka` and to what its tests need.

mod emit;
pub mod parse;
pub mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub use parse::TableError;
use table::{Kind, RECORDS, Table};

/// Folders in which every file is ours: others are stale.
pub const GENERATED_FOLDERS: [&str; 4] = [
    "wire/src/kafka/generated",
    "wire/tests/kafka/generated",
    "wire/src/kafka/group_records/generated",
    "wire/tests/kafka/group_records/generated",
];

/// Reads the tables in a folder and gives the generated files, not yet formatted, by path below the workspace.
pub fn render(folder: &Path) -> Result<BTreeMap<String, String>, TableError> {
    let apis = load(folder, "")?;
    let records = load(folder, RECORDS)?;
    let [codec, fixtures, record_codec, record_fixtures] = GENERATED_FOLDERS;
    let mut files = BTreeMap::new();
    for (tables, codec, fixtures) in [(&apis, codec, fixtures), (&records, record_codec, record_fixtures)] {
        for table in tables {
            files.insert(format!("{codec}/{}.rs", table.module), emit::codec(table));
            files.insert(format!("{fixtures}/{}.rs", table.module), emit::fixtures(table));
        }
    }
    files.insert(format!("{codec}/api_key.rs"), emit::api_key(&apis));
    files.insert(format!("{codec}.rs"), emit::codec_index(&apis));
    files.insert(format!("{fixtures}.rs"), emit::fixtures_index(&apis));
    files.insert(format!("{record_codec}.rs"), emit::record_index(&records));
    files.insert(format!("{record_fixtures}.rs"), emit::record_fixtures_index(&records));
    Ok(files)
}

/// The tables in a folder below `root`, ordered by their numbers, those without last.
pub fn load(root: &Path, below: &str) -> Result<Vec<Table>, TableError> {
    let folder = root.join(below);
    let unreadable = |path: &Path, source| TableError::Unreadable { path: path.to_path_buf(), source };
    let mut tables: Vec<Table> = Vec::new();
    for entry in fs::read_dir(&folder).map_err(|source| unreadable(&folder, source))? {
        let path = entry.map_err(|source| unreadable(&folder, source))?.path();
        if path.extension().is_some_and(|ending| ending == "txt") {
            let text = fs::read_to_string(&path).map_err(|source| unreadable(&path, source))?;
            let module = path.file_stem().expect("it has an extension").to_string_lossy();
            let file = if below.is_empty() { module.into_owned() } else { format!("{below}/{module}") };
            let table = parse::parse(&file, &text)?;
            if table.file() != file {
                let what = format!("this kind of table belongs to {}.txt", table.file());
                return Err(TableError::Wrong { file, line: 1, what });
            }
            tables.push(table);
        }
    }
    tables.sort_by_key(|table| (numbers(table), table.name.clone()));
    for pair in tables.windows(2) {
        let [before, after] = [&pair[0], &pair[1]];
        let ((_, last), (first, _)) = (numbers(before), numbers(after));
        if first <= last && first != i16::MAX {
            let what = format!("number {first} belongs to {} already", before.name);
            return Err(TableError::Wrong { file: after.file(), line: 1, what });
        }
    }
    Ok(tables)
}

/// The first and the last number that stand for a table: of an API its key, of a record the types.
fn numbers(table: &Table) -> (i16, i16) {
    match &table.kind {
        Kind::Api(api) => (api.key, api.key),
        Kind::Record(record) => (record.types.first, record.types.last),
        Kind::Data => (i16::MAX, i16::MAX),
    }
}
