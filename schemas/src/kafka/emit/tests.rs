//! What the generator decides, seen in the text that it makes.

use super::shape::{Form, condition, default_expression, set_condition};
use super::*;
use crate::kafka::parse::parse;
use crate::kafka::table::{Field, Side, Versions};

const HEADER: &str = "api 7 Sample ; what it is for\nserved no\nhandled 1-4\nadvertised 1-3\n";

fn sample(rest: &str) -> Table {
    parse("sample", &format!("{HEADER}{rest}")).expect("the table is right")
}

/// The code without its line breaks, so that a test does not depend on them.
fn code(table: &Table) -> String {
    codec(table).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn assert_holds(code: &str, part: &str) {
    assert!(code.contains(part), "`{part}` is not in:\n{code}");
}

fn field(line: &str) -> Field {
    let table = sample(&format!("flexible 3\nrequest\n  {line}\nresponse\n"));
    table.message(Side::Request).fields[0].clone()
}

#[test]
fn conditions_say_no_more_than_the_lifetime_leaves_open() {
    let lifetime = Versions::new(3, 9);
    let text = |versions| condition(versions, lifetime).unwrap_or_default();
    assert_eq!(text(Versions::from(0)), "");
    assert_eq!(text(Versions::new(3, 9)), "");
    assert_eq!(text(Versions::from(4)), "version >= 4");
    assert_eq!(text(Versions::new(0, 8)), "version <= 8");
    assert_eq!(text(Versions::new(5, 5)), "version == 5");
    assert_eq!(text(Versions::new(5, 7)), "(5..=7).contains(&version)");
}

#[test]
fn defaults_and_the_test_for_them_agree() {
    for (line, default, set) in [
        ("a int32 0+", "0", "self.a != 0"),
        ("a int32 0+ default -1", "-1", "self.a != -1"),
        ("a int64 0+ default 9223372036854775807", "i64::MAX", "self.a != i64::MAX"),
        ("a bool 0+", "false", "self.a"),
        ("a bool 0+ default true", "true", "!self.a"),
        ("a string 0+", "String::new()", "!self.a.is_empty()"),
        ("a string 0+ nullable 0+ default null", "None", "self.a.is_some()"),
        ("a string 0+ nullable 0+", "Some(String::new())", "self.a.as_ref().is_none_or(|value| !value.is_empty())"),
        ("a records 0+ nullable 0+", "None", "self.a.is_some()"),
        ("a []int32 0+", "Vec::new()", "!self.a.is_empty()"),
        ("a Inner 0+\n    b int8 0+", "Inner::default()", "self.a != Inner::default()"),
    ] {
        let field = field(line);
        assert_eq!(default_expression(&field, Form::Owned), default, "{line}");
        assert_eq!(set_condition(&field), set, "{line}");
    }
}

#[test]
fn null_is_read_and_written_only_in_the_versions_that_have_it() {
    let code = code(&sample("flexible never\nrequest\n  a string 0+ nullable 2+\nresponse\n"));
    assert_holds(
        &code,
        "let a = if version >= 2 { reader.nullable_string(\"SampleRequest.a\", Layout::Classic)? } \
         else { Some(reader.string(\"SampleRequest.a\", Layout::Classic)?) };",
    );
    assert_holds(&code, "None if version >= 2 => write_null_string(out, Layout::Classic),");
    assert_holds(&code, "None => return Err(EncodeError::Null { field: \"SampleRequest.a\", version }),");
}

#[test]
fn a_field_that_a_version_lacks_is_left_out_only_if_it_may_be() {
    let text = code(&sample("flexible never\nrequest\n  a int8 2+\n  b int8 2+ ignorable\nresponse\n"));
    assert_holds(&text, "let a = if version >= 2 { reader.i8(\"SampleRequest.a\")? } else { 0 };");
    assert_holds(
        &text,
        "if version >= 2 { out.put_i8(self.a); } else if self.a != 0 { \
         return Err(EncodeError::NotInVersion { field: \"SampleRequest.a\", version }); } \
         if version >= 2 { out.put_i8(self.b); } Ok(())",
    );
}

#[test]
fn tagged_fields_are_counted_and_written_only_when_set() {
    let text = code(&sample("flexible 3\nrequest\n  b int8 3+ tag 1 ignorable\n  a int8 4+ tag 0\nresponse\n"));
    assert_holds(&text, "1 => b = reader.i8(\"SampleRequest.b\")?, 0 if version >= 4 => a =");
    assert_holds(
        &text,
        "if version < 4 && self.a != 0 { return Err(EncodeError::NotInVersion { field: \"SampleRequest.a\", version }); }",
    );
    assert_holds(
        &text,
        "let has_a = version >= 4 && self.a != 0; let has_b = self.b != 0; \
         out.put_uvarint(u32::from(has_a) + u32::from(has_b)); if has_a { out.put_uvarint(0);",
    );
}

#[test]
fn layouts_follow_the_lifetime_of_each_struct() {
    let text = code(&sample(
        "flexible 3\nrequest\n  old []Old 0-2\n    x string 0+\n  new []New 3+\n    y string 0+\n  z string 0+\nresponse\n",
    ));
    assert_holds(&text, "let x = reader.string(\"Old.x\", Layout::Classic)?; Ok(Self { x })");
    assert_holds(
        &text,
        "let y = reader.string(\"New.y\", Layout::Flexible)?; reader.skip_tags(\"New\")?; Ok(Self { y })",
    );
    assert_holds(&text, "let z = reader.string(\"SampleRequest.z\", layout)?; if layout == Layout::Flexible {");
    assert_holds(&text, "const fn layout(version: i16) -> Layout { if version >= 3");
    let never = codec(&sample("flexible never\nrequest\n  z string 0+\nresponse\n"));
    assert!(!never.contains("Flexible") && !never.contains("tags"), "{never}");
}

#[test]
fn arrays_are_bounded_by_the_least_size_of_their_items() {
    let text = code(&sample(
        "flexible 3\nrequest\n  a []Inner 0+\n    x int64 0+\n    y string 2+\n  b []string 3+\n  c []int32 0+\nresponse\n",
    ));
    // Inner has x alone in version 1; a compact text is one byte.
    assert_holds(&text, "reader.array(\"SampleRequest.a\", layout, 8, |reader| Inner::decode(reader, version))");
    assert_holds(&text, "reader.array(\"SampleRequest.b\", layout, 1, |reader| reader.string(");
    assert_holds(&text, "reader.array(\"SampleRequest.c\", layout, 4, |reader| reader.i32(");
}

#[test]
fn bytes_and_records_share_the_frame() {
    let text = code(&sample("flexible never\nrequest\n  a bytes 0+\n  b records 0+ nullable 0+\nresponse\n"));
    assert_holds(&text, "pub a: Bytes, pub b: Option<Payload>,");
    assert_holds(
        &text,
        "let a = reader.nullable_bytes(\"SampleRequest.a\", Layout::Classic)\
         .and_then(|bytes| reader.required(\"SampleRequest.a\", bytes))?;",
    );
    assert_holds(&text, ".map(|bytes| bytes.map(Payload::from))?;");
    assert_holds(&text, "write_len(out, \"SampleRequest.a\", self.a.len(), Layout::Classic)?; out.put_slice(&self.a);");
    assert_holds(&text, "use bytes::Bytes;");
}

#[test]
fn views_borrow_except_for_plain_structs() {
    let text = code(&sample(
        "flexible 3\nviews request\nrequest\n  plain []Plain 0+\n    x int32 0+\n  \
         text []Text 0+ nullable 2+ default \"\"\n    y string 0+\n  numbers []int32 3+\nresponse\n",
    ));
    assert_holds(
        &text,
        "pub struct SampleRequestView<'a> { pub plain: ArrayView<'a, Plain>, \
         pub text: Option<ArrayView<'a, TextView<'a>>>, /// Versions 3+. pub numbers: ArrayView<'a, i32>, }",
    );
    assert_holds(&text, "impl View<'_> for Plain { const BYTES_MIN: usize = 4;");
    assert_holds(&text, "let y = reader.str(\"Text.y\", layout)?;");
    assert_holds(&text, "if version >= 3 { reader.array_view(\"SampleRequest.numbers\", layout, version)? }");
    assert!(!text.contains("SampleResponseView"));
}

#[test]
fn a_tagged_struct_that_may_be_null_says_so_in_a_varint() {
    let text = code(&sample(
        "flexible 1\nrequest\n  a Inner 1+ nullable 1+ tag 0\n    x int8 1+\n  b Inner 1+ nullable 1+ default null\nresponse\n",
    ));
    assert_holds(
        &text,
        "0 => a = reader.nullable_tagged_struct(\"SampleRequest.a\", |reader| Inner::decode(reader, version))?,",
    );
    assert_holds(&text, "let has_a = self.a.as_ref() != Some(&Inner::default());");
    assert_holds(
        &text,
        "Some(value) => { out.put_uvarint(1); value.encode(out, version)?; } None => out.put_uvarint(0),",
    );
    assert_holds(&text, "reader.nullable_struct(\"SampleRequest.b\", |reader| Inner::decode(reader, version))?;");
    assert_holds(&text, "Some(value) => { out.put_i8(1); value.encode(out, version)?; } None => out.put_i8(-1),");
}

#[test]
fn a_record_is_told_by_its_key_and_has_the_versions_of_its_value() {
    let table = "record 0-1 Sample ; what it keeps\nhandled 0-4\nflexible 0\nkey\n  g string 0+\nvalue\n  a int8 2+\n";
    let table = parse("group_records/sample", table).expect("the table is right");
    let text = code(&table);
    assert_holds(
        &text,
        "impl RecordKey for SampleKey { const TYPES: VersionRange = VersionRange { min: 0, max: 1 }; type Value = SampleValue; }",
    );
    // The key is never compact, whatever the value is.
    assert_holds(&text, "let g = reader.string(\"SampleKey.g\", Layout::Classic)?; Ok(Self { g })");
    assert_holds(&text, "const VERSIONS: VersionRange = VersionRange { min: 0, max: 4 };");
    assert_holds(&text, "reader.admit_versioned::<Self>(version)?; let a = if version >= 2 {");
    let index = record_index(&[table]);
    assert_holds(&index, "0..=1 => { let (key, value) = parts(reader, value)?; Self::Sample(key, value) }");
    assert_holds(&index, "Sample(SampleKey, Option<SampleValue>)");
}

#[test]
fn the_api_table_keeps_what_is_not_served_apart() {
    let text = api_key(&[sample("flexible 3\nrequest\nresponse\n")]);
    assert_holds(&text, "served: false");
    assert_holds(&text, "first_flexible: Some(3)");
    assert_holds(&text, "7 => ApiKey::Sample");
}
