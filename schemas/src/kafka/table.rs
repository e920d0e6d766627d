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

/// One table: an API with its request, its response, and the structs that they use.
#[derive(Clone, Debug)]
pub struct Table {
    /// The table's file, without folder or ending; also the name of the generated module.
    pub module: String,
    pub key: i16,
    pub name: String,
    pub about: String,
    pub served: bool,
    pub handled: Versions,
    pub advertised: Versions,
    /// First version with compact lengths and tagged fields.
    pub flexible: Option<i16>,
    pub request_view: bool,
    pub response_view: bool,
    /// Every struct before those that use it; the request and the response last.
    pub structs: Vec<Struct>,
}

/// The two directions of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Request,
    Response,
}

impl Side {
    pub const BOTH: [Side; 2] = [Side::Request, Side::Response];

    pub fn word(self) -> &'static str {
        match self {
            Side::Request => "Request",
            Side::Response => "Response",
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

    pub fn has_view(&self, side: Side) -> bool {
        match side {
            Side::Request => self.request_view,
            Side::Response => self.response_view,
        }
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
        if Side::BOTH.iter().any(|&side| self.message_name(side) == name) {
            return self.handled;
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
        fields + usize::from(self.flexible.is_some_and(|first| version >= first))
    }
}
