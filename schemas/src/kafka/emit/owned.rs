//! Structs that own their parts, and how they are read and written.

use super::parameter;
use super::read::{self, tags_lifetime};
use super::shape::{Form, Layouts, condition, default_expression, derives_default, field_type, path, set_condition};
use crate::kafka::table::{Field, Kind, Record, Side, Struct, Table, Type, Versions};

/// The struct, its default, and for one that is not a message itself, its reading and writing.
pub(super) fn definition(table: &Table, one: &Struct) -> String {
    let by_derive = one.fields.iter().all(derives_default);
    let mut derives = vec!["Clone", "Debug", "PartialEq", "Eq"];
    if table.is_plain(one) {
        derives.insert(1, "Copy");
    }
    if by_derive {
        derives.push("Default");
    }
    let mut text = doc(&one.about, "");
    text += &format!("#[derive({})]\npub struct {} {{\n", derives.join(", "), one.name);
    text += &fields(table, one, Form::Owned);
    text += "}\n\n";
    if !by_derive {
        text += &format!("impl Default for {} {{\nfn default() -> Self {{\nSelf {{ ", one.name);
        for field in &one.fields {
            text += &format!("{}: {}, ", field.name, default_expression(field, Form::Owned));
        }
        text += "}\n}\n}\n\n";
    }
    if table.side_of(&one.name).is_some() {
        return text;
    }
    let read = read::body(table, one, Form::Owned);
    let write = write_body(table, one);
    text += &format!(
        "impl {} {{\n\
         fn decode(reader: &mut Reader<'_>, {}: i16) -> Result<Self, DecodeError> {{\n{read}\n}}\n\n\
         fn encode(&self, {}: &mut Gather, {}: i16) -> Result<(), EncodeError> {{\n{write}Ok(())\n}}\n}}\n\n",
        one.name,
        parameter(&read, "version"),
        parameter(&write, "out"),
        parameter(&write, "version"),
    );
    text
}

/// The documented fields of a struct.
pub(super) fn fields(table: &Table, one: &Struct, form: Form) -> String {
    let lifetime = table.lifetime(&one.name);
    let mut text = String::new();
    for field in &one.fields {
        let live = field.versions.within(lifetime).expect("a field lives in some version");
        let versions = if live == lifetime { String::new() } else { format!("Versions {}.", field.versions) };
        text += &doc(&field.about, &versions);
        text += &format!("pub {}: {},\n", field.name, field_type(table, field, form));
    }
    text
}

/// A comment of up to two sentences: the table's words, and the versions.
fn doc(about: &str, versions: &str) -> String {
    let mut sentences = Vec::new();
    if let Some(first) = about.chars().next() {
        sentences.push(format!("{}{}.", first.to_ascii_uppercase(), &about[first.len_utf8()..]));
    }
    if !versions.is_empty() {
        sentences.push(versions.to_owned());
    }
    if sentences.is_empty() { String::new() } else { format!("/// {}\n", sentences.join(" ")) }
}

/// How a message is read and written as a whole.
pub(super) fn message(table: &Table, side: Side) -> String {
    match &table.kind {
        Kind::Api(_) => api_message(table, side),
        Kind::Record(record) => versioned(table, side) + &record_key(table, side, record),
        Kind::Data => versioned(table, side),
    }
}

/// A part of a record, or data with a version in front.
fn versioned(table: &Table, side: Side) -> String {
    let one = table.message(side);
    let read = read::body(table, one, Form::Owned);
    let write = write_body(table, one);
    let Versions { first, last } = table.versions(side);
    format!(
        "impl Versioned for {name} {{\n\
         const NAME: &'static str = \"{name}\";\n\
         const VERSIONS: VersionRange = VersionRange {{ min: {first}, max: {last} }};\n\n\
         fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {{\n\
         reader.admit_versioned::<Self>(version)?;\n{read}\n}}\n\n\
         fn encode(&self, {out}: &mut Gather, version: i16) -> Result<(), EncodeError> {{\n\
         admit_versioned::<Self>(version)?;\n{write}Ok(())\n}}\n}}\n\n",
        name = one.name,
        out = parameter(&write, "out"),
    )
}

fn record_key(table: &Table, side: Side, record: &Record) -> String {
    if side != Side::Key {
        return String::new();
    }
    let Versions { first, last } = record.types;
    format!(
        "impl RecordKey for {} {{\n\
         const TYPES: VersionRange = VersionRange {{ min: {first}, max: {last} }};\n\
         type Value = {};\n}}\n\n",
        table.message_name(Side::Key),
        table.message_name(Side::Value),
    )
}

/// A request or response as a message.
fn api_message(table: &Table, side: Side) -> String {
    let one = table.message(side);
    let read = read::body(table, one, Form::Owned);
    let write = write_body(table, one);
    let mut text = format!(
        "impl Message for {name} {{\n\
         const API: ApiKey = ApiKey::{api};\n\
         const NAME: &'static str = \"{name}\";\n\n\
         fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {{\n\
         reader.admit::<Self>(version)?;\n{read}\n}}\n\n\
         fn encode(&self, {out}: &mut Gather, version: i16) -> Result<(), EncodeError> {{\n\
         admit::<Self>(version)?;\n{write}Ok(())\n}}\n}}\n\n",
        name = one.name,
        api = table.name,
        out = parameter(&write, "out"),
    );
    if side == Side::Request {
        let response = table.message_name(Side::Response);
        text += &format!("impl Request for {} {{\ntype Response = {response};\n}}\n\n", one.name);
    }
    text
}

