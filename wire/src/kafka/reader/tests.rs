//! Each way in which bytes can lie.

use super::*;

fn fault<T: std::fmt::Debug>(result: Result<T, DecodeError>) -> (usize, Fault) {
    let error = result.expect_err("the bytes are wrong");
    assert_eq!(error.field, "f");
    (error.at, error.fault)
}

#[test]
fn numbers_have_the_most_significant_byte_first() {
    let bytes: Vec<u8> = (1..=32).collect();
    let mut reader = Reader::new(&bytes);
    assert_eq!(reader.i8("f"), Ok(1));
    assert_eq!(reader.i16("f"), Ok(0x0203));
    assert_eq!(reader.i32("f"), Ok(0x0405_0607));
    assert_eq!(reader.i64("f"), Ok(0x0809_0A0B_0C0D_0E0F));
    assert_eq!(reader.uuid("f"), Ok(0x1011_1213_1415_1617_1819_1A1B_1C1D_1E1F));
    assert_eq!(reader.position(), 31);
    assert_eq!(reader.bool("f"), Ok(true));
    assert_eq!(fault(reader.i16("f")), (32, Fault::Short { needed: 2, left: 0 }));
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn bytes_after_the_end_are_refused() {
    let mut reader = Reader::new(&[1, 2, 3]);
    reader.i8("f").expect("one byte");
    let expected = DecodeError { field: "frame", at: 1, fault: Fault::Trailing(2) };
    assert_eq!(reader.finish(), Err(expected));
    assert_eq!(expected.to_string(), "frame at byte 1: 2 bytes after the end of the message");
}

#[test]
fn varints_end_after_32_bits() {
    let read = |bytes: &[u8]| Reader::new(bytes).uvarint("f");
    assert_eq!(read(&[0x00]), Ok(0));
    assert_eq!(read(&[0x7F]), Ok(127));
    assert_eq!(read(&[0xAC, 0x02]), Ok(300));
    assert_eq!(read(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F]), Ok(u32::MAX));
    // Longer than needed, and still the number meant.
    assert_eq!(read(&[0x80, 0x00]), Ok(0));
    assert_eq!(fault(read(&[0xFF, 0xFF, 0xFF, 0xFF, 0x10])), (5, Fault::Varint));
    assert_eq!(fault(read(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00])), (5, Fault::Varint));
    assert_eq!(fault(read(&[0x80])), (1, Fault::Short { needed: 1, left: 0 }));
    assert_eq!(fault(read(&[])), (0, Fault::Short { needed: 1, left: 0 }));
}

#[test]
fn text_is_checked_for_null_length_and_utf8() {
    let (classic, flexible) = (Layout::Classic, Layout::Flexible);
    let read = |bytes: &'static [u8], layout| Reader::new(bytes).str("f", layout);
    assert_eq!(read(&[0, 2, b'o', b'k'], classic), Ok("ok"));
    assert_eq!(read(&[3, b'o', b'k'], flexible), Ok("ok"));
    assert_eq!(Reader::new(&[0xFF, 0xFF]).nullable_str("f", classic), Ok(None));
    assert_eq!(Reader::new(&[0]).nullable_str("f", flexible), Ok(None));
    assert_eq!(fault(read(&[0xFF, 0xFF], classic)), (2, Fault::Null));
    assert_eq!(fault(read(&[0], flexible)), (1, Fault::Null));
    assert_eq!(fault(read(&[0xFF, 0xFE], classic)), (2, Fault::NegativeLength(-2)));
    assert_eq!(fault(read(&[0, 3, b'o', b'k'], classic)), (2, Fault::Short { needed: 3, left: 2 }));
    assert_eq!(fault(read(&[2, 0xFF], flexible)), (2, Fault::Utf8));
    // 32,768 bytes of text: 0x8001 as a compact length.
    let mut long = vec![0x81, 0x80, 0x02];
    long.resize(3 + 32_768, b'x');
    assert_eq!(fault(Reader::new(&long).str("f", flexible)), (3, Fault::LongText(32_768)));
}

