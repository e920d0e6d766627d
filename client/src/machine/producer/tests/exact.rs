//! Single situations, step by step.

use base::{CoreId, Offset, ProducerEpoch, ProducerId, SeededRandom, Timestamp};
use bytes::Bytes;
use wire::ErrorCode;
use wire::batch::Batch;
use wire::native::{ErrorCode as WireCode, ProducedPartition};

use super::*;

mod identity;

/// A producer with one connection, to core 0, that leads everything.
struct Single {
    core: ProducerCore,
    now: Instant,
    actions: Vec<ProducerAction>,
}

struct AllOnCoreZero;

impl Routes for AllOnCoreZero {
    fn route(&self, _: PartitionId) -> Route {
        Route::To(core_of(0))
    }
}

/// A batch as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SentBatch {
    request: RequestId,
    partition: PartitionId,
    epoch: i16,
    sequence: i32,
    records: u32,
}

impl Single {
    fn new(options: ProducerOptions) -> Self {
        let core = ProducerCore::new(options, SeededRandom::new(1));
        Self { core, now: Instant(1_000_000), actions: Vec::new() }
    }

    fn connected(options: ProducerOptions) -> Self {
        let mut single = Self::new(options);
        single.append(0);
        assert!(matches!(single.actions[..], []), "it lingers: {:?}", single.actions);
        single.pass(5 * MS);
        let is_asked = |action: &ProducerAction| matches!(action, ProducerAction::RequestIdentity);
        assert!(single.actions.iter().any(is_asked), "{:?}", single.actions);
        single.step(ProducerEvent::IdentityGiven(identity(0)));
        single.connect();
        let sent = single.sent();
        assert_eq!(sent.len(), 1);
        single.succeed(&sent[0], 0);
        assert_eq!(single.outcomes().len(), 1);
        single.actions.clear();
        single
    }

    fn connect(&mut self) {
        let position = self.actions.iter().position(|action| matches!(action, ProducerAction::Connect(_)));
        self.actions.remove(position.expect("it wants a connection"));
        let destination = core_of(0);
        let event = ProducerEvent::Connected { destination, requests_in_flight_max: 9, payload_bytes_max: 1 << 20 };
        self.step(event);
    }

    fn step(&mut self, event: ProducerEvent<'_>) {
        self.core.step(self.now, event, &mut self.actions);
    }

    fn append(&mut self, index: u32) -> BatchId {
        let record = NewRecord { value: Some(b"value"), timestamp: Timestamp::from_wire(1), ..NewRecord::default() };
        let taken = self.core.append(self.now, &AllOnCoreZero, partition(index), &record, &mut self.actions);
        taken.unwrap().ticket.batch
    }

    /// A record that is sent by itself.
    fn send(&mut self, index: u32) -> SentBatch {
        self.append(index);
        self.step(ProducerEvent::FlushRequested);
        let sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.into_iter().next().unwrap()
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
        self.step(ProducerEvent::TimePassed);
    }

    fn refuse(&mut self, sent: &SentBatch, code: ErrorCode) {
        self.answer(sent, WireCode(code.code()), None);
    }

    fn succeed(&mut self, sent: &SentBatch, offset: u64) {
        self.answer(sent, WireCode::NONE, Offset::new(offset));
    }

    fn answer(&mut self, sent: &SentBatch, error: WireCode, base_offset: Option<Offset>) {
        self.answer_from(sent, error, base_offset, None);
    }

    /// As the core that it was sent to says where the partition is.
    fn answer_from(&mut self, sent: &SentBatch, error: WireCode, base_offset: Option<Offset>, core: Option<CoreId>) {
        let (topic, partition) = (sent.partition.topic, sent.partition.index);
        let log_append_time = None;
        let answer = ProducedPartition {
            topic,
            partition,
            error,
            base_offset,
            log_append_time,
            log_start_offset: None,
            message: None,
            core,
        };
        self.step(ProducerEvent::Answered { request: sent.request, partitions: &[answer], timings: None });
    }

