//! Members that wait for each other leave room for others.

use std::time::{Duration, Instant};

use tests::broker::folder;
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::join_group::JoinGroupRequest;

use super::{Member, start};

const MEMBERS: usize = 100;

/// Each join takes 32 times its length while it is read; so many of them at once would leave nothing for anybody else.
#[test]
fn a_hundred_members_that_wait_do_not_keep_producers_from_their_memory() {
    let data = folder();
    let settings =
        ["cores=1", "memory.requests=1 MiB", "kafka.request_bytes_max=64 KiB", "groups.initial_rebalance_delay=3 s"];
    let broker = start(data.path(), &settings);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic("flights", 1, &[]).expect("it answers"), ErrorCode::None);
    let mut members = Vec::new();
    for _ in 0..MEMBERS {
        let mut member = Member::new(&broker, "readers", Duration::from_secs(30));
        member.member = member.join_once().member_id;
        let request = member.join_request(vec![b'm'; 2_000]);
        member.client.send(super::JOIN, &request).expect("it can be sent");
        members.push(member);
    }
    let begun = Instant::now();
    for _ in 0..20 {
        let produced = client.produce("flights", 0, &crate::batch(1)).expect("it answers");
        assert_eq!(code(produced.error_code), ErrorCode::None);
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "20 batches took {:?}", begun.elapsed());
    let generations: Vec<i32> = members
        .iter_mut()
        .map(|member| {
            let joined = member.client.receive::<JoinGroupRequest>(super::JOIN).expect("it answers");
            assert_eq!(code(joined.error_code), ErrorCode::None);
            joined.generation_id
        })
        .collect();
    assert_eq!(generations, [1; MEMBERS]);
}
