//! The table as a page for people.

use std::fmt::Write as _;

use crate::case::{Case, Door};

const HEAD: &str = "# Bad input
What the broker answers to bytes and requests that are not as they should be. Each line is a case of the suite
`bad_input`, which runs it against a real broker over loopback and writes this page (`CORELANE_BLESS=1 cargo test -p tests
--test bad_input`). After all of them the broker works as before, has no connection left open, and has kept to its memory:
what it takes after its start, `memory.cache`, `memory.requests` and `memory.answers` of each core, and 48 MiB.

A connection is closed where nothing after the bytes can be understood, or where the protocol has no answer; the log then
says why, with the peer's address. Everything else is answered with the code that Kafka's clients expect, or with a status
of HTTP.
";

pub(crate) fn render(cases: &[Case]) -> String {
    let mut page = HEAD.to_owned();
    for door in [Door::Kafka, Door::Native, Door::Both, Door::Http] {
        let title = match door {
            Door::Kafka => "The Kafka door",
            Door::Native => "The native door",
            Door::Both => "Both doors",
            Door::Http => "The HTTP door",
        };
        write!(page, "\n## {title}\n| case | what is sent | the answer |\n|---|---|---|\n")
            .expect("a String takes all");
        for case in cases.iter().filter(|case| case.door == door) {
            let row = [case.name.to_owned(), case.sent.to_owned(), case.expected.to_string()];
            let row = row.map(|cell| cell.replace('|', "\\|"));
            writeln!(page, "| {} | {} | {} |", row[0], row[1], row[2]).expect("a String takes all");
        }
    }
    page
}