    fn lose(&mut self, sent: &SentBatch) {
        self.step(ProducerEvent::Lost { request: sent.request, sent: Sent::Perhaps });
    }

    /// Takes the batches that were sent.
    fn sent(&mut self) -> Vec<SentBatch> {
        let mut batches = Vec::new();
        self.actions.retain(|action| !matches!(action, ProducerAction::BatchClosed(_)));
        for action in std::mem::take(&mut self.actions) {
            match action {
                ProducerAction::Send(call) => {
                    for (partition, bytes) in &call.batches {
                        batches.push(read(call.request, *partition, bytes));
                    }
                }
                other => self.actions.push(other),
            }
        }
        batches
    }

    fn outcomes(&mut self) -> Vec<(BatchId, Result<Delivered, DeliveryError>)> {
        let mut outcomes = Vec::new();
        for action in std::mem::take(&mut self.actions) {
            match action {
                ProducerAction::Complete { batch, outcome } => outcomes.push((batch, outcome)),
                other => self.actions.push(other),
            }
        }
        outcomes
    }
}

fn read(request: RequestId, partition: PartitionId, bytes: &Bytes) -> SentBatch {
    let (batch, _) = Batch::parse(bytes).unwrap();
    batch.verify_crc().unwrap();
    let producer = batch.header().producer();
    SentBatch {
        request,
        partition,
        epoch: producer.map_or(-1, |producer| producer.epoch.to_wire()),
        sequence: producer.and_then(|producer| producer.base_sequence).map_or(-1, base::Sequence::to_wire),
        records: batch.header().record_count(),
    }
}

fn identity(epoch: i16) -> ProducerIdentity {
    ProducerIdentity { id: ProducerId::new(7).unwrap(), epoch: ProducerEpoch::from_wire(epoch).unwrap() }
}

fn numbers(batches: &[SentBatch]) -> Vec<(i16, i32)> {
    batches.iter().map(|sent| (sent.epoch, sent.sequence)).collect()
}

#[test]
fn records_that_come_together_leave_together_after_the_linger_time() {
    let mut single = Single::connected(options());
    for _ in 0..3 {
        single.append(0);
    }
    single.append(1);
    assert_eq!(single.core.next_wakeup(), Some(single.now.plus(5 * MS)));
    single.pass(4 * MS);
    assert_eq!(single.sent(), []);
    single.pass(MS);
    let sent = single.sent();
    assert_eq!(
        sent.iter().map(|batch| (batch.partition, batch.records)).collect::<Vec<_>>(),
        [(partition(0), 3), (partition(1), 1)]
    );
    assert_eq!(sent[0].request, sent[1].request, "one request to one core");
    assert_eq!(numbers(&sent), [(0, 1), (0, 0)], "each partition counts for itself");
}

#[test]
fn at_most_five_batches_of_a_partition_are_under_way_and_the_others_wait_together() {
    let mut single = Single::connected(ProducerOptions { requests_in_flight_max: 100, ..options() });
    let sent: Vec<_> = (0..5).map(|_| single.send(0)).collect();
    assert_eq!(numbers(&sent), [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5)]);
    for _ in 0..3 {
        single.append(0);
        single.step(ProducerEvent::FlushRequested);
    }
    assert_eq!(single.sent(), []);
    single.succeed(&sent[0], 1);
    let next = single.sent();
    assert_eq!((numbers(&next), next[0].records), (vec![(0, 6)], 3));
}

#[test]
fn a_lost_request_is_repeated_under_its_number_and_the_order_is_kept() {
    let mut single = Single::connected(options());
    let first = single.send(0);
    let second = single.send(0);
    single.step(ProducerEvent::Disconnected { destination: core_of(0) });
    single.lose(&first);
    single.lose(&second);
    single.pass(20 * MS);
    single.connect();
    let again = single.sent();
    assert_eq!(numbers(&again), [(0, 1), (0, 2)]);
    single.succeed(&again[0], 1);
    single.succeed(&again[1], 2);
    let offsets: Vec<_> = single.outcomes().into_iter().map(|(_, outcome)| outcome.unwrap().base_offset).collect();
    assert_eq!(offsets, [Offset::new(1), Offset::new(2)]);
}

