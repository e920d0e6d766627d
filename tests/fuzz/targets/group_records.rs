//! Records of groups, and what consumers of the classic protocol say.

use wire::kafka::group_records::consumer_protocol_assignment::ConsumerProtocolAssignment;
use wire::kafka::group_records::consumer_protocol_subscription::ConsumerProtocolSubscription;
use wire::kafka::group_records::{GroupRecord, RecordError, Versioned, decode_consumer_protocol, encode_versioned};

use wire::kafka::{DecodeError, Fault};

use crate::target::{Target, Verdict, bounded, unsealed};

/// The length of the key in one byte, the key, and the value; 255 for data alone, which is a subscription when the byte
/// after that is even, and an assignment when it is odd.
pub(crate) const RECORD: Target = Target { run: record, seal: unsealed, input_bytes_max: 64 << 10, inputs: 60_000 };

const DATA: u8 = 255;
/// The limit of each of two readers.
const CONSTANT: usize = 132 << 10;
const PER_BYTE: usize = 17;

fn record(input: &[u8]) -> Verdict {
    match input {
        [DATA, which, bytes @ ..] if which % 2 == 0 => data::<ConsumerProtocolSubscription>(bytes),
        [DATA, _, bytes @ ..] => data::<ConsumerProtocolAssignment>(bytes),
        [len, rest @ ..] => match rest.split_at_checked(usize::from(*len)) {
            Some((key, value)) => key_and_value(key, value),
            None => Verdict::Refused,
        },
        [] => Verdict::Refused,
    }
}

fn key_and_value(key: &[u8], value: &[u8]) -> Verdict {
    let read = bounded(key.len() + value.len(), CONSTANT, PER_BYTE, || GroupRecord::decode(key, Some(value)));
    let Ok(record) = read else { return Verdict::Refused };
    // The version written may be another than the one read, and need not have all its fields; what it has is kept.
    let (Ok(key), Ok(Some(value))) = (record.encode_key(), record.encode_value()) else {
        panic!("{} was read and cannot be written", record.name());
    };
    let again = match GroupRecord::decode(&key, Some(&value)) {
        // Without unknown tags it is shorter, and may take less memory.
        Err(RecordError::Damaged(DecodeError { fault: Fault::Memory(_), .. })) => return Verdict::Accepted,
        again => again.expect("what we write is read"),
    };
    assert_eq!(again.name(), record.name());
    assert_eq!(again.encode_value().expect("it was written before"), Some(value));
    Verdict::Accepted
}

fn data<V: Versioned>(bytes: &[u8]) -> Verdict {
    let read = bounded(bytes.len(), CONSTANT, PER_BYTE, || decode_consumer_protocol::<V>(bytes));
    let Ok(value) = read else { return Verdict::Refused };
    let written = encode_versioned(&value, V::VERSIONS.max).expect("what was read can be written");
    match decode_consumer_protocol::<V>(&written) {
        // Without what followed it, it is shorter, and may take less memory.
        Err(RecordError::Damaged(DecodeError { fault: Fault::Memory(_), .. })) => {}
        again => assert_eq!(again.as_ref(), Ok(&value)),
    }
    Verdict::Accepted
}
