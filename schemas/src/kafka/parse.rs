//! Reads a table. What is wrong with one is said with its file and line, before any code is made from it.

mod check;

use std::io;
use std::path::PathBuf;

use super::table::{Api, DefaultValue, Field, Kind, Record, Struct, Table, Type, Versions};

#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("schemas/kafka/{file}.txt:{line}: {what}")]
    Wrong { file: String, line: usize, what: String },
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
}

/// Reads one table; `file` is its name below `schemas/kafka` without the ending.
pub fn parse(file: &str, text: &str) -> Result<Table, TableError> {
    let wrong = |(line, what)| TableError::Wrong { file: file.to_owned(), line, what };
    let module = file.rsplit_once('/').map_or(file, |(_, name)| name);
    let lines = split_lines(text).map_err(wrong)?;
    let table = Parser { lines: &lines, at: 0, structs: Vec::new() }.table(module).map_err(wrong)?;
    check::check(&table).map_err(wrong)?;
    Ok(table)
}

/// A line number and what is wrong there.
type Wrong = (usize, String);

struct Line<'a> {
    number: usize,
    depth: usize,
    words: Vec<&'a str>,
    about: &'a str,
}

fn split_lines(text: &str) -> Result<Vec<Line<'_>>, Wrong> {
    let mut lines = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let number = index + 1;
        let trimmed = raw.trim_start_matches(' ');
        if trimmed.trim().is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if raw.contains('\t') {
            return Err((number, "a tab; levels are two spaces".to_owned()));
        }
        let indent = raw.len() - trimmed.len();
        if indent % 2 != 0 {
            return Err((number, format!("{indent} spaces; levels are two spaces each")));
        }
        let (code, about) = trimmed.split_once(" ; ").unwrap_or((trimmed, ""));
        lines.push(Line { number, depth: indent / 2, words: code.split_whitespace().collect(), about: about.trim() });
    }
    Ok(lines)
}

/// The front of a table's first line.
enum Named {
    Api(i16),
    Record(Versions),
    Data,
}

struct Parser<'a> {
    lines: &'a [Line<'a>],
    at: usize,
    structs: Vec<Struct>,
}

impl<'a> Parser<'a> {
    fn table(mut self, module: &str) -> Result<Table, Wrong> {
        let first = self.next().ok_or_else(|| (1, "the file is empty".to_owned()))?;
        let (kind, name) = match first.words[..] {
            ["api", key, name] => (Named::Api(number(first, key)?), name),
            ["record", types, name] => (Named::Record(versions(first, types)?), name),
            ["data", name] => (Named::Data, name),
            _ => {
                let what = "expected `api <key> <name>`, `record <type> <name>` or `data <name>`";
                return Err((first.number, what.to_owned()));
            }
        };
        let served = if let Named::Api(_) = kind { yes_or_no(self.header("served")?)? } else { false };
        let handled = closed_versions(self.header("handled")?)?;
        let kind = match kind {
            Named::Api(key) => {
                let advertised = closed_versions(self.header("advertised")?)?;
                Kind::Api(Api { key, served, advertised, request_view: false, response_view: false })
            }
            Named::Record(types) => Kind::Record(Record { types }),
            Named::Data => Kind::Data,
        };
        let flexible = first_flexible(self.header("flexible")?)?;
        let kind = self.views(kind)?;
        self.messages(first, name, &kind)?;
        let (module, about) = (module.to_owned(), first.about.to_owned());
        Ok(Table { module, name: name.to_owned(), about, kind, handled, flexible, structs: self.structs })
    }

