//! Tables that are right, and the message for each way to be wrong.

use super::*;
use crate::kafka::table::Side;

const HEADER: &str = "api 7 Sample ; what it is for\nserved yes\nhandled 1-4\nadvertised 1-3\nflexible 3\n";

fn sample(body: &str) -> Result<Table, TableError> {
    parse("sample", &format!("{HEADER}{body}"))
}

fn refused(body: &str) -> String {
    sample(body).expect_err("the table is wrong").to_string()
}

#[test]
fn a_table_gives_structs_from_the_inside_out() {
    let table = sample(
        "views response\n\
         struct Shared ; in both\n  code int16 0+\n\
         request\n  topics []Topic 0+ nullable 2+ default \"\" ; null is all\n    name string 0+\n    one Shared 2+\n\
         # a remark\n\
         response\n  one Shared 0+\n  epoch int32 3+ tag 2 default -1 ignorable\n",
    )
    .expect("the table is right");
    let api = table.api().expect("an API");
    assert_eq!((api.key, table.name.as_str(), table.about.as_str()), (7, "Sample", "what it is for"));
    assert_eq!((table.handled, api.advertised), (Versions::new(1, 4), Versions::new(1, 3)));
    assert_eq!((api.served, table.flexible, api.request_view, api.response_view), (true, Some(3), false, true));
    let names: Vec<&str> = table.structs.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["Shared", "Topic", "SampleRequest", "SampleResponse"]);
    let topics = &table.message(Side::Request).fields[0];
    assert_eq!((topics.nullable, topics.about.as_str()), (Some(Versions::from(2)), "null is all"));
    let epoch = &table.message(Side::Response).fields[1];
    assert_eq!((epoch.tag, &epoch.default, epoch.ignorable), (Some(2), &DefaultValue::Number(-1), true));
    let inside: Vec<&str> = table.reachable(Side::Response).iter().map(|one| one.name.as_str()).collect();
    assert_eq!(inside, ["Shared", "SampleResponse"]);
}

#[test]
fn lifetimes_and_least_sizes_follow_the_uses() {
    let table = sample(
        "request\n  a []Inner 2-3\n    x int64 0+\n    y string 3+\n  b bool 0+\nresponse\n  c []string 0+ nullable 0+\n",
    )
    .expect("the table is right");
    assert_eq!(table.lifetime("Inner"), Versions::new(2, 3));
    // Version 2 has x alone; version 3 adds a compact string and the count of tags.
    assert_eq!(table.bytes_min(table.find("Inner")), 8);
    // Version 4: b and the count of tags; version 1: b alone.
    assert_eq!(table.bytes_min(table.message(Side::Request)), 1);
    // Version 3 and 4: one byte for null, one for the count of tags; before: four for null.
    assert_eq!(table.bytes_min(table.message(Side::Response)), 2);
}

#[test]
fn grammar_that_is_wrong_is_said_with_its_file_and_line() {
    let at = |line: usize, what: &str| format!("schemas/kafka/sample.txt:{line}: {what}");
    assert_eq!(refused("request\n   a bool 0+\n"), at(7, "3 spaces; levels are two spaces each"));
    assert_eq!(refused("request\n\ta bool 0+\n"), at(7, "a tab; levels are two spaces"));
    assert_eq!(refused("request\n    a bool 0+\n"), at(7, "1 levels too deep"));
    assert_eq!(refused("request\n  a\n"), at(7, "a field is `name type versions …`"));
    assert_eq!(refused("request\n  a word 0+\n"), at(7, "`word` is not a type"));
    assert_eq!(refused("request\n  a [][]int8 0+\n"), at(7, "an array of arrays"));
    assert_eq!(refused("request\n  a bool 3-2\n"), at(7, "`3-2` is not `7`, `3-6` or `3+`"));
    assert_eq!(refused("request\n  a bool x\n"), at(7, "`x` is not `7`, `3-6` or `3+`"));
    assert_eq!(refused("request\n  a bool 0+ default\n"), at(7, "`default` needs a value"));
    assert_eq!(refused("request\n  a bool 0+ tag -1\n"), at(7, "`-1` is not a number that fits here"));
    assert_eq!(
        refused("request\n  a bool 0+ optional\n"),
        at(7, "`optional` is not a property of a field (meanings start with ` ; `)")
    );
    assert_eq!(refused("request\n  a bool 0+\n    b bool 0+\n"), at(8, "`a` is no struct and has no fields"));
    assert_eq!(refused("request\n  a Inner 0+\n"), at(7, "struct `Inner` has no fields: define it below or before"));
    assert_eq!(refused("request\n  a bool 0+\n"), at(1, "there is no `response`"));
    assert_eq!(refused("anything\n"), at(6, "expected `struct <name>` or `request` or `response`"));
    assert_eq!(refused("views both\nrequest\n"), at(6, "`both` is neither `request` nor `response`"));
    assert_eq!(refused("request\nrequest\nresponse\n"), at(7, "struct `SampleRequest` is defined twice"));
    let headless = parse("sample", "api 7 Sample\nhandled 1-4\n").expect_err("`served` is missing").to_string();
    assert_eq!(headless, at(2, "expected `served`, found `handled 1-4`"));
    let short = parse("sample", "api 7 Sample\nserved yes\n").expect_err("the rest is missing").to_string();
    assert_eq!(short, at(2, "the file ends before `handled`"));
    let open = parse("sample", "api 7 Sample\nserved yes\nhandled 1+\n").expect_err("open").to_string();
    assert_eq!(open, at(3, "`1+` has no last version"));
}

