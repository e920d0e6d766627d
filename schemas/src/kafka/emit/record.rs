//! The enum of the records, by the type that their keys begin with.

use super::generated_from;
use crate::kafka::table::{Kind, RECORDS, Table};

/// The modules of the records and of the data, and the enum of the records.
pub(in crate::kafka) fn record_index(tables: &[Table]) -> String {
    let mut text = String::from("//! One module a record or a kind of data, and the enum of the records.\n//!\n");
    text += &generated_from(&format!("{RECORDS}/*"));
    let (mut variants, mut decodes, mut keys, mut values, mut names) =
        (String::new(), String::new(), String::new(), String::new(), String::new());
    let mut uses = String::new();
    for table in tables {
        text += &format!("pub mod {};\n", table.module);
        let Kind::Record(record) = &table.kind else { continue };
        let name = &table.name;
        uses += &format!("use {}::{{{name}Key, {name}Value}};\n", table.module);
        let first = table.about.chars().next().expect("the parser wants a record's meaning");
        variants += &format!(
            "/// {}{}.\n{name}({name}Key, Option<{name}Value>),\n",
            first.to_ascii_uppercase(),
            &table.about[first.len_utf8()..]
        );
        let types = match (record.types.first, record.types.last) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}..={last}"),
        };
        decodes += &format!("{types} => {{ let (key, value) = parts(reader, value)?; Self::{name}(key, value) }}\n");
        keys += &format!("Self::{name}(key, _) => encode_key(key),\n");
        values += &format!("Self::{name}(_, value) => encode_value(value.as_ref()),\n");
        names += &format!("Self::{name}(..) => \"{name}\",\n");
    }
    text += &format!(
        "\nuse bytes::Bytes;\n\n\
         use crate::kafka::group_records::{{RecordError, encode_key, encode_value, parts, record_type}};\n\
         use crate::kafka::{{EncodeError, Reader}};\n{uses}\n\
         /// A record of `__consumer_offsets`: its key, and its value unless it is a tombstone.\n\
         #[derive(Clone, Debug, PartialEq)]\n\
         pub enum GroupRecord {{\n{variants}}}\n\n\
         impl GroupRecord {{\n\
         /// Reads a record. The error tells what this build does not know from what is damaged.\n\
         pub fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Self, RecordError> {{\n\
         let mut reader = Reader::new(key);\n\
         Ok(match record_type(&mut reader)? {{\n{decodes} other => return Err(RecordError::UnknownType(other)),\n}})\n}}\n\n\
         /// The record's key, with its type in front.\n\
         pub fn encode_key(&self) -> Result<Bytes, EncodeError> {{\nmatch self {{\n{keys}}}\n}}\n\n\
         /// The record's value, with the version in front that Kafka 4.3 writes; nothing for a tombstone.\n\
         pub fn encode_value(&self) -> Result<Option<Bytes>, EncodeError> {{\nmatch self {{\n{values}}}\n}}\n\n\
         /// Kafka's name for the kind of record.\n\
         pub fn name(&self) -> &'static str {{\nmatch self {{\n{names}}}\n}}\n}}\n"
    );
    text
}
