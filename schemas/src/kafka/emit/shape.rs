//! The Rust types, defaults and conditions that a field of a table turns into.

use crate::kafka::table::{DefaultValue, Field, Struct, Table, Type, Versions};

/// Whether the parts of a struct belong to it or are borrowed from the frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Owned,
    View,
}

pub(super) fn field_type(table: &Table, field: &Field, form: Form) -> String {
    let plain = type_name(table, &field.kind, form);
    if field.nullable.is_some() { format!("Option<{plain}>") } else { plain }
}

pub(super) fn type_name(table: &Table, kind: &Type, form: Form) -> String {
    match (kind, form) {
        (Type::Bool, _) => "bool".to_owned(),
        (Type::Int8, _) => "i8".to_owned(),
        (Type::Int16, _) => "i16".to_owned(),
        (Type::Int32, _) => "i32".to_owned(),
        (Type::Int64, _) => "i64".to_owned(),
        (Type::Uint16, _) => "u16".to_owned(),
        (Type::Uuid, _) => "u128".to_owned(),
        (Type::String, Form::Owned) => "String".to_owned(),
        (Type::String, Form::View) => "&'a str".to_owned(),
        (Type::Bytes, Form::Owned) => "Bytes".to_owned(),
        (Type::Records, Form::Owned) => "Payload".to_owned(),
        (Type::Bytes | Type::Records, Form::View) => "&'a [u8]".to_owned(),
        (Type::Struct(name), Form::View) if !table.is_plain(table.find(name)) => format!("{name}View<'a>"),
        (Type::Struct(name), _) => name.clone(),
        (Type::Array(item), Form::Owned) => format!("Vec<{}>", type_name(table, item, form)),
        (Type::Array(item), Form::View) => format!("ArrayView<'a, {}>", type_name(table, item, form)),
    }
}

/// The expression for a field's default.
pub(super) fn default_expression(field: &Field, form: Form) -> String {
    let of_struct;
    let empty = match (&field.kind, form) {
        (Type::Bool, _) => "false",
        (Type::String, Form::Owned) => "String::new()",
        (Type::String, Form::View) => "\"\"",
        (Type::Bytes, Form::Owned) => "Bytes::new()",
        (Type::Records, Form::Owned) => "Payload::default()",
        (Type::Bytes | Type::Records, Form::View) => "&[]",
        (Type::Array(_), Form::Owned) => "Vec::new()",
        (Type::Array(_), Form::View) => "ArrayView::empty()",
        (Type::Struct(name), _) => {
            of_struct = format!("{name}::default()");
            &of_struct
        }
        _ => "0",
    };
    match &field.default {
        DefaultValue::Null => "None".to_owned(),
        DefaultValue::Empty if field.nullable.is_some() => format!("Some({empty})"),
        DefaultValue::Empty => empty.to_owned(),
        DefaultValue::True => "true".to_owned(),
        DefaultValue::Number(number) => literal(*number),
    }
}

fn literal(number: i64) -> String {
    let named = [
        (i64::from(i32::MIN), "i32::MIN"),
        (i64::from(i32::MAX), "i32::MAX"),
        (i64::MIN, "i64::MIN"),
        (i64::MAX, "i64::MAX"),
    ];
    let name = named.iter().find(|(value, _)| *value == number);
    name.map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned())
}

/// True when `#[derive(Default)]` gives the field the default of the table.
pub(super) fn derives_default(field: &Field) -> bool {
    match field.default {
        DefaultValue::Null => true,
        DefaultValue::Empty => field.nullable.is_none(),
        DefaultValue::True | DefaultValue::Number(_) => false,
    }
}

/// A condition that holds when the field of `self` differs from its default.
pub(super) fn set_condition(field: &Field) -> String {
    let name = &field.name;
    match (&field.default, &field.kind) {
        (DefaultValue::Null, _) => format!("self.{name}.is_some()"),
        (DefaultValue::Empty, Type::Struct(_)) if field.nullable.is_some() => {
            format!("self.{name}.as_ref() != Some(&{})", default_expression(&not_null(field), Form::Owned))
        }
        (DefaultValue::Empty, _) if field.nullable.is_some() => {
            format!("self.{name}.as_ref().is_none_or(|value| !value.is_empty())")
        }
        (DefaultValue::Empty, Type::Bool) => format!("self.{name}"),
        (DefaultValue::Empty, Type::String | Type::Bytes | Type::Records | Type::Array(_)) => {
            format!("!self.{name}.is_empty()")
        }
        (DefaultValue::True, _) => format!("!self.{name}"),
        _ => format!("self.{name} != {}", default_expression(field, Form::Owned)),
    }
}

fn not_null(field: &Field) -> Field {
    Field { nullable: None, ..field.clone() }
}

/// The condition for being in `versions`, for code that runs only within `lifetime`; nothing where it always holds.
pub(super) fn condition(versions: Versions, lifetime: Versions) -> Option<String> {
    let from_start = versions.first <= lifetime.first;
    let to_end = versions.last >= lifetime.last;
    match (from_start, to_end) {
        (true, true) => None,
        (false, true) => Some(format!("version >= {}", versions.first)),
        (true, false) => Some(format!("version <= {}", versions.last)),
        (false, false) if versions.first == versions.last => Some(format!("version == {}", versions.first)),
        (false, false) => Some(format!("({}..={}).contains(&version)", versions.first, versions.last)),
    }
}

/// Which layouts a struct meets in its lifetime.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layouts {
    Classic,
    Flexible,
    Both,
}

impl Layouts {
    pub(super) fn of(table: &Table, one: &Struct) -> Self {
        let lifetime = table.lifetime(&one.name);
        match table.flexible_of(one) {
            Some(first) if first <= lifetime.first => Layouts::Flexible,
            Some(first) if first <= lifetime.last => Layouts::Both,
            _ => Layouts::Classic,
        }
    }

    /// The layout as an expression.
    pub(super) fn expression(self) -> &'static str {
        match self {
            Layouts::Classic => "Layout::Classic",
            Layouts::Flexible => "Layout::Flexible",
            Layouts::Both => "layout",
        }
    }

    /// The statement that a body needs which names `layout`.
    pub(super) fn prelude(self, body: &str) -> &'static str {
        if self == Layouts::Both && super::uses(body, "layout") { "let layout = layout(version);\n" } else { "" }
    }
}

/// How errors name a field.
pub(super) fn path(owner: &Struct, field: &Field) -> String {
    format!("\"{}.{}\"", owner.name, field.name)
}
