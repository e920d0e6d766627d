//! What is known, what is asked for, and when it is asked for again.

use base::{CoreId, LeaderEpoch, PartitionIndex};
use wire::native::{Endpoint, ErrorCode as WireCode, PartitionRoute};

use super::*;

const BROKER: BrokerId = BrokerId(1);
const OPTIONS: MetadataOptions = MetadataOptions {
    age_max: Duration::from_secs(300),
    backoff: BackoffOptions { first: Duration::from_millis(100), max: Duration::from_secs(1) },
};

fn cache() -> MetadataCache {
    MetadataCache::new(OPTIONS, SeededRandom::new(1))
}

fn at(millis: u64) -> Instant {
    Instant::ZERO.plus(Duration::from_millis(millis))
}

fn route(index: u32, leader: u32) -> PartitionRoute {
    PartitionRoute {
        index: PartitionIndex(index),
        leader: BrokerId(leader),
        leader_epoch: LeaderEpoch::ZERO,
        core: CoreId(u16::try_from(index % 2).unwrap()),
        error: WireCode::NONE,
    }
}

fn topic(name: &str, id: u128, partitions: Vec<PartitionRoute>) -> TopicMetadata<'_> {
    TopicMetadata { error: WireCode::NONE, name, id: TopicId::from_u128(id), partitions }
}

