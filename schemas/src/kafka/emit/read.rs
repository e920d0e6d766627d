//! The code that reads a struct: the same for both forms, but for the reader's functions that it calls.

use super::shape::{Form, Layouts, condition, default_expression, path};
use crate::kafka::table::{Field, Struct, Table, Type, Versions};

/// The statements that read every field and end with `Ok(Self { … })`.
pub(super) fn body(table: &Table, one: &Struct, form: Form) -> String {
    let lifetime = table.lifetime(&one.name);
    let layouts = Layouts::of(table, one);
    let mut text = String::new();
    for field in one.fields.iter().filter(|field| field.tag.is_none()) {
        let default = default_expression(field, form);
        let value = read_field(table, one, field, form, lifetime);
        let value = match condition(field.versions, lifetime) {
            None => value,
            Some(condition) => format!("if {condition} {{ {value} }} else {{ {default} }}"),
        };
        text += &format!("let {} = {value};\n", field.name);
    }
    text += &read_tags(table, one, form, lifetime, layouts);
    let names: Vec<&str> = one.fields.iter().map(|field| field.name.as_str()).collect();
    text += &format!("Ok(Self {{ {} }})", names.join(", "));
    format!("{}{text}", layouts.prelude(&text))
}

/// The expression that reads a field in a version that has it.
fn read_field(table: &Table, owner: &Struct, field: &Field, form: Form, lifetime: Versions) -> String {
    let live = field.versions.within(lifetime).expect("a field lives in some version");
    let layout = Layouts::of(table, owner).expression();
    let path = path(owner, field);
    if let (Type::Struct(name), Some(_), Some(_)) = (&field.kind, field.nullable, field.tag) {
        return format!("reader.nullable_tagged_struct({path}, |reader| {})?", read_struct(table, name, form));
    }
    let read = |nullable| read_type(table, &field.kind, form, nullable, layout, &path, live);
    let Some(nullable) = field.nullable else {
        return format!("{}?", read(false));
    };
    match condition(nullable, live) {
        None => format!("{}?", read(true)),
        Some(condition) => format!("if {condition} {{ {}? }} else {{ Some({}?) }}", read(true), read(false)),
    }
}

fn read_type(
    table: &Table,
    kind: &Type,
    form: Form,
    nullable: bool,
    layout: &str,
    path: &str,
    live: Versions,
) -> String {
    let prefix = if nullable { "nullable_" } else { "" };
    match (kind, form) {
        (Type::Bool, _) => format!("reader.bool({path})"),
        (Type::Int8, _) => format!("reader.i8({path})"),
        (Type::Int16, _) => format!("reader.i16({path})"),
        (Type::Int32, _) => format!("reader.i32({path})"),
        (Type::Int64, _) => format!("reader.i64({path})"),
        (Type::Uint16, _) => format!("reader.u16({path})"),
        (Type::Uuid, _) => format!("reader.uuid({path})"),
        (Type::String, Form::Owned) => format!("reader.{prefix}string({path}, {layout})"),
        (Type::String, Form::View) => format!("reader.{prefix}str({path}, {layout})"),
        (Type::Bytes | Type::Records, _) => {
            let read = if form == Form::View { "nullable_slice" } else { "nullable_bytes" };
            let required = format!(".and_then(|bytes| reader.required({path}, bytes))");
            let into_type = match (kind, form) {
                (Type::Records, Form::Owned) if nullable => ".map(|bytes| bytes.map(Payload::from))",
                (Type::Records, Form::Owned) => ".map(Payload::from)",
                _ => "",
            };
            format!("reader.{read}({path}, {layout}){}{into_type}", if nullable { "" } else { &required })
        }
        (Type::Struct(name), _) => {
            let read = read_struct(table, name, form);
            if nullable { format!("reader.nullable_struct({path}, |reader| {read})") } else { read }
        }
        (Type::Array(item), Form::Owned) => {
            let item_bytes = item_bytes_min(table, item, live);
            let read = read_type(table, item, form, false, layout, path, live);
            format!("reader.{prefix}array({path}, {layout}, {item_bytes}, |reader| {read})")
        }
        (Type::Array(_), Form::View) => format!("reader.{prefix}array_view({path}, {layout}, version)"),
    }
}

fn read_struct(table: &Table, name: &str, form: Form) -> String {
    match form {
        Form::View if !table.is_plain(table.find(name)) => format!("{name}View::read(reader, version)"),
        _ => format!("{name}::decode(reader, version)"),
    }
}

/// The fewest bytes of an array's item in any version of the array.
fn item_bytes_min(table: &Table, item: &Type, live: Versions) -> usize {
    live.iter().map(|version| table.type_bytes(item, false, version)).min().expect("at least one version")
}

fn read_tags(table: &Table, one: &Struct, form: Form, lifetime: Versions, layouts: Layouts) -> String {
    let tagged: Vec<&Field> = one.fields.iter().filter(|field| field.tag.is_some()).collect();
    let read = if tagged.is_empty() {
        format!("reader.skip_tags(\"{}\")?;\n", one.name)
    } else {
        let mut arms = String::new();
        for field in &tagged {
            let guard = condition(field.versions, tags_lifetime(table, lifetime)).map(|c| format!(" if {c}"));
            let value = read_field(table, one, field, form, tags_lifetime(table, lifetime));
            let tag = field.tag.expect("only tagged fields are here");
            arms += &format!("{tag}{} => {} = {value},\n", guard.unwrap_or_default(), field.name);
        }
        format!(
            "reader.tags(\"{}\", |reader, tag| {{ match tag {{ {arms} _ => return Ok(Tag::Unknown), }} \
             Ok(Tag::Known) }})?;\n",
            one.name
        )
    };
    let mut text = String::new();
    for field in &tagged {
        text += &format!("let mut {} = {};\n", field.name, default_expression(field, form));
    }
    match layouts {
        Layouts::Classic => {}
        Layouts::Flexible => text += &read,
        Layouts::Both => text += &format!("if layout == Layout::Flexible {{ {read} }}\n"),
    }
    text
}

/// The part of a lifetime in which there are tags.
pub(super) fn tags_lifetime(table: &Table, lifetime: Versions) -> Versions {
    let first = table.flexible.expect("a table with tags has flexible versions");
    lifetime.within(Versions::from(first)).expect("a struct with tags lives in a flexible version")
}
