//! Single situations, step by step.

use base::{BrokerId, CoreId, LeaderEpoch, Timestamp};
use bytes::Bytes;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord, patch};
use wire::native::{ErrorCode as WireCode, FetchData, FetchGrant, FetchOpen, FetchOpened, OffsetAnswer, OffsetAt};
use wire::{Compressor, Decompressor, ErrorCode};

use super::log::offset;
use super::world::{Led, MS, core_of, options, partition};
use super::*;
use crate::machine::refusal::Refusal;
use crate::machine::route::Destination;

/// A consumer of one partition that core 0 leads.
struct Single {
    core: ConsumerCore,
    now: Instant,
    actions: Vec<ConsumerAction>,
}

impl Single {
    fn new(options: ConsumerOptions, start: Start) -> Self {
        let mut core = ConsumerCore::new(options, SeededRandom::new(1));
        let mut actions = Vec::new();
        let routes = Led([(partition(0), core_of(0))].into());
        core.assign(Instant(1), &routes, &[(partition(0), start)], &mut actions);
        assert_eq!(actions, [ConsumerAction::Connect(core_of(0))]);
        let mut single = Self { core, now: Instant(1), actions: Vec::new() };
        single.step(ConsumerEvent::Connected { destination: core_of(0) });
        single
    }

    fn step(&mut self, event: ConsumerEvent<'_>) {
        self.core.step(self.now, event, &mut self.actions);
    }

    fn actions(&mut self) -> Vec<ConsumerAction> {
        std::mem::take(&mut self.actions)
    }

    /// The stream that was opened, and nothing else was done.
    fn opened(&mut self) -> FetchOpen {
        let actions = self.actions();
        let [ConsumerAction::OpenStream { destination, open }] = actions[..] else {
            panic!("a stream was to be opened: {actions:?}");
        };
        assert_eq!(destination, core_of(0));
        let opened = FetchOpened { stream: open.stream, high_watermark: Some(offset(100)), log_start_offset: None };
        self.step(ConsumerEvent::Opened { stream: open.stream, opened });
        open
    }

    /// The offset that was asked for.
    fn asked(&mut self) -> (QueryId, OffsetAt) {
        let actions = self.actions();
        let [ConsumerAction::ListOffsets { query, queries, .. }] = &actions[..] else {
            panic!("an offset was to be asked for: {actions:?}");
        };
        (*query, queries[0].at)
    }

    fn answer(&mut self, query: QueryId, found: Option<u64>) {
        let id = partition(0);
        let answer = OffsetAnswer {
            topic: id.topic,
            partition: id.index,
            error: WireCode::NONE,
            offset: found.map(offset),
            timestamp: None,
            leader_epoch: None,
        };
        self.step(ConsumerEvent::OffsetsListed { query, answers: &[answer] });
    }

    fn data(&mut self, open: &FetchOpen, payload: Bytes, next: u64) {
        self.data_from(open, payload, next, None);
    }

    /// As the core that it is asked of says where it is.
    fn data_from(&mut self, open: &FetchOpen, payload: Bytes, next: u64, core: Option<CoreId>) {
        let data = FetchData {
            stream: open.stream,
            base_offset: None,
            next_offset: Some(offset(next)),
            high_watermark: Some(offset(200)),
            log_start_offset: Some(offset(3)),
            timings: None,
            core,
        };
        self.step(ConsumerEvent::Data { stream: open.stream, data, payload });
    }

    fn take(&mut self) -> Option<Vec<u64>> {
        let chunk = self.core.take(&mut self.actions)?;
        let records = chunk.decode(&mut Decompressor::new(), 1 << 20).unwrap();
        Some(records.iter().map(|record| record.offset().get()).collect())
    }

    fn pass(&mut self, time: std::time::Duration) {
        self.now = self.now.plus(time);
        self.step(ConsumerEvent::TimePassed);
    }
}

fn batch(base: u64, count: u64, bytes: usize) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for _ in 0..count {
        let record = NewRecord { value: Some(&vec![7; bytes]), ..NewRecord::default() };
        builder.push(&record).unwrap();
    }
    let mut bytes = builder.finish(&mut Compressor::new()).to_vec();
    patch::assign(&mut bytes, offset(base), LeaderEpoch::ZERO);
    bytes.into()
}