#[test]
fn the_batches_after_a_refused_one_wait_for_it() {
    let mut single = Single::connected(options());
    let sent = [single.send(0), single.send(0), single.send(0)];
    single.refuse(&sent[0], ErrorCode::NotEnoughReplicas);
    single.refuse(&sent[1], ErrorCode::OutOfOrderSequenceNumber);
    single.refuse(&sent[2], ErrorCode::OutOfOrderSequenceNumber);
    assert_eq!(single.sent(), [], "not at once");
    single.pass(200 * MS);
    let again = single.sent();
    assert_eq!(numbers(&again), [(0, 1), (0, 2), (0, 3)]);
    again.iter().zip(1..).for_each(|(sent, offset)| single.succeed(sent, offset));
    assert!(single.outcomes().iter().all(|(_, outcome)| outcome.is_ok()));
}

#[test]
fn a_partition_that_moved_asks_for_fresh_metadata() {
    let mut single = Single::connected(options());
    let sent = single.send(0);
    single.refuse(&sent, ErrorCode::NotLeaderOrFollower);
    let refresh = |action: &ProducerAction| matches!(action, ProducerAction::RefreshMetadata(_));
    assert!(single.actions.iter().any(refresh), "{:?}", single.actions);
    struct AllOnCoreOne;
    impl Routes for AllOnCoreOne {
        fn route(&self, _: PartitionId) -> Route {
            Route::To(core_of(1))
        }
    }
    single.step(ProducerEvent::RoutesChanged(&AllOnCoreOne));
    single.actions.clear();
    single.pass(20 * MS);
    assert!(matches!(single.actions[..], [ProducerAction::Connect(to)] if to == core_of(1)), "{:?}", single.actions);
}

#[test]
fn a_batch_whose_fate_is_unknown_is_not_sent_under_another_number() {
    let mut single = Single::connected(options());
    let sent = single.send(0);
    single.lose(&sent);
    single.pass(20 * MS);
    let again = single.sent();
    single.refuse(&again[0], ErrorCode::OutOfOrderSequenceNumber);
    let outcomes = single.outcomes();
    assert!(matches!(outcomes[..], [(_, Err(DeliveryError::InDoubt { .. }))]), "{outcomes:?}");
    assert_eq!(numbers(&[single.send(0)]), [(1, 0)]);
}

#[test]
fn a_batch_that_is_refused_for_good_leaves_its_number_to_the_next() {
    let mut single = Single::connected(options());
    let sent = single.send(0);
    single.refuse(&sent, ErrorCode::MessageTooLarge);
    let outcomes = single.outcomes();
    let Err(error) = &outcomes[0].1 else { panic!("it was refused") };
    assert_eq!(error.fate(), Fate::NotAppended);
    assert!(error.to_string().starts_with("the broker refused the batch: MESSAGE_TOO_LARGE (10)"), "{error}");
    assert_eq!(numbers(&[single.send(0)]), [(0, 1)]);
}

#[test]
fn a_number_is_not_given_out_again_while_a_later_one_is_in_doubt() {
    let mut single = Single::connected(options());
    let sent = [single.send(0), single.send(0)];
    single.refuse(&sent[1], ErrorCode::UnknownServerError);
    single.refuse(&sent[0], ErrorCode::MessageTooLarge);
    let fates: Vec<_> = single.outcomes().iter().map(|(_, outcome)| outcome.as_ref().unwrap_err().fate()).collect();
    assert_eq!(fates, [Fate::Unknown, Fate::NotAppended]);
    // Under the number of the first, a record could be followed by the second, which was sent before it.
    assert_eq!(numbers(&[single.send(0)]), [(1, 0)]);
}

