//! Structs that borrow from the frame: for the messages that carry records.

use super::owned::fields;
use super::shape::Form;
use super::{parameter, read};
use crate::kafka::table::{Side, Struct, Table};

/// The views of a message and of the structs in it.
pub(super) fn views(table: &Table, side: Side) -> String {
    let mut text = String::new();
    for one in table.reachable(side) {
        if table.is_plain(one) {
            text += &plain(table, one);
        } else {
            text += &borrowed(table, one);
        }
    }
    let message = table.message_name(side);
    text += &format!(
        "impl<'a> {message}View<'a> {{\n\
         /// Walks the whole message once, and allocates nothing.\n\
         pub fn parse(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {{\n\
         reader.admit::<{message}>(version)?;\nSelf::read(reader, version)\n}}\n}}\n\n"
    );
    text
}

/// A run of numbers is as cheap to own as to borrow.
fn plain(table: &Table, one: &Struct) -> String {
    format!(
        "impl View<'_> for {} {{\n\
         const BYTES_MIN: usize = {};\n\n\
         #[inline]\nfn read(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {{\n\
         Self::decode(reader, version)\n}}\n}}\n\n",
        one.name,
        table.bytes_min(one)
    )
}

fn borrowed(table: &Table, one: &Struct) -> String {
    let read = read::body(table, one, Form::View);
    format!(
        "/// A [`{name}`] that borrows from the frame.\n\
         #[derive(Clone, Copy, Debug)]\npub struct {name}View<'a> {{\n{fields}}}\n\n\
         impl<'a> View<'a> for {name}View<'a> {{\n\
         const BYTES_MIN: usize = {bytes_min};\n\n\
         #[inline]\nfn read(reader: &mut Reader<'a>, {version}: i16) -> Result<Self, DecodeError> {{\n{read}\n}}\n}}\n\n",
        name = one.name,
        fields = fields(table, one, Form::View),
        bytes_min = table.bytes_min(one),
        version = parameter(&read, "version"),
    )
}