    /// Reads the sections down to the end of the file.
    fn messages(&mut self, first: &Line<'_>, name: &str, kind: &Kind) -> Result<(), Wrong> {
        let mut missing = kind.sides().to_vec();
        let sections: Vec<String> = missing.iter().map(|side| format!("`{}`", side.section())).collect();
        while let Some(line) = self.next() {
            let (name, about) = match line.words[..] {
                ["struct", name] => (name.to_owned(), line.about),
                [section] if let Some(side) = kind.sides().iter().find(|side| side.section() == section) => {
                    missing.retain(|other| other != side);
                    let about = if *side == kind.sides()[0] { first.about } else { "" };
                    (format!("{name}{}", side.word()), about)
                }
                _ => return Err((line.number, format!("expected `struct <name>` or {}", sections.join(" or ")))),
            };
            if line.depth > 0 {
                return Err((line.number, "nothing above has fields here".to_owned()));
            }
            self.define(name, None, about, line, 1)?;
        }
        match missing.first() {
            Some(side) => Err((first.number, format!("there is no `{}`", side.section()))),
            None => Ok(()),
        }
    }

    fn next(&mut self) -> Option<&'a Line<'a>> {
        let line = self.lines.get(self.at)?;
        self.at += 1;
        Some(line)
    }

    fn header(&mut self, word: &str) -> Result<&'a Line<'a>, Wrong> {
        let last = self.lines.last().map_or(1, |line| line.number);
        let line = self.next().ok_or_else(|| (last, format!("the file ends before `{word}`")))?;
        if line.depth == 0 && line.words[0] == word {
            return Ok(line);
        }
        Err((line.number, format!("expected `{word}`, found `{}`", line.words.join(" "))))
    }

    fn views(&mut self, kind: Kind) -> Result<Kind, Wrong> {
        let Some(line) = self.lines.get(self.at).filter(|line| line.words[0] == "views") else {
            return Ok(kind);
        };
        self.at += 1;
        let Kind::Api(api) = kind else {
            return Err((line.number, "only requests and responses have views".to_owned()));
        };
        if let Some(word) = line.words[1..].iter().find(|&&word| word != "request" && word != "response") {
            return Err((line.number, format!("`{word}` is neither `request` nor `response`")));
        }
        let (request_view, response_view) = (line.words.contains(&"request"), line.words.contains(&"response"));
        Ok(Kind::Api(Api { request_view, response_view, ..api }))
    }

    /// Reads the fields below a line and keeps them as a struct; the structs inside come before it.
    fn define(
        &mut self,
        name: String,
        called: Option<String>,
        about: &str,
        line: &Line<'_>,
        depth: usize,
    ) -> Result<(), Wrong> {
        let mut fields = Vec::new();
        while let Some(next) = self.lines.get(self.at).filter(|next| next.depth >= depth) {
            if next.depth > depth {
                return Err((next.number, format!("{} levels too deep", next.depth - depth)));
            }
            self.at += 1;
            let field = field(next)?;
            if let Some(below) = self.lines.get(self.at).filter(|below| below.depth > depth) {
                let Some(inner) = field.kind.struct_name() else {
                    return Err((below.number, format!("`{}` is no struct and has no fields", field.name)));
                };
                self.define(inner.to_owned(), field.called.clone(), "", next, depth + 1)?;
            }
            if let Some(inner) = field.kind.struct_name()
                && !self.structs.iter().any(|one| one.name == inner)
            {
                return Err((next.number, format!("struct `{inner}` has no fields: define it below or before")));
            }
            fields.push(field);
        }
        if self.structs.iter().any(|one| one.name == name) {
            return Err((line.number, format!("struct `{name}` is defined twice")));
        }
        self.structs.push(Struct { name, called, about: about.to_owned(), fields, line: line.number });
        Ok(())
    }
}

