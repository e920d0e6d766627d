//! Offsets as lines of `topic,partition,offset`: the file that Kafka's own tool writes and reads, too.
//!
//! Where that tool exports several groups, a group's name comes first in each line; fields may be in quotes.

use std::collections::BTreeMap;

use crate::kafka::TopicPartition;

pub(super) fn parse(text: &str, group: &str) -> Result<BTreeMap<TopicPartition, u64>, String> {
    let mut offsets = BTreeMap::new();
    let mut of_others = 0_usize;
    for (number, line) in (1_usize..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |what: &str| format!("line {number}: {what}; write TOPIC,PARTITION,OFFSET");
        let mut fields = fields(line).ok_or_else(|| wrong("a quote is not closed"))?;
        if fields.len() == 4 && fields.remove(0) != group {
            of_others += 1;
            continue;
        }
        let [topic, partition, offset] =
            <[String; 3]>::try_from(fields).map_err(|fields| wrong(&format!("it has {} fields", fields.len())))?;
        let index = partition.trim().parse().ok().filter(|index| *index <= i32::MAX.cast_unsigned());
        let index = index.ok_or_else(|| wrong(&format!("{partition:?} is no partition")))?;
        let offset = offset
            .trim()
            .parse::<u64>()
            .ok()
            .filter(|one| i64::try_from(*one).is_ok())
            .ok_or_else(|| wrong(&format!("{offset:?} is no offset")))?;
        let topic = topic.trim().to_owned();
        if topic.is_empty() {
            return Err(wrong("the topic has no name"));
        }
        if offsets.insert((topic.clone(), index), offset).is_some() {
            return Err(format!("line {number}: partition {index} of topic {topic:?} is there twice"));
        }
    }
    match (offsets.is_empty(), of_others) {
        (true, 0) => Err("it holds no line of TOPIC,PARTITION,OFFSET".to_owned()),
        (true, others) => Err(format!("its {others} lines are of other groups than {group:?}")),
        (false, _) => Ok(offsets),
    }
}

/// A line's fields without their quotes; two quotes inside stand for one. `None` if a quote stays open.
fn fields(line: &str) -> Option<Vec<String>> {
    let (mut fields, mut field, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut characters = line.trim().chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    (!is_quoted).then_some(fields)
}

/// Names of topics have nothing in them that asks for quotes.
pub(super) fn line((topic, partition): &TopicPartition, offset: u64) -> String {
    format!("{topic},{partition},{offset}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets<const N: usize>(of: [(&str, u32, u64); N]) -> Result<BTreeMap<TopicPartition, u64>, String> {
        Ok(of.into_iter().map(|(topic, index, offset)| ((topic.to_owned(), index), offset)).collect())
    }

    #[test]
    fn what_is_written_is_read() {
        let written = [line(&("a".to_owned(), 0), 7), line(&("b.c".to_owned(), 12), 0)].concat();
        assert_eq!(written, "a,0,7\nb.c,12,0\n");
        assert_eq!(parse(&written, "g"), offsets([("a", 0, 7), ("b.c", 12, 0)]));
    }

    #[test]
    fn quotes_spaces_empty_lines_and_a_column_of_groups_are_understood() {
        assert_eq!(parse("\"a\",0,7\r\n\n a , 1 , 8 \n", "g"), offsets([("a", 0, 7), ("a", 1, 8)]));
        assert_eq!(parse("\"g \"\"1\"\", x\",a,0,7\nother,a,0,9\n", "g \"1\", x"), offsets([("a", 0, 7)]));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, words) in [
            ("a,0,1\na,0,2\n", "line 2: partition 0 of topic \"a\" is there twice"),
            ("a,0\n", "line 1: it has 2 fields"),
            ("a,0,1\n\na,x,1", "line 3: \"x\" is no partition"),
            ("a,0,-1", "line 1: \"-1\" is no offset"),
            ("a,0,9223372036854775808", "is no offset"),
            ("\"a,0,1", "line 1: a quote is not closed"),
            (",0,1", "line 1: the topic has no name"),
            ("\n", "it holds no line"),
            ("h,a,0,1", "its 1 lines are of other groups"),
        ] {
            let error = parse(text, "g").unwrap_err();
            assert!(error.contains(words), "{text:?}: {error}");
        }
    }
}