#[test]
fn a_reader_begins_where_it_was_told() {
    let mut single = Single::new(options(), Start::Offset(offset(42)));
    let open = single.opened();
    assert_eq!((open.offset, open.credit_bytes, open.frame_bytes_max), (offset(42), 16 << 10, 2_000));
    assert_eq!((single.core.position(partition(0)), single.core.lag(partition(0))), (Some(offset(42)), Some(58)));

    for (start, at) in [(Start::Earliest, OffsetAt::Earliest), (Start::Latest, OffsetAt::Latest)] {
        let mut single = Single::new(options(), start);
        let (query, asked) = single.asked();
        assert_eq!((asked, single.core.position(partition(0))), (at, None));
        single.answer(query, Some(7));
        assert_eq!(single.opened().offset, offset(7));
    }
    let timestamp = Timestamp::from_millis(5);
    let mut single = Single::new(options(), Start::Timestamp(timestamp));
    let (query, asked) = single.asked();
    assert_eq!(asked, OffsetAt::Timestamp(timestamp));
    single.answer(query, None);
    let (query, asked) = single.asked();
    assert_eq!(asked, OffsetAt::Latest, "nothing is that young");
    single.answer(query, Some(9));
    assert_eq!(single.opened().offset, offset(9));
}

#[test]
fn records_before_the_wanted_one_are_left_out_and_the_position_moves_as_they_are_taken() {
    let mut single = Single::new(options(), Start::Offset(offset(12)));
    let open = single.opened();
    single.data(&open, batch(10, 5, 1), 15);
    assert_eq!(single.actions(), [ConsumerAction::Wake]);
    single.data(&open, batch(15, 2, 1), 17);
    assert_eq!(single.actions(), [], "whoever waits was woken");
    assert_eq!(single.core.position(partition(0)), Some(offset(12)));
    assert_eq!(single.take(), Some(vec![12, 13, 14]));
    assert_eq!((single.core.position(partition(0)), single.core.lag(partition(0))), (Some(offset(15)), Some(185)));
    assert_eq!((single.take(), single.take()), (Some(vec![15, 16]), None));
    assert_eq!(single.core.log_start_offset(partition(0)), Some(offset(3)));
}

#[test]
fn credit_is_granted_as_records_are_taken_and_not_for_every_little() {
    let mut single = Single::new(options(), Start::Offset(offset(0)));
    let open = single.opened();
    for index in 0..5 {
        single.data(&open, batch(index, 1, 4_000), index + 1);
    }
    single.actions();
    assert_eq!(single.core.buffered_bytes() / 1_000, 20, "the last frame exceeds the credit");
    single.take();
    assert_eq!(single.actions(), [], "not worth a message");
    single.take();
    single.take();
    let actions = single.actions();
    let [ConsumerAction::Grant { grant: FetchGrant { stream, bytes }, .. }] = actions[..] else {
        panic!("credit was to be granted: {actions:?}");
    };
    assert_eq!(stream, open.stream);
    // What is held, what was granted before, and this are a partition's share.
    let held = single.core.buffered_bytes();
    let received = 5 * batch(0, 1, 4_000).len();
    assert_eq!(held + 16_384 + usize::try_from(bytes).unwrap() - received, 16_384);
}

#[test]
fn a_broker_that_sends_without_credit_is_stopped() {
    let mut single = Single::new(options(), Start::Offset(offset(0)));
    let open = single.opened();
    for index in 0..5 {
        single.data(&open, batch(index, 1, 4_000), index + 1);
    }
    single.actions();
    single.data(&open, batch(5, 1, 10), 6);
    assert!(single.actions().contains(&ConsumerAction::Close { destination: core_of(0), stream: open.stream }));
    let error = single.core.take_error().unwrap();
    assert_eq!(error.to_string(), "the broker broke the protocol at offset 5: it sent more than it was granted");
    assert_eq!(single.take(), Some(vec![0]), "what came before is sound");
}