#[test]
fn the_batches_behind_one_that_is_refused_for_good_are_numbered_again_even_if_their_attempts_were_lost() {
    let mut single = Single::connected(options());
    let sent = [single.send(0), single.send(0), single.send(0)];
    single.refuse(&sent[0], ErrorCode::InvalidRecord);
    single.refuse(&sent[1], ErrorCode::OutOfOrderSequenceNumber);
    single.lose(&sent[2]);
    let again = single.sent();
    assert_eq!(numbers(&again), [(1, 0)], "neither can have been appended behind the hole");
    single.succeed(&again[0], 1);
    assert_eq!(numbers(&single.sent()), [(1, 1)]);
    assert_eq!(single.outcomes().len(), 2);
}

#[test]
fn the_batch_before_a_hole_goes_on_under_its_number() {
    let mut single = Single::connected(options());
    let sent = [single.send(0), single.send(0), single.send(0)];
    single.lose(&sent[0]);
    single.refuse(&sent[1], ErrorCode::InvalidRecord);
    single.refuse(&sent[2], ErrorCode::OutOfOrderSequenceNumber);
    single.pass(200 * MS);
    let again = single.sent();
    assert_eq!(numbers(&again), [(0, 1)]);
    single.succeed(&again[0], 1);
    assert_eq!(numbers(&single.sent()), [(1, 0)]);
}

#[test]
fn a_repetition_that_the_broker_knows_is_a_success_without_an_offset() {
    let mut single = Single::connected(options());
    let sent = single.send(0);
    single.lose(&sent);
    single.pass(20 * MS);
    let again = single.sent();
    single.refuse(&again[0], ErrorCode::DuplicateSequenceNumber);
    let outcomes = single.outcomes();
    assert!(matches!(outcomes[..], [(_, Ok(Delivered { base_offset: None, .. }))]), "{outcomes:?}");
}

#[test]
fn a_batch_that_runs_out_of_time_says_whether_it_was_sent() {
    let mut single = Single::connected(options());
    let sent = single.send(0);
    single.refuse(&sent, ErrorCode::NotEnoughReplicas);
    single.pass(Duration::from_secs(60));
    let unanswered = single.sent();
    assert_eq!(numbers(&unanswered), [(0, 1)]);
    single.append(1);
    single.step(ProducerEvent::Disconnected { destination: core_of(0) });
    single.pass(Duration::from_secs(60));
    let outcomes = single.outcomes();
    let [(_, Err(error))] = &outcomes[..] else { panic!("one is out of time: {outcomes:?}") };
    assert_eq!(error.fate(), Fate::Unknown);
    let said = "not delivered within 120s; the last answer was NOT_ENOUGH_REPLICAS (19): ";
    assert!(error.to_string().starts_with(said), "{error}");
    single.pass(Duration::from_secs(60));
    let outcomes = single.outcomes();
    let [(_, Err(error))] = &outcomes[..] else { panic!("the other one is out of time: {outcomes:?}") };
    assert_eq!((error.fate(), error.to_string()), (Fate::NotAppended, "not delivered within 120s".to_owned()));
    // The late answer changes nothing, and what comes after tells whether the broker has the first.
    single.succeed(&unanswered[0], 1);
    single.connect();
    assert_eq!(numbers(&[single.send(0)]), [(0, 2)]);
}

#[test]
fn records_of_a_deleted_topic_fail_at_once() {
    struct Nowhere;
    impl Routes for Nowhere {
        fn route(&self, _: PartitionId) -> Route {
            Route::Gone
        }
    }
    let mut single = Single::connected(options());
    let sent = single.send(0);
    single.append(0);
    single.step(ProducerEvent::RoutesChanged(&Nowhere));
    let outcomes = single.outcomes();
    let fates: Vec<_> = outcomes.iter().map(|(_, outcome)| outcome.as_ref().unwrap_err().fate()).collect();
    assert_eq!(fates, [Fate::Unknown, Fate::NotAppended]);
    single.succeed(&sent, 1);
    assert_eq!((single.outcomes(), single.core.next_wakeup()), (vec![], None));
}

