//! What the tests of the codec need for every message: an arbitrary value, and the same value as another
//! implementation's type.

use super::shape::{Form, condition, default_expression};
use super::{generated_from, parameter, uses};
use crate::kafka::table::{Field, RECORDS, Side, Struct, Table, Type};

/// The fixtures of one table.
pub(in crate::kafka) fn fixtures(table: &Table) -> String {
    let mut body = String::new();
    for one in &table.structs {
        body += &sample(table, one);
    }
    let mut text = format!("//! Values of {} for the tests.\n//!\n{}", table.name, generated_from(&table.file()));
    let names: Vec<&str> = table.structs.iter().map(|one| one.name.as_str()).collect();
    if table.api().is_none() {
        text += "use base::SeededRandom;\n";
        text += &format!("use wire::kafka::{RECORDS}::{}::{{{}}};\n\n", table.module, names.join(", "));
        let drawn = if uses(&body, "draw") { "{Sample, draw}" } else { "Sample" };
        return format!("{text}use crate::fixture::{drawn};\n\n{body}");
    }
    for side in Side::BOTH {
        let module = side.word().to_lowercase();
        let message = table.message_name(side);
        body += &format!(
            "impl Fixture for {message} {{\ntype Theirs = theirs::{message};\n\n\
             fn to_theirs(&self) -> Self::Theirs {{\n{module}::{}(self)\n}}\n}}\n\n",
            snake(&message)
        );
    }
    for side in Side::BOTH {
        body += &conversions(table, side);
    }
    text += "use base::SeededRandom;\nuse kafka_protocol::messages as theirs;\n";
    text += &format!("use wire::kafka::{}::{{{}}};\n\n", table.module, names.join(", "));
    text += "use crate::fixture::{Fixture, Sample, draw};\n\n";
    text + &body
}

/// Visits every record's key and value, and the data.
pub(in crate::kafka) fn record_fixtures_index(tables: &[Table]) -> String {
    let mut text = String::from("//! Every key, value and kind of data, for tests that hold for all of them.\n//!\n");
    text += &generated_from(&format!("{RECORDS}/*"));
    for table in tables {
        text += &format!("mod {};\n", table.module);
    }
    text += "\nuse super::Visitor;\n\npub(crate) fn each_part(visitor: &mut impl Visitor) {\n";
    for table in tables {
        for &side in table.sides() {
            let name = table.message_name(side);
            text += &format!("visitor.visit::<wire::kafka::{RECORDS}::{}::{name}>();\n", table.module);
        }
    }
    text + "}\n"
}

/// Visits every message.
pub(in crate::kafka) fn fixtures_index(tables: &[Table]) -> String {
    let mut text = String::from("//! Every message of the codec, for tests that hold for all of them.\n//!\n");
    text += &generated_from("*");
    for table in tables {
        text += &format!("mod {};\n", table.module);
    }
    text += "\nuse crate::fixture::Visitor;\n\npub(crate) fn each_message(visitor: &mut impl Visitor) {\n";
    for table in tables {
        for side in Side::BOTH {
            text += &format!("visitor.visit::<wire::kafka::{}::{}>();\n", table.module, table.message_name(side));
        }
    }
    text + "}\n"
}

fn sample(table: &Table, one: &Struct) -> String {
    let lifetime = table.lifetime(&one.name);
    let mut fields = String::new();
    for field in &one.fields {
        let live = field.versions.within(lifetime).expect("a field lives in some version");
        let drawn = draw_type(&field.kind);
        let value = match field.nullable {
            None => drawn,
            Some(nullable) => match condition(nullable, live) {
                None => format!("draw::nullable(random, {})", draw_function(&field.kind)),
                Some(condition) => {
                    let nullable = format!("draw::nullable(random, {})", draw_function(&field.kind));
                    format!("if {condition} {{ {nullable} }} else {{ Some({drawn}) }}")
                }
            },
        };
        let default = default_expression(field, Form::Owned);
        let value = match (condition(field.versions, lifetime), field.tag) {
            (None, None) => value,
            (None, Some(_)) => format!("if random.percent(60) {{ {value} }} else {{ {default} }}"),
            (Some(condition), None) => format!("if {condition} {{ {value} }} else {{ {default} }}"),
            (Some(condition), Some(_)) => {
                format!("if {condition} && random.percent(60) {{ {value} }} else {{ {default} }}")
            }
        };
        fields += &format!("{}: {value}, ", field.name);
    }
    format!(
        "impl Sample for {} {{\nfn sample({}: &mut SeededRandom, {}: i16) -> Self {{\nSelf {{ {fields} }}\n}}\n}}\n\n",
        one.name,
        parameter(&fields, "random"),
        parameter(&fields, "version"),
    )
}