#[test]
fn damaged_data_is_reported_and_fetched_again() {
    let mut single = Single::new(options(), Start::Offset(offset(0)));
    let open = single.opened();
    let mut damaged = batch(0, 3, 10).to_vec();
    damaged[70] ^= 1;
    single.data(&open, damaged.into(), 3);
    let actions = single.actions();
    assert_eq!(actions[0], ConsumerAction::Close { destination: core_of(0), stream: open.stream });
    let error = single.core.take_error().unwrap();
    assert!(error.to_string().starts_with("the data at offset 0 is damaged: the bytes have checksum"), "{error}");
    assert_eq!((single.core.take_error(), single.take()), (None, None));
    single.pass(20 * MS);
    let again = single.opened();
    assert_eq!((again.offset, again.stream == open.stream), (offset(0), false));
    // What the old stream still brings is not listened to.
    single.data(&open, batch(0, 3, 10), 3);
    single.data(&again, batch(0, 2, 10), 2);
    assert_eq!((single.take(), single.take()), (Some(vec![0, 1]), None));
}

#[test]
fn records_that_do_not_decompress_are_fetched_again_from_where_they_began() {
    let mut single = Single::new(options(), Start::Offset(offset(0)));
    let open = single.opened();
    single.data(&open, batch(0, 2, 10), 2);
    single.data(&open, batch(2, 2, 10), 4);
    single.actions();
    let chunk = single.core.take(&mut single.actions).unwrap();
    let error = ConsumeError::Damaged { partition: partition(0), offset: offset(0), what: "bad".to_owned() };
    single.core.not_decoded(single.now, &chunk, error.clone(), &mut single.actions);
    assert_eq!((single.core.take_error(), single.core.position(partition(0))), (Some(error), Some(offset(0))));
    single.actions();
    single.pass(20 * MS);
    assert_eq!(single.opened().offset, offset(0));
}

#[test]
fn batches_that_go_back_or_are_cut_off_are_refused() {
    let cases: [(&str, Vec<(Bytes, u64)>); 4] = [
        ("a batch goes back behind the one before it", vec![(batch(0, 4, 1), 4), (batch(3, 2, 1), 5)]),
        ("the first batch of a stream ends before the wanted offset", vec![(Bytes::new(), 2), (batch(0, 2, 1), 2)]),
        ("a batch is cut off at the end of its frame", vec![(batch(0, 4, 1).slice(..70), 4)]),
        ("a frame ends before its last batch does", vec![(batch(0, 4, 1), 3)]),
    ];
    for (what, frames) in cases {
        let mut single = Single::new(options(), Start::Offset(offset(0)));
        let open = single.opened();
        for (payload, next) in frames {
            assert_eq!(single.core.take_error(), None, "{what}: the frame before was sound");
            single.data(&open, payload, next);
        }
        let error = single.core.take_error().expect(what);
        assert!(error.to_string().ends_with(what), "{error} instead of {what}");
    }
}

#[test]
fn an_offset_out_of_range_follows_the_policy() {
    let refusal = || Refusal::from(ErrorCode::OffsetOutOfRange);
    for (reset, at) in [(ResetPolicy::Earliest, OffsetAt::Earliest), (ResetPolicy::Latest, OffsetAt::Latest)] {
        let mut single = Single::new(ConsumerOptions { reset, ..options() }, Start::Offset(offset(50)));
        let open = single.opened();
        single.step(ConsumerEvent::OpenRefused { stream: open.stream, refusal: refusal() });
        assert_eq!(single.actions(), [], "not at once");
        single.pass(20 * MS);
        let (query, asked) = single.asked();
        assert_eq!(asked, at);
        single.answer(query, Some(77));
        let reset = ConsumerAction::Reset { partition: partition(0), wanted: offset(50), offset: offset(77) };
        assert_eq!(single.actions.remove(0), reset);
        assert_eq!(single.opened().offset, offset(77));
    }
    let mut single = Single::new(ConsumerOptions { reset: ResetPolicy::Fail, ..options() }, Start::Offset(offset(50)));
    let open = single.opened();
    single.data(&open, batch(50, 1, 1), 51);
    single.step(ConsumerEvent::Ended { stream: open.stream, refusal: Some(refusal()) });
    let error = single.core.take_error().unwrap();
    assert_eq!(error, ConsumeError::OutOfRange { partition: partition(0), offset: offset(51) });
    assert_eq!(single.take(), Some(vec![50]), "what was fetched is there");
    assert_eq!((single.core.position(partition(0)), single.core.next_wakeup()), (Some(offset(51)), None));
    single.actions();
    single.core.seek(single.now, partition(0), Start::Offset(offset(3)), &mut single.actions).unwrap();
    assert_eq!(single.opened().offset, offset(3));
}

