//! Moves between cores that are refused: what the broker says, and that all goes on.

use std::time::{Duration, Instant};

use base::{CoreId, PartitionIndex};
use client::ProducerConfig;
use tests::broker::{Broker, folder};
use wire::ErrorCode;

use super::support::{gather, has_two_cores, make_topic, send_numbers, with_client};

/// Nothing here takes so long, unless something never comes.
const PATIENCE: Duration = Duration::from_secs(40);

#[test]
fn a_second_move_while_one_runs_is_refused() {
    if !has_two_cores() {
        return;
    }
    let data = folder();
    let broker = Broker::start(data.path(), &["--cores", "2", "--set", "balancer.enabled=false"]);
    with_client(broker.native, |client| async move {
        make_topic(&client, "a", 2).await;
        let producer = client.producer(ProducerConfig::default()).expect("a producer");
        let begun = Instant::now();
        for round in 0.. {
            assert!(begun.elapsed() < PATIENCE, "in {round} rounds no move came while another one ran");
            gather(&client, "a", CoreId(0)).await;
            // The first has something to write, the second comes right behind it.
            send_numbers(&producer, "a", 0, 0..10).await;
            let ask = |partition: u32| {
                let client = client.clone();
                let partition = PartitionIndex(partition);
                let asked = async move { client.admin().move_partition("a", partition, CoreId(1)).await };
                rt::spawn(rt::TaskQueue::DEFAULT, asked)
            };
            let (first, second) = (ask(0), ask(1));
            let both = [first.await.expect("the broker answers"), second.await.expect("the broker answers")];
            let refused: Vec<_> = both.iter().filter_map(|moved| moved.as_ref().err()).collect();
            assert!(refused.len() < 2, "one of them runs: {both:?}");
            let Some(refusal) = refused.first() else { continue };
            assert!(refusal.is(ErrorCode::ReassignmentInProgress), "{refusal}");
            let text = "another partition is being moved; try again when that is done";
            assert_eq!(refusal.message(), Some(text));
            break;
        }
        // It is over: the next one is not refused.
        gather(&client, "a", CoreId(0)).await;
        gather(&client, "a", CoreId(1)).await;
    });
}