fn field(line: &Line<'_>) -> Result<Field, Wrong> {
    let [name, kind, versions, ..] = line.words[..] else {
        return Err((line.number, "a field is `name type versions …`".to_owned()));
    };
    let mut field = Field {
        name: name.to_owned(),
        kind: type_of(line, kind)?,
        versions: self::versions(line, versions)?,
        nullable: None,
        tag: None,
        default: DefaultValue::Empty,
        ignorable: false,
        called: None,
        about: line.about.to_owned(),
        line: line.number,
    };
    let mut rest = line.words[3..].iter();
    while let Some(&word) = rest.next() {
        let mut value = || rest.next().copied().ok_or_else(|| (line.number, format!("`{word}` needs a value")));
        match word {
            "nullable" => field.nullable = Some(self::versions(line, value()?)?),
            "tag" => field.tag = Some(number(line, value()?)?),
            "default" => field.default = default_value(line, value()?)?,
            "ignorable" => field.ignorable = true,
            "called" => field.called = Some(value()?.to_owned()),
            _ => {
                return Err((
                    line.number,
                    format!("`{word}` is not a property of a field (meanings start with ` ; `)"),
                ));
            }
        }
    }
    if field.default == DefaultValue::Empty && field.kind == Type::Records && field.nullable.is_some() {
        field.default = DefaultValue::Null;
    }
    Ok(field)
}

fn type_of(line: &Line<'_>, word: &str) -> Result<Type, Wrong> {
    if let Some(item) = word.strip_prefix("[]") {
        return match type_of(line, item)? {
            Type::Array(_) => Err((line.number, "an array of arrays".to_owned())),
            item => Ok(Type::Array(Box::new(item))),
        };
    }
    Ok(match word {
        "bool" => Type::Bool,
        "int8" => Type::Int8,
        "int16" => Type::Int16,
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "uint16" => Type::Uint16,
        "uuid" => Type::Uuid,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "records" => Type::Records,
        name if name.starts_with(|first: char| first.is_ascii_uppercase()) => Type::Struct(name.to_owned()),
        _ => return Err((line.number, format!("`{word}` is not a type"))),
    })
}

fn default_value(line: &Line<'_>, word: &str) -> Result<DefaultValue, Wrong> {
    Ok(match word {
        "null" => DefaultValue::Null,
        "true" => DefaultValue::True,
        "false" | "\"\"" | "0" => DefaultValue::Empty,
        _ => DefaultValue::Number(number(line, word)?),
    })
}

fn versions(line: &Line<'_>, word: &str) -> Result<Versions, Wrong> {
    let wrong = || (line.number, format!("`{word}` is not `7`, `3-6` or `3+`"));
    let version = |part: &str| part.parse::<i16>().ok().filter(|version| *version >= 0).ok_or_else(wrong);
    let versions = if let Some(first) = word.strip_suffix('+') {
        Versions::from(version(first)?)
    } else if let Some((first, last)) = word.split_once('-') {
        Versions::new(version(first)?, version(last)?)
    } else {
        Versions::new(version(word)?, version(word)?)
    };
    if versions.first > versions.last { Err(wrong()) } else { Ok(versions) }
}

fn closed_versions(line: &Line<'_>) -> Result<Versions, Wrong> {
    let [_, word] = line.words[..] else {
        return Err((line.number, "expected one range of versions".to_owned()));
    };
    let versions = versions(line, word)?;
    if versions.last == i16::MAX {
        return Err((line.number, format!("`{word}` has no last version")));
    }
    Ok(versions)
}

fn first_flexible(line: &Line<'_>) -> Result<Option<i16>, Wrong> {
    match line.words[..] {
        [_, "never"] => Ok(None),
        [_, word] => number(line, word).map(Some),
        _ => Err((line.number, "expected `flexible <version>` or `flexible never`".to_owned())),
    }
}

fn yes_or_no(line: &Line<'_>) -> Result<bool, Wrong> {
    match line.words[..] {
        [_, "yes"] => Ok(true),
        [_, "no"] => Ok(false),
        _ => Err((line.number, format!("expected `{} yes` or `{} no`", line.words[0], line.words[0]))),
    }
}

fn number<T: std::str::FromStr>(line: &Line<'_>, word: &str) -> Result<T, Wrong> {
    word.parse().map_err(|_| (line.number, format!("`{word}` is not a number that fits here")))
}

#[cfg(test)]
mod tests;