fn reply(topics: Vec<TopicMetadata<'_>>) -> MetadataReply<'_> {
    MetadataReply { topics, core_endpoints: vec![Endpoint { host: "127.0.0.1", port: 9 }], has_more: false }
}

fn names(request: Option<Vec<Arc<str>>>) -> Vec<String> {
    request.unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn a_topic_is_asked_for_when_it_is_first_wanted_and_again_when_it_has_aged() {
    let mut cache = cache();
    assert_eq!((cache.take_request(at(0)), cache.next_wakeup()), (None, None));
    assert!(matches!(cache.look_up(at(0), "logs"), Lookup::Awaited));
    assert_eq!(cache.next_wakeup(), Some(at(0)));
    assert_eq!(names(cache.take_request(at(0))), ["logs"]);
    assert!(matches!(cache.look_up(at(1), "more"), Lookup::Awaited));
    assert_eq!(cache.take_request(at(1)), None, "a request is under way");
    cache.apply(at(2), BROKER, &reply(vec![topic("logs", 5, vec![route(0, 1), route(1, 1)])]));
    let Lookup::Known(known) = cache.look_up(at(2), "logs") else { panic!("the topic is known") };
    assert_eq!((known.partition_count(), known.id()), (2, TopicId::from_u128(5).unwrap()));
    assert_eq!(names(cache.take_request(at(2))), ["more"]);
    cache.apply(at(3), BROKER, &reply(vec![]));
    assert!(matches!(cache.look_up(at(3), "more"), Lookup::Missing));
    assert_eq!(cache.next_wakeup(), Some(at(300_002)));
    assert_eq!(names(cache.take_request(at(300_002))), ["logs"]);
}

#[test]
fn routes_lead_to_the_core_and_change_with_the_leader() {
    let mut cache = cache();
    cache.look_up(at(0), "logs");
    cache.take_request(at(0));
    let leaderless = PartitionRoute { error: WireCode(5), ..route(2, 0) };
    cache.apply(at(1), BROKER, &reply(vec![topic("logs", 5, vec![route(0, 1), route(1, 2), leaderless])]));
    let partition = |index| PartitionId::new(TopicId::from_u128(5).unwrap(), index);
    let to = |broker, core| Route::To(Destination { broker: BrokerId(broker), core: CoreId(core) });
    assert_eq!(cache.route(partition(0)), to(1, 0));
    assert_eq!(cache.route(partition(1)), to(2, 1));
    assert_eq!(cache.route(partition(2)), Route::Unknown);
    assert_eq!(cache.route(partition(3)), Route::Gone);
    assert!(cache.has_unknown_leaders());
    assert_eq!(cache.next_wakeup(), Some(at(101)), "a leader may be found soon");
    assert_eq!(names(cache.take_request(at(101))), ["logs"]);
    cache.apply(at(102), BROKER, &reply(vec![topic("logs", 5, vec![route(0, 1), route(1, 1), route(2, 1)])]));
    assert_eq!((cache.route(partition(1)), cache.route(partition(2))), (to(1, 1), to(1, 0)));
}

#[test]
fn a_topic_that_was_made_again_is_another_topic() {
    let mut cache = cache();
    cache.look_up(at(0), "logs");
    cache.take_request(at(0));
    cache.apply(at(1), BROKER, &reply(vec![topic("logs", 5, vec![route(0, 1)])]));
    let (old, new) = (TopicId::from_u128(5).unwrap(), TopicId::from_u128(6).unwrap());
    cache.doubt(at(200), old);
    assert_eq!(names(cache.take_request(at(200))), ["logs"]);
    cache.apply(at(201), BROKER, &reply(vec![topic("logs", 6, vec![route(0, 1)])]));
    assert_eq!(cache.route(PartitionId::new(old, 0)), Route::Gone);
    assert!(matches!(cache.route(PartitionId::new(new, 0)), Route::To(_)));
    assert_eq!(cache.route(PartitionId::new(TopicId::from_u128(77).unwrap(), 0)), Route::Unknown);
    assert_eq!((cache.name_of(old), cache.name_of(new).map(|name| &**name)), (None, Some("logs")));
}

#[test]
fn doubts_are_looked_into_at_once_but_not_more_often_than_ten_times_a_second() {
    let mut cache = cache();
    cache.look_up(at(0), "logs");
    cache.take_request(at(1_000));
    let answer = reply(vec![topic("logs", 5, vec![route(0, 1)])]);
    cache.apply(at(1_001), BROKER, &answer);
    let id = TopicId::from_u128(5).unwrap();
    cache.doubt(at(1_002), id);
    assert_eq!(cache.next_wakeup(), Some(at(1_100)));
    assert_eq!(cache.take_request(at(1_099)), None);
    assert!(cache.take_request(at(1_100)).is_some());
    cache.apply(at(1_101), BROKER, &answer);
    cache.doubt_broker(at(5_000), BrokerId(2));
    assert_eq!(cache.take_request(at(5_000)), None, "broker 2 leads nothing");
    cache.doubt_broker(at(5_000), BrokerId(1));
    assert!(cache.take_request(at(5_000)).is_some());
}

#[test]
fn partitions_that_are_found_on_other_cores_are_asked_for_together_once_a_second() {
    let mut cache = cache();
    for name in ["logs", "more"] {
        cache.look_up(at(0), name);
    }
    cache.take_request(at(0));
    let both = || reply(vec![topic("logs", 5, vec![route(0, 1), route(1, 1)]), topic("more", 6, vec![route(0, 1)])]);
    cache.apply(at(1), BROKER, &both());
    let partition = |topic, index| PartitionId::new(TopicId::from_u128(topic).unwrap(), index);
    assert!(!cache.found_elsewhere(at(10), partition(5, 1), CoreId(1)), "it is known to be there");
    assert!(!cache.found_elsewhere(at(10), partition(9, 0), CoreId(1)), "nobody wants it");
    assert_eq!(cache.next_wakeup(), Some(at(300_001)));
    // Of a thousand answers a second, one asks.
    let mut asked = Vec::new();
    for millis in 10..3_010 {
        for found in [partition(5, 0), partition(6, 0)] {
            cache.found_elsewhere(at(millis), found, CoreId(1));
        }
        if let Some(request) = cache.take_request(at(millis)) {
            asked.push((millis, names(Some(request))));
            cache.apply(at(millis), BROKER, &both());
        }
    }
    let all = |millis| (millis, vec!["logs".to_owned(), "more".to_owned()]);
    assert_eq!(asked, [(10, vec!["logs".to_owned()]), all(1_010), all(2_010)]);
    // The answer says it: nothing is left to ask for.
    let moved = PartitionRoute { core: CoreId(1), ..route(0, 1) };
    cache.found_elsewhere(at(3_010), partition(5, 0), CoreId(1));
    assert_eq!(names(cache.take_request(at(3_010))), ["logs", "more"]);
    let answer = vec![topic("logs", 5, vec![moved, route(1, 1)]), topic("more", 6, vec![moved])];
    cache.apply(at(3_011), BROKER, &reply(answer));
    assert!(!cache.found_elsewhere(at(9_000), partition(5, 0), CoreId(1)));
    assert!(cache.take_request(at(9_000)).is_none());
}

#[test]
fn a_request_that_failed_is_sent_again_after_a_while() {
    let mut cache = cache();
    cache.look_up(at(0), "logs");
    assert!(cache.take_request(at(0)).is_some());
    cache.failed(at(10));
    let due = cache.next_wakeup().unwrap();
    assert!((at(90)..=at(130)).contains(&due), "{due:?}");
    assert_eq!(cache.take_request(at(89)), None);
    assert_eq!(names(cache.take_request(due)), ["logs"]);
    cache.failed(due);
    assert!(cache.next_wakeup().unwrap() >= due.plus(Duration::from_millis(160)), "longer each time");
}

#[test]
fn topics_that_did_not_fit_the_page_are_asked_for_next() {
    let mut cache = cache();
    for name in ["a", "b", "c"] {
        cache.look_up(at(0), name);
    }
    assert_eq!(names(cache.take_request(at(0))), ["a", "b", "c"]);
    let page = MetadataReply { has_more: true, ..reply(vec![topic("a", 1, vec![route(0, 1)])]) };
    cache.apply(at(1), BROKER, &page);
    assert_eq!(names(cache.take_request(at(1))), ["b", "c"]);
    cache.apply(at(2), BROKER, &reply(vec![topic("c", 3, vec![route(0, 1)])]));
    assert!(matches!(cache.look_up(at(2), "b"), Lookup::Missing));
    assert!(matches!(cache.look_up(at(2), "c"), Lookup::Known(_)));
}

#[test]
fn topics_that_nobody_uses_are_forgotten_and_their_number_is_bounded() {
    let mut cache = cache();
    cache.look_up(at(0), "once");
    cache.take_request(at(0));
    cache.apply(at(1), BROKER, &reply(vec![topic("once", 5, vec![route(0, 1)])]));
    cache.look_up(at(1), "pinned");
    cache.pin("pinned");
    cache.look_up(at(600_000), "often");
    assert_eq!(names(cache.take_request(at(600_000))), ["often", "pinned"]);
    assert_eq!(cache.name_of(TopicId::from_u128(5).unwrap()), None);
    let partition = PartitionId::new(TopicId::from_u128(5).unwrap(), 0);
    assert_eq!(cache.route(partition), Route::Unknown, "forgotten is not deleted");
    for number in 0..limits::TOPICS_KEPT_MAX + 5 {
        cache.look_up(at(600_001), &number.to_string());
    }
    assert_eq!(cache.topics.len(), limits::TOPICS_KEPT_MAX);
    assert!(cache.topics.contains_key("pinned") && !cache.topics.contains_key("often"));
}

#[test]
fn a_refused_topic_and_one_with_wild_numbers_do_no_harm() {
    let mut cache = cache();
    cache.look_up(at(0), "secret");
    cache.look_up(at(0), "wild");
    cache.take_request(at(0));
    let secret = TopicMetadata { error: WireCode(29), id: None, ..topic("secret", 0, vec![]) };
    let wild = topic("wild", 3, vec![route(4_000_000_000, 1), route(1, 1)]);
    cache.apply(at(1), BROKER, &reply(vec![secret, wild, topic("never asked", 9, vec![])]));
    assert!(matches!(cache.look_up(at(2), "secret"), Lookup::Refused(refusal) if refusal.number() == 29));
    let Lookup::Known(wild) = cache.look_up(at(2), "wild") else { panic!("the topic is known") };
    assert_eq!((wild.partition_count(), wild.available()), (2, &[PartitionIndex(1)][..]));
    assert!(matches!(cache.look_up(at(2), "never asked"), Lookup::Awaited));
}

#[test]
fn trouble_that_will_pass_does_not_make_a_known_topic_unknown() {
    let mut cache = cache();
    cache.look_up(at(0), "logs");
    cache.take_request(at(0));
    let busy = TopicMetadata { error: WireCode(5), id: None, ..topic("logs", 0, vec![]) };
    cache.apply(at(1), BROKER, &reply(vec![busy.clone()]));
    assert!(matches!(cache.look_up(at(2), "logs"), Lookup::Awaited));
    assert_eq!(names(cache.take_request(at(101))), ["logs"]);
    cache.apply(at(102), BROKER, &reply(vec![topic("logs", 5, vec![route(0, 1)])]));
    cache.doubt_name(at(300), "logs");
    cache.take_request(at(300));
    cache.apply(at(301), BROKER, &reply(vec![busy]));
    assert!(matches!(cache.look_up(at(302), "logs"), Lookup::Known(_)));
    assert_eq!(cache.next_wakeup(), Some(at(401)));
}
