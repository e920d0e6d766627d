//! Produce: acks, order, idempotence.

use base::{ProducerEpoch, ProducerId, Sequence};
use tests::broker::{Broker, folder};
use tests::kafka::{Client, code, encode, produce_request};
use wire::ErrorCode;
use wire::batch::ProducerStamp;
use wire::kafka::produce::ProduceRequest;

use crate::{batch, batch_at, client_with_topic};

pub(crate) fn stamp(id: i64, epoch: i16, sequence: u32) -> Option<ProducerStamp> {
    Some(ProducerStamp {
        id: ProducerId::from_wire(id).expect("a valid id"),
        epoch: ProducerEpoch::from_wire(epoch).expect("a valid epoch"),
        base_sequence: Some(Sequence::ZERO.plus(sequence)),
    })
}

#[test]
fn a_repeated_batch_gets_its_first_offset_and_a_gap_is_refused() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "once", 1);
    let id = client.producer_id().unwrap();
    let numbered = |epoch, sequence| batch_at(&[0, 0, 0], 10, stamp(id, epoch, sequence));
    let produce = |client: &mut Client, bytes: &[u8]| {
        let answer = client.produce("once", 0, bytes).unwrap();
        (code(answer.error_code), answer.base_offset)
    };
    for (round, sequence) in [0, 3, 6, 9, 12].into_iter().enumerate() {
        let expected = (ErrorCode::None, i64::try_from(round).unwrap() * 3);
        assert_eq!(produce(&mut client, &numbered(0, sequence)), expected);
    }
    // The last five batches are remembered.
    assert_eq!(produce(&mut client, &numbered(0, 0)), (ErrorCode::None, 0));
    assert_eq!(produce(&mut client, &numbered(0, 12)), (ErrorCode::None, 12));
    assert_eq!(produce(&mut client, &numbered(0, 18)).0, ErrorCode::OutOfOrderSequenceNumber);
    // A new epoch begins at zero; the old one is fenced.
    assert_eq!(produce(&mut client, &numbered(1, 0)), (ErrorCode::None, 15));
    assert_eq!(produce(&mut client, &numbered(0, 15)).0, ErrorCode::InvalidProducerEpoch);
    broker.kill();
    // And all that after a crash.
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    assert_eq!(produce(&mut client, &numbered(1, 0)), (ErrorCode::None, 15));
    assert_eq!(produce(&mut client, &numbered(1, 6)).0, ErrorCode::OutOfOrderSequenceNumber);
    assert_eq!(produce(&mut client, &numbered(1, 3)), (ErrorCode::None, 18));
    let fresh = client.producer_id().unwrap();
    assert_ne!(fresh, id, "ids are never given twice");
}

#[test]
fn answers_come_in_the_order_of_requests_whatever_core_answers() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "order", 8);
    for number in 0..200 {
        let partition = number % 8;
        let acks = if number % 3 == 0 { 1 } else { -1 };
        client.send(9, &produce_request("order", partition, &batch(1), acks)).unwrap();
    }
    let mut next = [0; 8];
    for number in 0..200 {
        let answer = client.receive::<ProduceRequest>(9).unwrap();
        let answered = &answer.responses[0].partition_responses[0];
        let index = usize::try_from(number % 8).unwrap();
        assert_eq!((code(answered.error_code), answered.index), (ErrorCode::None, number % 8));
        assert_eq!(answered.base_offset, next[index]);
        next[index] += 1;
    }
}

#[test]
fn acks_0_has_no_answer_and_an_error_closes_the_connection() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "silent", 1);
    client.send(9, &produce_request("silent", 0, &batch(1), 0)).unwrap();
    // The next answer is that of the next request.
    let answer = client.produce("silent", 0, &batch(1)).unwrap();
    assert_eq!((code(answer.error_code), answer.base_offset), (ErrorCode::None, 1));
    let frame = encode(9, &produce_request("missing", 0, &batch(1), 0)).unwrap();
    client.send_raw(&frame).unwrap();
    assert!(client.receive_raw().is_err(), "Kafka says so by closing, and there is no other way");
}
