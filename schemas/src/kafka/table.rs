//! The tables in memory: APIs, structs, fields, and the versions in which each exists.

use std::fmt;

/// Versions from `first` to `last`, both inclusive; open above when `last` is the largest number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    pub first: i16,
    pub last: i16,
}

impl Versions {
    pub fn new(first: i16, last: i16) -> Self {
        Self { first, last }
    }

    pub fn from(first: i16) -> Self {
        Self { first, last: i16::MAX }
    }

    pub fn contains(self, version: i16) -> bool {
        self.first <= version && version <= self.last
    }

    /// The versions in both, or nothing.
    pub fn within(self, other: Versions) -> Option<Versions> {
        let both = Self { first: self.first.max(other.first), last: self.last.min(other.last) };
        (both.first <= both.last).then_some(both)
    }

    /// The smallest run of versions that holds both.
    pub fn around(self, other: Versions) -> Versions {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    pub fn iter(self) -> impl Iterator<Item = i16> {
        self.first..=self.last
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (first, i16::MAX) => write!(f, "{first}+"),
            (first, last) if first == last => write!(f, "{first}"),
            (first, last) => write!(f, "{first}-{last}"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint16,
    Uuid,
    String,
    Bytes,
    Records,
    /// The name of one of the table's structs.
    Struct(String),
    Array(Box<Type>),
}

impl Type {
    /// Has no length of its own and borrows nothing.
    pub fn is_scalar(&self) -> bool {
        matches!(self, Type::Bool | Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 | Type::Uint16 | Type::Uuid)
    }

    /// Has a length of its own and is no text.
    pub fn is_long(&self) -> bool {
        !self.is_scalar() && *self != Type::String
    }

    /// The struct that this type is, or is an array of.
    pub fn struct_name(&self) -> Option<&str> {
        match self {
            Type::Struct(name) => Some(name),
            Type::Array(item) => item.struct_name(),
            _ => None,
        }
    }
}

/// The value that a field has before anyone sets it, and at versions that lack it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// Zero, false, the empty string, array or struct.
    Empty,
    Null,
    True,
    Number(i64),
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub kind: Type,
    pub versions: Versions,
    pub nullable: Option<Versions>,
    pub tag: Option<u32>,
    pub default: DefaultValue,
    pub ignorable: bool,
    /// Kafka's name for the struct, or for a field that is none, where ours must differ.
    pub called: Option<String>,
    pub about: String,
    pub line: usize,
}

#[derive(Clone, Debug)]
pub struct Struct {
    pub name: String,
    /// Kafka's name for it, where ours must differ.
    pub called: Option<String>,
    pub about: String,
    pub fields: Vec<Field>,
    pub line: usize,
}

/// The folder below `schemas/kafka` with the tables that are about no API.
pub const RECORDS: &str = "group_records";

/// What a table is about: an API, a record of a log, or data inside of other messages.
#[derive(Clone, Debug)]
pub enum Kind {
    Api(Api),
    Record(Record),
    /// Data with its version in front.
    Data,
}

/// What is particular to an API.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    pub key: i16,
    pub served: bool,
    pub advertised: Versions,
    pub request_view: bool,
    pub response_view: bool,
}

/// What is particular to a record. Its key has the record's type in front, its value a version.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// The numbers that keys of this record begin with; the last one is what is written.
    pub types: Versions,
}

/// One table: one or two messages, and the structs that they use.
#[derive(Clone, Debug)]
pub struct Table {
    /// The table's file, without folder or ending; also the name of the generated module.
    pub module: String,
    pub name: String,
    pub about: String,
    pub kind: Kind,
    /// The versions that decode and encode; of a record, those of its value.
    pub handled: Versions,
    /// First version with compact lengths and tagged fields.
    pub flexible: Option<i16>,
    /// Every struct before those that use it; the messages last.
    pub structs: Vec<Struct>,
}

/// The messages of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Request,
    Response,
    Key,
    Value,
    Data,
}

impl Side {
    pub const BOTH: [Side; 2] = [Side::Request, Side::Response];

    pub fn word(self) -> &'static str {
        match self {
            Side::Request => "Request",
            Side::Response => "Response",
            Side::Key => "Key",
            Side::Value => "Value",
            Side::Data => "",
        }
    }

    /// How the table says that the message's fields follow.
    pub fn section(self) -> &'static str {
        match self {
            Side::Request => "request",
            Side::Response => "response",
            Side::Key => "key",
            Side::Value => "value",
            Side::Data => "data",
        }
    }
}

impl Kind {
    pub fn sides(&self) -> &'static [Side] {
        match self {
            Kind::Api(_) => &Side::BOTH,
            Kind::Record(_) => &[Side::Key, Side::Value],
            Kind::Data => &[Side::Data],
        }
    }
}