#[test]
fn a_huge_claim_takes_no_memory() {
    let read = |bytes: &'static [u8], layout| Reader::new(bytes).array("f", layout, 4, |reader| reader.i32("f"));
    let claimed = 0x7FFF_FFFF;
    let refused = fault(read(&[0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1], Layout::Classic));
    assert_eq!(refused, (4, Fault::Short { needed: claimed, left: 4 }));
    let refused = fault(read(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F], Layout::Flexible));
    assert_eq!(refused, (5, Fault::Short { needed: 0xFFFF_FFFE, left: 0 }));
    assert_eq!(fault(read(&[0x80, 0, 0, 0], Layout::Classic)), (4, Fault::NegativeLength(i32::MIN)));
    assert_eq!(fault(read(&[0xFF, 0xFF, 0xFF, 0xFF], Layout::Classic)), (4, Fault::Null));
    assert_eq!(read(&[0, 0, 0, 1, 0, 0, 0, 5], Layout::Classic), Ok(vec![5]));
}

#[test]
fn short_items_that_make_large_structs_are_limited_in_memory() {
    // A million empty texts of one byte each would take 24 times as much in memory.
    let mut bytes = vec![0, 0x0F, 0x42, 0x40];
    bytes.resize(4 + 1_000_000, 1);
    let read = Reader::new(&bytes).array("f", Layout::Classic, 1, |reader| reader.string("f", Layout::Flexible));
    assert_eq!(fault(read), (4, Fault::Memory(24_000_000)));
    // A few thousand are fine.
    bytes.truncate(4 + 2_500);
    bytes[..4].copy_from_slice(&2_500_i32.to_be_bytes());
    let read = Reader::new(&bytes).array("f", Layout::Classic, 1, |reader| reader.string("f", Layout::Flexible));
    assert_eq!(read.map(|items| items.len()), Ok(2_500));
}

#[test]
fn records_of_an_owned_message_are_shared_when_they_can_be() {
    let frame = Bytes::from_static(&[0, 0, 0, 3, 7, 8, 9]);
    let shared = Reader::shared(&frame).nullable_bytes("f", Layout::Classic).expect("whole").expect("not null");
    assert_eq!(shared.as_ptr(), frame[4..].as_ptr());
    let copied = Reader::new(&frame).nullable_bytes("f", Layout::Classic).expect("whole").expect("not null");
    assert_ne!(copied.as_ptr(), frame[4..].as_ptr());
    assert_eq!(copied, shared);
    assert_eq!(Reader::new(&[0]).nullable_bytes("f", Layout::Flexible), Ok(None));
}

#[test]
fn tagged_fields_are_skipped_or_read_within_their_size() {
    // Two fields: tag 5 with two bytes that nobody knows, tag 1 with a number of two bytes.
    let bytes = [2, 5, 2, 0xAA, 0xBB, 1, 2, 0, 9, 0x77];
    let mut reader = Reader::new(&bytes);
    reader.skip_tags("f").expect("well formed");
    assert_eq!((reader.position(), reader.rest()), (9, &[0x77][..]));

    let mut number = 0;
    let mut reader = Reader::new(&bytes);
    let read = reader.tags("f", |reader, tag| {
        if tag != 1 {
            return Ok(Tag::Unknown);
        }
        number = reader.i16("f")?;
        Ok(Tag::Known)
    });
    assert_eq!((read, number, reader.rest()), (Ok(()), 9, &[0x77][..]));
}

#[test]
fn tagged_fields_with_a_wrong_size_or_count_are_refused() {
    let read = |bytes: &'static [u8]| Reader::new(bytes).tags("f", |reader, _| reader.i16("f").map(|_| Tag::Known));
    // One byte more than the number needs; one byte less, although the frame goes on; past the frame; no field at all.
    assert_eq!(fault(read(&[1, 0, 3, 0, 9, 9])), (5, Fault::TagSize { tag: 0, left: 1 }));
    assert_eq!(fault(read(&[1, 0, 1, 0, 9])), (3, Fault::Short { needed: 2, left: 1 }));
    assert_eq!(fault(read(&[1, 0, 3, 0, 9])), (3, Fault::Short { needed: 3, left: 2 }));
    assert_eq!(fault(read(&[1])), (1, Fault::Short { needed: 1, left: 0 }));
    let claimed = Reader::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0]).skip_tags("f");
    assert_eq!(fault(claimed), (7, Fault::Short { needed: 1, left: 0 }));
}