fn draw_type(kind: &Type) -> String {
    match kind {
        Type::Bool => "draw::bool(random)".to_owned(),
        Type::Int8 => "draw::i8(random)".to_owned(),
        Type::Int16 => "draw::i16(random)".to_owned(),
        Type::Int32 => "draw::i32(random)".to_owned(),
        Type::Int64 => "draw::i64(random)".to_owned(),
        Type::Uint16 => "draw::u16(random)".to_owned(),
        Type::Uuid => "draw::u128(random)".to_owned(),
        Type::String => "draw::string(random)".to_owned(),
        Type::Bytes => "draw::payload(random).to_bytes()".to_owned(),
        Type::Records => "draw::payload(random)".to_owned(),
        Type::Struct(name) => format!("{name}::sample(random, version)"),
        Type::Array(item) => format!("draw::array(random, {})", draw_function(item)),
    }
}

/// A function that draws a value: named where it can be.
fn draw_function(kind: &Type) -> String {
    let call = draw_type(kind);
    match call.strip_suffix("(random)") {
        Some(name) => name.to_owned(),
        None => format!("|random| {call}"),
    }
}

/// Fields that the other implementation's version of Kafka does not have yet, by struct. It knows no version that has
/// them either, so that they are never compared with their default.
const UNKNOWN_TO_THEM: [(&str, &str); 1] = [("DescribeLogDirsResult", "is_cordoned")];

/// A function for each struct of a message, in a module of the side: the other implementation has the shared
/// structs twice.
fn conversions(table: &Table, side: Side) -> String {
    let mut body = String::new();
    for one in table.reachable(side) {
        let mut fields = String::new();
        for field in one.fields.iter().filter(|field| !UNKNOWN_TO_THEM.contains(&(&one.name, &field.name))) {
            fields += &format!("their.{} = {};\n", field.name, convert_field(field));
        }
        let their = format!(
            "theirs::{}_{}::{}",
            snake(&table.name),
            side.word().to_lowercase(),
            one.called.as_ref().unwrap_or(&one.name)
        );
        let mutable = if one.fields.is_empty() { "" } else { "mut " };
        body += &format!(
            "pub(super) fn {}({}: &{}) -> {their} {{\nlet {mutable}their = {their}::default();\n{fields}their\n}}\n\n",
            snake(&one.name),
            parameter(&fields, "ours"),
            one.name,
        );
    }
    let structs: Vec<&str> = table.reachable(side).iter().map(|one| one.name.as_str()).collect();
    let convert = if uses(&body, "convert") { "use crate::fixture::convert;\n" } else { "" };
    format!(
        "mod {} {{\nuse kafka_protocol::messages as theirs;\n{convert}use super::{{{}}};\n\n{body}}}\n\n",
        side.word().to_lowercase(),
        structs.join(", ")
    )
}

fn convert_field(field: &Field) -> String {
    let place = format!("ours.{}", field.name);
    match (&field.kind, field.nullable) {
        (Type::Records, None) => format!("Some(convert::payload(&{place}))"),
        (Type::Struct(name), Some(_)) => format!("{place}.as_ref().map({})", snake(name)),
        (Type::Records, Some(_)) => format!("{place}.as_ref().map(convert::payload)"),
        (kind, Some(_)) => format!("{place}.as_ref().map(|value| {})", convert_type(kind, "value")),
        (kind, None) if kind.is_scalar() => convert_type(kind, &place),
        (kind, None) => convert_type(kind, &format!("&{place}")),
    }
}

fn convert_type(kind: &Type, place: &str) -> String {
    match kind {
        Type::Uuid => format!("convert::uuid({place})"),
        Type::String => format!("convert::string({place})"),
        Type::Bytes => format!("{}.clone()", place.trim_start_matches('&')),
        Type::Records => format!("convert::payload({place})"),
        Type::Struct(name) => format!("{}({place})", snake(name)),
        Type::Array(item) if matches!(**item, Type::Struct(_)) => {
            let convert = snake(item.struct_name().expect("an array of structs"));
            format!("{}.iter().map({convert}).collect()", place.trim_start_matches('&'))
        }
        Type::Array(item) => {
            let pattern = if item.is_scalar() { "&item" } else { "item" };
            let named = place.trim_start_matches('&');
            format!("{named}.iter().map(|{pattern}| {}).collect()", convert_type(item, "item"))
        }
        _ => format!("convert::number({place})"),
    }
}

/// `OffsetForLeaderEpoch` as `offset_for_leader_epoch`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (index, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