impl Table {
    pub fn message_name(&self, side: Side) -> String {
        format!("{}{}", self.name, side.word())
    }

    pub fn message(&self, side: Side) -> &Struct {
        self.find(&self.message_name(side))
    }

    /// The table's path below `schemas/kafka`, without the ending.
    pub fn file(&self) -> String {
        match &self.kind {
            Kind::Api(_) => self.module.clone(),
            Kind::Record(_) | Kind::Data => format!("{RECORDS}/{}", self.module),
        }
    }

    pub fn sides(&self) -> &'static [Side] {
        self.kind.sides()
    }

    /// Which message a struct is, if it is no part of one.
    pub fn side_of(&self, one: &str) -> Option<Side> {
        self.sides().iter().copied().find(|&side| self.message_name(side) == one)
    }

    pub fn api(&self) -> Option<&Api> {
        match &self.kind {
            Kind::Api(api) => Some(api),
            Kind::Record(_) | Kind::Data => None,
        }
    }

    pub fn has_view(&self, side: Side) -> bool {
        let Some(api) = self.api() else { return false };
        (side == Side::Request && api.request_view) || (side == Side::Response && api.response_view)
    }

    /// The versions of a message. A record's key has one: another layout is another type of record.
    pub fn versions(&self, side: Side) -> Versions {
        if side == Side::Key { Versions::new(0, 0) } else { self.handled }
    }

    /// From which version on a struct has tagged fields. A record's key never has.
    pub fn flexible_of(&self, one: &Struct) -> Option<i16> {
        if self.side_of(&one.name) == Some(Side::Key) { None } else { self.flexible }
    }

    /// The struct of that name.
    pub fn find(&self, name: &str) -> &Struct {
        self.structs.iter().find(|one| one.name == name).expect("the parser admits no unknown struct")
    }

    /// The structs that a message is made of, each after those that it uses, the message itself last.
    pub fn reachable(&self, side: Side) -> Vec<&Struct> {
        let message = self.message_name(side);
        let mut wanted = vec![message.as_str()];
        let mut at = 0;
        while let Some(name) = wanted.get(at).copied() {
            let inner = self.find(name).fields.iter().filter_map(|field| field.kind.struct_name());
            wanted.extend(inner);
            at += 1;
        }
        self.structs.iter().filter(|one| wanted.contains(&one.name.as_str())).collect()
    }

    /// The handled versions in which a struct can stand on the wire.
    pub fn lifetime(&self, name: &str) -> Versions {
        if let Some(side) = self.side_of(name) {
            return self.versions(side);
        }
        let uses = self.structs.iter().flat_map(|user| {
            let named = user.fields.iter().filter(|field| field.kind.struct_name() == Some(name));
            named.filter_map(|field| field.versions.within(self.lifetime(&user.name)))
        });
        uses.reduce(Versions::around).expect("the parser admits no struct without a use")
    }

    /// True for a struct that is a plain run of numbers, in the versions handled.
    pub fn is_plain(&self, one: &Struct) -> bool {
        one.fields.iter().all(|field| field.nullable.is_none() && field.kind.is_scalar())
    }

    /// The fewest bytes that a struct takes in any version handled.
    pub fn bytes_min(&self, one: &Struct) -> usize {
        let sizes = self.lifetime(&one.name).iter().map(|version| self.struct_bytes(one, version));
        sizes.min().expect("a struct lives in at least one version")
    }

    /// The fewest bytes that a value of this type takes at a version.
    pub fn type_bytes(&self, kind: &Type, nullable: bool, version: i16) -> usize {
        let flexible = self.flexible.is_some_and(|first| version >= first);
        match kind {
            Type::Bool | Type::Int8 => 1,
            Type::Int16 | Type::Uint16 => 2,
            Type::Int32 => 4,
            Type::Int64 => 8,
            Type::Uuid => 16,
            Type::String => {
                if flexible {
                    1
                } else {
                    2
                }
            }
            Type::Bytes | Type::Records | Type::Array(_) => {
                if flexible {
                    1
                } else {
                    4
                }
            }
            Type::Struct(_) if nullable => 1,
            Type::Struct(name) => self.struct_bytes(self.find(name), version),
        }
    }

    fn struct_bytes(&self, one: &Struct, version: i16) -> usize {
        let present = one.fields.iter().filter(|field| field.tag.is_none() && field.versions.contains(version));
        let fields: usize = present
            .map(|field| {
                let nullable = field.nullable.is_some_and(|versions| versions.contains(version));
                self.type_bytes(&field.kind, nullable, version)
            })
            .sum();
        fields + usize::from(self.flexible_of(one).is_some_and(|first| version >= first))
    }
}
