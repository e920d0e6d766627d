//! Which partition of `__consumer_offsets` a group belongs to.

use std::num::NonZeroU32;

/// The partition that keeps a group's records, out of `partitions`, as Kafka chooses it: Java's hash of the group's name,
/// without its sign, modulo the number of partitions. The leader of that partition coordinates the group.
///
/// Clients never compute it, but Kafka's tools do, and records that came from Kafka lie where it says.
pub fn partition_of_group(group: &str, partitions: NonZeroU32) -> u32 {
    let hash = java_hash(group);
    // The least number has no absolute value; Kafka takes zero instead.
    let magnitude = if hash == i32::MIN { 0 } else { hash.unsigned_abs() };
    magnitude % partitions
}

/// `String.hashCode` of Java, which goes by the units of UTF-16.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0, |hash: i32, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(group: &str) -> u32 {
        partition_of_group(group, NonZeroU32::new(50).expect("not zero"))
    }

    /// Group, hash and partition of 50, printed by Java 17 with `Utils.abs(group.hashCode()) % 50` of kafka-clients 4.3.1.
    const FROM_JAVA: &str = include_str!("../../../tests/golden/group-partitions-4.3.1.txt");

    #[test]
    fn a_group_has_the_partition_that_java_gives_it() {
        let lines: Vec<&str> = FROM_JAVA.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.len() >= 16, "{} groups", lines.len());
        for line in lines {
            let [hash, expected, group] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            assert_eq!(java_hash(group), hash.parse::<i32>().expect("a number"), "{group}");
            assert_eq!(partition(group), expected.parse::<u32>().expect("a number"), "{group}");
        }
    }

    #[test]
    fn a_hash_without_an_absolute_value_is_partition_zero() {
        assert_eq!(java_hash("polygenelubricants"), i32::MIN);
        assert_eq!(partition("polygenelubricants"), 0);
        assert_eq!(partition_of_group("polygenelubricants", NonZeroU32::new(7).expect("not zero")), 0);
    }

    #[test]
    fn letters_beyond_the_first_plane_count_as_two_units() {
        // The surrogates 0xD83E and 0xDD80.
        assert_eq!(java_hash("🦀"), 0xD83E * 31 + 0xDD80);
        assert_eq!(java_hash(""), 0);
        assert_eq!(partition(""), 0);
    }
}