#[test]
fn what_was_fetched_of_a_log_that_was_cut_off_since_is_dropped() {
    let mut single =
        Single::new(ConsumerOptions { reset: ResetPolicy::Latest, ..options() }, Start::Offset(offset(50)));
    let open = single.opened();
    single.data(&open, batch(50, 10, 1), 60);
    let refusal = Refusal::from(ErrorCode::OffsetOutOfRange);
    single.step(ConsumerEvent::Ended { stream: open.stream, refusal: Some(refusal) });
    single.actions();
    single.pass(20 * MS);
    let (query, _) = single.asked();
    single.answer(query, Some(55));
    assert_eq!(single.core.position(partition(0)), Some(offset(55)));
    assert_eq!(single.take(), None);
}

#[test]
fn a_partition_that_moved_is_followed() {
    let mut single = Single::new(options(), Start::Offset(offset(0)));
    let open = single.opened();
    single.data(&open, batch(0, 3, 1), 3);
    single.actions();
    let refusal = Refusal::from(ErrorCode::NotLeaderOrFollower);
    single.step(ConsumerEvent::Ended { stream: open.stream, refusal: Some(refusal) });
    assert_eq!(single.actions(), [ConsumerAction::RefreshMetadata(partition(0).topic)]);
    let elsewhere = Destination { broker: BrokerId(2), core: CoreId(5) };
    single.step(ConsumerEvent::RoutesChanged(&Led([(partition(0), elsewhere)].into())));
    single.pass(20 * MS);
    assert_eq!(single.actions(), [ConsumerAction::Connect(elsewhere)]);
    single.step(ConsumerEvent::Connected { destination: elsewhere });
    let actions = single.actions();
    let [ConsumerAction::OpenStream { destination, open }] = actions[..] else { panic!("{actions:?}") };
    assert_eq!((destination, open.offset), (elsewhere, offset(3)));
    assert_eq!(open.credit_bytes, 16_384 - u32::try_from(batch(0, 3, 1).len()).unwrap(), "some is held already");
}

#[test]
fn a_topic_that_was_deleted_or_is_forbidden_is_an_error() {
    struct Nowhere;
    impl Routes for Nowhere {
        fn route(&self, _: PartitionId) -> Route {
            Route::Gone
        }
    }
    let mut single = Single::new(options(), Start::Offset(offset(0)));
    let open = single.opened();
    single.step(ConsumerEvent::RoutesChanged(&Nowhere));
    let close = ConsumerAction::Close { destination: core_of(0), stream: open.stream };
    assert_eq!(single.actions(), [close, ConsumerAction::Wake]);
    assert_eq!(single.core.take_error(), Some(ConsumeError::TopicGone { partition: partition(0) }));

    let mut single = Single::new(options(), Start::Offset(offset(0)));
    let open = single.opened();
    let refusal = Refusal::from(ErrorCode::TopicAuthorizationFailed);
    single.step(ConsumerEvent::OpenRefused { stream: open.stream, refusal });
    assert!(matches!(single.core.take_error(), Some(ConsumeError::Refused { .. })));
    single.actions();
    single.pass(20 * MS);
    assert_eq!(single.opened().offset, offset(0), "somebody may have granted it");
}

#[test]
fn paused_partitions_give_nothing_and_get_no_credit() {
    let mut single = Single::new(options(), Start::Offset(offset(0)));
    let open = single.opened();
    single.data(&open, batch(0, 1, 12_000), 1);
    single.core.pause(partition(0)).unwrap();
    single.actions();
    assert_eq!(single.take(), None);
    single.data(&open, batch(1, 1, 12_000), 2);
    assert_eq!((single.take(), single.actions()), (None, vec![]));
    single.core.resume(single.now, partition(0), &mut single.actions).unwrap();
    assert_eq!(single.actions(), [ConsumerAction::Wake]);
    assert_eq!((single.take(), single.take()), (Some(vec![0]), Some(vec![1])));
    assert!(matches!(single.actions()[..], [ConsumerAction::Grant { .. }, ..]));
    assert_eq!(single.core.pause(partition(9)), Err(NotAssigned { partition: partition(9) }));
}

