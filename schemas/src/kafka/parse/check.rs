//! What a table must hold beyond its grammar. Each rule keeps the generator from making code that is wrong.

use super::Wrong;
use crate::kafka::table::{DefaultValue, Field, Kind, Side, Struct, Table, Type, Versions};

/// Names that generated functions use for themselves, and words of Rust that a message might want.
const RESERVED: [&str; 10] = ["reader", "version", "layout", "out", "tag", "type", "match", "self", "ref", "move"];

/// Librdkafka needs to see Produce 0 advertised (KAFKA-18659); no other API claims what it refuses.
const PRODUCE: i16 = 0;

pub(super) fn check(table: &Table) -> Result<(), Wrong> {
    if let Some(api) = table.api() {
        let (claimed, handled) = (api.advertised, table.handled);
        if claimed.last > handled.last || (claimed.first < handled.first && api.key != PRODUCE) {
            return Err((1, format!("versions {claimed} are advertised, only {handled} are handled")));
        }
    }
    if table.about.is_empty() && matches!(table.kind, Kind::Record(_)) {
        return Err((1, "a record says what it means".to_owned()));
    }
    // From the outside in: once every field of the users is known to live, so is what they use.
    for one in table.structs.iter().rev() {
        let mut fields = table.structs.iter().flat_map(|user| &user.fields);
        let used = fields.any(|field| field.kind.struct_name() == Some(one.name.as_str()));
        if !used && table.side_of(&one.name).is_none() {
            return Err((one.line, format!("struct `{}` is not used", one.name)));
        }
        for field in &one.fields {
            if table.side_of(&one.name) == Some(Side::Key) && field.kind.is_long() {
                return Err((field.line, format!("`{}`: a key is made of numbers and text", field.name)));
            }
            check_field(table, one, field).map_err(|what| (field.line, format!("`{}`: {what}", field.name)))?;
        }
    }
    for side in Side::BOTH.into_iter().filter(|&side| table.has_view(side)) {
        let fields = table.reachable(side).into_iter().flat_map(|one| &one.fields);
        for field in fields {
            if matches!(&field.kind, Type::Array(item) if !item.is_scalar() && item.struct_name().is_none()) {
                return Err((field.line, format!("`{}`: views have no arrays of strings or bytes", field.name)));
            }
        }
    }
    Ok(())
}

fn check_field(table: &Table, owner: &Struct, field: &Field) -> Result<(), String> {
    let snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !field.name.chars().all(snake) || !field.name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err("a name is lower case with underscores".to_owned());
    }
    if RESERVED.contains(&field.name.as_str()) {
        return Err("the name is reserved".to_owned());
    }
    if owner.fields.iter().filter(|other| other.name == field.name).count() > 1 {
        return Err(format!("stands twice in `{}`", owner.name));
    }
    let lifetime = table.lifetime(&owner.name);
    let Some(versions) = field.versions.within(lifetime) else {
        return Err(format!("lives in versions {}, `{}` in {lifetime}", field.versions, owner.name));
    };
    if let Type::Array(item) = &field.kind
        && versions.iter().any(|version| table.type_bytes(item, false, version) == 0)
    {
        return Err("an array of items that may take no bytes, so that no count of them is too large".to_owned());
    }
    check_null(field, versions)?;
    check_default(field)?;
    check_tag(table, owner, field, versions)
}

fn check_null(field: &Field, versions: Versions) -> Result<(), String> {
    let Some(nullable) = field.nullable else {
        return if field.default == DefaultValue::Null { Err("is never null".to_owned()) } else { Ok(()) };
    };
    if field.kind.is_scalar() {
        return Err("a number cannot be null".to_owned());
    }
    if nullable.within(versions).is_none() {
        return Err(format!("is nullable in {nullable} and lives in {versions}"));
    }
    let always = nullable.first <= versions.first && versions.last <= nullable.last;
    if field.default == DefaultValue::Null && field.kind != Type::Records && !always {
        return Err("is null by default and cannot be null in each of its versions".to_owned());
    }
    Ok(())
}

fn check_default(field: &Field) -> Result<(), String> {
    let fits = match (&field.default, &field.kind) {
        (DefaultValue::Empty | DefaultValue::Null, _) | (DefaultValue::True, Type::Bool) => true,
        (DefaultValue::Number(number), Type::Int8) => i8::try_from(*number).is_ok(),
        (DefaultValue::Number(number), Type::Int16) => i16::try_from(*number).is_ok(),
        (DefaultValue::Number(number), Type::Int32) => i32::try_from(*number).is_ok(),
        (DefaultValue::Number(_), Type::Int64) => true,
        (DefaultValue::Number(number), Type::Uint16) => u16::try_from(*number).is_ok(),
        _ => false,
    };
    if fits { Ok(()) } else { Err("the default is not a value of the type".to_owned()) }
}

fn check_tag(table: &Table, owner: &Struct, field: &Field, versions: Versions) -> Result<(), String> {
    let Some(tag) = field.tag else { return Ok(()) };
    if table.flexible_of(owner).is_none_or(|first| versions.first < first) {
        return Err("is tagged in a version that has no tags".to_owned());
    }
    if versions.last < table.lifetime(&owner.name).last {
        return Err("is tagged and ends before its struct does".to_owned());
    }
    if owner.fields.iter().filter(|other| other.tag == Some(tag)).count() > 1 {
        return Err(format!("tag {tag} is taken"));
    }
    // The size of a tagged field stands before it; the writer moves the bytes up to make room, and records never move.
    if field.kind == Type::Records {
        return Err("records cannot be tagged".to_owned());
    }
    if field.kind.struct_name().is_some_and(|name| holds_records(table, name)) {
        return Err("records cannot be inside of a tagged field".to_owned());
    }
    Ok(())
}

fn holds_records(table: &Table, name: &str) -> bool {
    table.find(name).fields.iter().any(|field| {
        field.kind == Type::Records || field.kind.struct_name().is_some_and(|inner| holds_records(table, inner))
    })
}