#[test]
fn tables_that_would_make_wrong_code_are_refused() {
    let field = |line: &str| refused(&format!("request\n  a bool 0+\n  {line}\nresponse\n"));
    let ending = |message: String| message.split_once(": ").expect("a place and a reason").1.to_owned();
    assert_eq!(ending(field("a int8 0+")), "`a`: stands twice in `SampleRequest`");
    assert_eq!(ending(field("Bad int8 0+")), "`Bad`: a name is lower case with underscores");
    assert_eq!(ending(field("version int8 0+")), "`version`: the name is reserved");
    assert_eq!(ending(field("b int8 5+")), "`b`: lives in versions 5+, `SampleRequest` in 1-4");
    assert_eq!(ending(field("b int8 0+ default 200")), "`b`: the default is not a value of the type");
    assert_eq!(ending(field("b string 0+ default 1")), "`b`: the default is not a value of the type");
    assert_eq!(ending(field("b string 0+ default null")), "`b`: is never null");
    assert_eq!(ending(field("b int8 0+ nullable 0+")), "`b`: a number cannot be null");
    assert_eq!(ending(field("b string 2+ nullable 0-1")), "`b`: is nullable in 0-1 and lives in 2-4");
    assert_eq!(
        ending(field("b string 0+ nullable 2+ default null")),
        "`b`: is null by default and cannot be null in each of its versions"
    );
    assert_eq!(ending(field("b int8 2+ tag 0")), "`b`: is tagged in a version that has no tags");
    assert_eq!(ending(field("b int8 3-3 tag 0")), "`b`: is tagged and ends before its struct does");
    assert_eq!(
        ending(field("b []Inner 0+\n    c int8 2+")),
        "`b`: an array of items that may take no bytes, so that no count of them is too large"
    );
    assert_eq!(ending(field("b int8 3+ tag 0\n  c int8 3+ tag 0")), "`b`: tag 0 is taken");
    assert_eq!(ending(field("b records 3+ tag 0")), "`b`: records cannot be tagged");
    assert_eq!(
        ending(field("b []Inner 3+ tag 0\n    c records 3+")),
        "`b`: records cannot be inside of a tagged field"
    );
    let views = refused("views request\nrequest\n  a []string 0+\nresponse\n");
    assert_eq!(ending(views), "`a`: views have no arrays of strings or bytes");
    let unused = refused("struct Lonely\n  a bool 0+\nrequest\nresponse\n");
    assert_eq!(ending(unused), "struct `Lonely` is not used");
}

#[test]
fn a_record_is_a_key_of_one_version_and_a_value_of_several() {
    let text = "record 2-3 Sample ; what it keeps\nhandled 0-4\nflexible 0\n\
                key\n  group string 0+\nvalue\n  a int8 0+\n  b int8 4+ tag 0\n";
    let table = parse("group_records/sample", text).expect("the table is right");
    let Kind::Record(record) = &table.kind else { panic!("{:?}", table.kind) };
    assert_eq!((record.types, table.handled), (Versions::new(2, 3), Versions::new(0, 4)));
    assert_eq!((table.module.as_str(), table.file().as_str()), ("sample", "group_records/sample"));
    assert_eq!(
        (table.lifetime("SampleKey"), table.lifetime("SampleValue")),
        (Versions::new(0, 0), Versions::new(0, 4))
    );
    let [key, value] = [Side::Key, Side::Value].map(|side| table.flexible_of(table.message(side)));
    assert_eq!((key, value), (None, Some(0)));
}

#[test]
fn data_is_one_message_of_the_tables_own_name() {
    let table = parse("group_records/sample", "data Sample\nhandled 0-3\nflexible never\ndata\n  a int8 0+\n");
    let table = table.expect("the table is right");
    assert_eq!((table.sides(), table.message(Side::Data).name.as_str()), (&[Side::Data][..], "Sample"));
}

#[test]
fn records_that_are_wrong_are_said_with_their_file_and_line() {
    let refused = |text: &str| parse("r/s", text).expect_err("the table is wrong").to_string();
    let at = |line: usize, what: &str| format!("schemas/kafka/r/s.txt:{line}: {what}");
    assert_eq!(refused(""), at(1, "the file is empty"));
    assert_eq!(refused("records 1 S\n"), at(1, "expected `api <key> <name>`, `record <type> <name>` or `data <name>`"));
    let head = "record 1 S ; it\nhandled 0\nflexible never\n";
    assert_eq!(refused(&format!("{head}key\n  a int8 0+\n")), at(1, "there is no `value`"));
    assert_eq!(refused(&format!("{head}request\n")), at(4, "expected `struct <name>` or `key` or `value`"));
    assert_eq!(refused(&format!("{head}views key\n")), at(4, "only requests and responses have views"));
    assert_eq!(
        refused(&format!("{head}key\n  a []int8 0+\nvalue\n  b int8 0+\n")),
        at(5, "`a`: a key is made of numbers and text")
    );
    let nameless = "record 1 S\nhandled 0\nflexible never\nkey\n  a int8 0+\nvalue\n  b int8 0+\n";
    assert_eq!(refused(nameless), at(1, "a record says what it means"));
}

#[test]
fn only_produce_may_claim_versions_that_it_refuses() {
    let table = |key: u8, advertised: &str| {
        format!("api {key} X\nserved yes\nhandled 3-9\nadvertised {advertised}\nflexible never\nrequest\nresponse\n")
    };
    assert!(parse("x", &table(0, "0-9")).is_ok());
    assert!(parse("x", &table(1, "0-9")).is_err());
    assert!(parse("x", &table(0, "0-10")).is_err());
    assert!(parse("x", &table(1, "3-9")).is_ok());
}