fn write_body(table: &Table, one: &Struct) -> String {
    let lifetime = table.lifetime(&one.name);
    let layouts = Layouts::of(table, one);
    let mut text = String::new();
    for field in one.fields.iter().filter(|field| field.tag.is_none()) {
        let live = field.versions.within(lifetime).expect("a field lives in some version");
        let put = write_field(one, field, layouts, live);
        match condition(field.versions, lifetime) {
            None => text += &put,
            Some(condition) => {
                text += &format!("if {condition} {{ {put} }}");
                if !field.ignorable {
                    text += &format!(" else if {} {{ {} }}", set_condition(field), not_in_version(one, field));
                }
                text += "\n";
            }
        }
    }
    text += &write_tags(table, one, layouts, lifetime);
    format!("{}{text}", layouts.prelude(&text))
}

fn not_in_version(owner: &Struct, field: &Field) -> String {
    format!("return Err(EncodeError::NotInVersion {{ field: {}, version }});", path(owner, field))
}

/// The statements that write a field in the versions `live`.
fn write_field(owner: &Struct, field: &Field, layouts: Layouts, live: Versions) -> String {
    let path = path(owner, field);
    let layout = layouts.expression();
    let Some(nullable) = field.nullable else {
        let by_value = field.kind.is_scalar();
        let place = if by_value { format!("self.{}", field.name) } else { format!("&self.{}", field.name) };
        return write_type(&field.kind, &place, &path, layout);
    };
    let (before, null) = match &field.kind {
        Type::String => ("", format!("write_null_string(out, {layout})")),
        // Kafka marks null in another way where the struct is tagged.
        Type::Struct(_) if field.tag.is_some() => ("out.put_uvarint(1);", "out.put_uvarint(0)".to_owned()),
        Type::Struct(_) => ("out.put_i8(1);", "out.put_i8(-1)".to_owned()),
        _ => ("", format!("write_null(out, {layout})")),
    };
    let put = write_type(&field.kind, "value", &path, layout);
    let arms = match condition(nullable, live) {
        None => format!("None => {null},"),
        Some(condition) => format!(
            "None if {condition} => {null},\n None => return Err(EncodeError::Null {{ field: {path}, version }}),"
        ),
    };
    format!("match &self.{} {{ Some(value) => {{ {before} {put} }} {arms} }}\n", field.name)
}

fn write_type(kind: &Type, place: &str, path: &str, layout: &str) -> String {
    let named = place.strip_prefix('&').unwrap_or(place);
    match kind {
        Type::Bool => format!("out.put_bool({place});\n"),
        Type::Int8 => format!("out.put_i8({place});\n"),
        Type::Int16 => format!("out.put_i16({place});\n"),
        Type::Int32 => format!("out.put_i32({place});\n"),
        Type::Int64 => format!("out.put_i64({place});\n"),
        Type::Uint16 => format!("out.put_u16({place});\n"),
        Type::Uuid => format!("out.put_u128({place});\n"),
        Type::String => format!("write_string(out, {path}, {place}, {layout})?;\n"),
        Type::Bytes => format!("write_len(out, {path}, {named}.len(), {layout})?;\nout.put_slice({place});\n"),
        Type::Records => format!("write_payload(out, {path}, {place}, {layout})?;\n"),
        Type::Struct(_) => format!("{named}.encode(out, version)?;\n"),
        Type::Array(item) => {
            let (pattern, item_place) = if item.is_scalar() { ("&item", "item") } else { ("item", "item") };
            let put = write_type(item, item_place, path, layout);
            format!("write_len(out, {path}, {named}.len(), {layout})?;\nfor {pattern} in {place} {{ {put} }}\n")
        }
    }
}

fn write_tags(table: &Table, one: &Struct, layouts: Layouts, lifetime: Versions) -> String {
    let mut tagged: Vec<&Field> = one.fields.iter().filter(|field| field.tag.is_some()).collect();
    tagged.sort_by_key(|field| field.tag);
    if layouts == Layouts::Classic {
        return String::new();
    }
    if tagged.is_empty() {
        return match layouts {
            Layouts::Both => "if layout == Layout::Flexible { out.put_uvarint(0); }\n".to_owned(),
            _ => "out.put_uvarint(0);\n".to_owned(),
        };
    }
    // A field at its default is not written: some clients read past it wrongly, and Kafka leaves it out as well.
    let (mut set, mut puts, mut refusals) = (String::new(), String::new(), String::new());
    for field in &tagged {
        let name = &field.name;
        let live = tags_lifetime(table, lifetime);
        let present = condition(field.versions, live).map_or_else(String::new, |condition| format!("{condition} && "));
        set += &format!("let has_{name} = {present}{};\n", set_condition(field));
        let put = write_field(one, field, layouts, field.versions.within(live).expect("tagged fields are flexible"));
        let tag = field.tag.expect("only tagged fields are here");
        puts += &format!("if has_{name} {{ out.put_uvarint({tag}); out.put_sized(|out| {{ {put} Ok(()) }})?; }}\n");
        // A field that came with some version stays; the table's check holds that of tagged ones.
        let first = field.versions.first;
        if !field.ignorable && first > lifetime.first {
            let set = set_condition(field);
            refusals += &format!("if version < {first} && {set} {{ {} }}\n", not_in_version(one, field));
        }
    }
    let count: Vec<String> = tagged.iter().map(|field| format!("u32::from(has_{})", field.name)).collect();
    let all = format!("{set} out.put_uvarint({});\n {puts}", count.join(" + "));
    match layouts {
        Layouts::Both => format!("{refusals} if layout == Layout::Flexible {{ {all} }}\n"),
        _ => format!("{refusals} {all}"),
    }
}