#[test]
fn partitions_take_turns() {
    let mut core = ConsumerCore::new(options(), SeededRandom::new(1));
    let mut actions = Vec::new();
    let ids = [partition(0), partition(1), partition(2)];
    let routes = Led(ids.iter().map(|id| (*id, core_of(0))).collect());
    let assignment = ids.map(|id| (id, Start::Offset(offset(0))));
    core.assign(Instant(1), &routes, &assignment, &mut actions);
    core.step(Instant(1), ConsumerEvent::Connected { destination: core_of(0) }, &mut actions);
    let streams: Vec<StreamId> = actions
        .iter()
        .filter_map(|action| match action {
            ConsumerAction::OpenStream { open, .. } => Some(open.stream),
            _ => None,
        })
        .collect();
    assert_eq!(streams.len(), 3);
    for (stream, frames) in streams.into_iter().zip([4, 1, 2]) {
        for frame in 0..frames {
            let data = FetchData {
                stream,
                base_offset: None,
                next_offset: None,
                high_watermark: None,
                log_start_offset: None,
                timings: None,
                core: None,
            };
            let payload = batch(frame, 1, 1);
            core.step(Instant(1), ConsumerEvent::Data { stream, data, payload }, &mut actions);
        }
    }
    let turns: Vec<u32> =
        std::iter::from_fn(|| core.take(&mut actions)).map(|chunk| chunk.partition().index.0).collect();
    assert_eq!(turns, [0, 1, 2, 0, 2, 0, 0]);
}

#[test]
fn a_new_assignment_closes_what_the_one_before_had_open() {
    let mut single = Single::new(options(), Start::Offset(offset(0)));
    let open = single.opened();
    single.data(&open, batch(0, 1, 1), 1);
    single.actions();
    let routes = Led([(partition(1), core_of(0))].into());
    let assignment = [(partition(1), Start::Offset(offset(5)))];
    single.core.assign(single.now, &routes, &assignment, &mut single.actions);
    let close = ConsumerAction::Close { destination: core_of(0), stream: open.stream };
    assert_eq!(single.actions.remove(0), close);
    assert_eq!(single.opened().partition, partition(1).index);
    assert_eq!((single.take(), single.core.assigned().collect::<Vec<_>>()), (None, vec![partition(1)]));
    single.data(&open, batch(1, 1, 1), 2);
    assert_eq!(single.take(), None);
}

#[test]
fn a_stream_follows_its_partition_to_another_core_of_the_broker() {
    let mut single = Single::new(options(), Start::Offset(offset(10)));
    let open = single.opened();
    single.data_from(&open, batch(10, 5, 1), 15, Some(CoreId(1)));
    assert_eq!(single.actions(), [ConsumerAction::FoundElsewhere(partition(0), CoreId(1)), ConsumerAction::Wake]);
    let routes = Led([(partition(0), core_of(1))].into());
    single.step(ConsumerEvent::RoutesChanged(&routes));
    let (destination, stream) = (core_of(0), open.stream);
    assert_eq!(
        single.actions(),
        [ConsumerAction::Close { destination, stream }, ConsumerAction::Connect(core_of(1))],
        "the old core would serve it for ever, with a hop"
    );
    // What was on its way is left out.
    single.data_from(&open, batch(15, 5, 1), 20, Some(CoreId(1)));
    single.step(ConsumerEvent::Connected { destination: core_of(1) });
    let actions = single.actions();
    let [ConsumerAction::OpenStream { destination, open }] = actions[..] else { panic!("{actions:?}") };
    assert_eq!((destination, open.offset), (core_of(1), offset(15)));
    single.data(&open, batch(15, 2, 1), 17);
    assert_eq!((single.take(), single.take()), (Some((10..15).collect()), Some(vec![15, 16])));
}