#[test]
fn without_acknowledgement_a_batch_is_done_when_it_is_written() {
    let unacknowledged = ProducerOptions { acks: Acks::None, idempotence: Idempotence::Off, ..options() };
    let mut single = Single::new(unacknowledged);
    single.append(0);
    single.step(ProducerEvent::FlushRequested);
    single.connect();
    let sent = single.sent();
    assert_eq!(numbers(&sent), [(-1, -1)]);
    single.step(ProducerEvent::Written { request: sent[0].request });
    assert!(matches!(single.outcomes()[..], [(_, Ok(Delivered { base_offset: None, .. }))]));
    let sent = single.send(0);
    single.lose(&sent);
    assert!(matches!(single.outcomes()[..], [(_, Err(DeliveryError::InDoubt { .. }))]));
}

#[test]
fn a_request_holds_what_fits_and_every_partition_gets_its_turn() {
    let small = ProducerOptions { request_bytes_max: 1_000, requests_in_flight_max: 1, ..options() };
    let mut single = Single::connected(small);
    for index in 0..30 {
        single.append(index);
    }
    single.step(ProducerEvent::FlushRequested);
    let mut seen = Vec::new();
    loop {
        let sent = single.sent();
        if sent.is_empty() {
            break;
        }
        assert!(sent.len() > 1 && sent.iter().all(|batch| batch.request == sent[0].request));
        seen.extend(sent.iter().map(|batch| batch.partition.index.0));
        // The first partitions have more to send at once, and still come last.
        single.append(0);
        single.step(ProducerEvent::FlushRequested);
        if seen.len() >= 30 {
            break;
        }
        let refusal = Refusal::from(ErrorCode::MessageTooLarge);
        single.step(ProducerEvent::Refused { request: sent[0].request, refusal });
    }
    seen.truncate(30);
    assert_eq!(seen, (0..30).collect::<Vec<_>>());
}

#[test]
fn a_record_that_finds_no_memory_sends_away_what_lingers() {
    let mut single = Single::connected(options());
    let record = NewRecord { value: Some(&[7; 150]), ..NewRecord::default() };
    let mut index = 0;
    while single.core.append(single.now, &AllOnCoreZero, partition(index), &record, &mut single.actions).is_ok() {
        index += 1;
    }
    assert!(index > 50 && single.core.buffered_bytes() > 19_000);
    assert!(!single.sent().is_empty(), "nobody waits for the linger time");
}

/// Says where the partition is by now.
struct AllOnCoreOne;

impl Routes for AllOnCoreOne {
    fn route(&self, _: PartitionId) -> Route {
        Route::To(core_of(1))
    }
}

#[test]
fn a_producer_follows_a_partition_to_another_core_once_the_old_one_has_answered() {
    let mut single = Single::connected(options());
    let (first, second) = (single.send(0), single.send(0));
    single.answer_from(&first, WireCode::NONE, Offset::new(1), Some(CoreId(1)));
    let found = |action: &ProducerAction| matches!(action, ProducerAction::FoundElsewhere(found, CoreId(1)) if *found == partition(0));
    assert!(single.actions.iter().any(found), "{:?}", single.actions);
    single.actions.clear();
    single.step(ProducerEvent::RoutesChanged(&AllOnCoreOne));
    single.append(0);
    single.step(ProducerEvent::FlushRequested);
    assert_eq!(single.sent(), [], "it would overtake what the old core passes on");
    single.succeed(&second, 2);
    single.actions.retain(|action| !matches!(action, ProducerAction::Complete { .. }));
    assert!(matches!(single.actions[..], [ProducerAction::Connect(destination)] if destination == core_of(1)));
    single.actions.clear();
    let destination = core_of(1);
    single.step(ProducerEvent::Connected { destination, requests_in_flight_max: 9, payload_bytes_max: 1 << 20 });
    assert_eq!(single.sent().len(), 1);
}
