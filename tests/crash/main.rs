//! A real broker killed with -9 at random moments, under four producers with `acks=all` and two readers.
//!
//! Every acknowledged record is there afterwards, in order, once; nothing that a reader has seen is gone; and the
//! restarted broker takes records again within two seconds. `CORELANE_CRASH_ROUNDS=n` runs so many rounds.

mod check;
mod groups;
mod moving;
mod restart;
mod work;

use std::sync::Arc;
use std::time::{Duration, Instant};

use base::SeededRandom;
use tests::broker::{Broker, folder};
use tests::kafka::Client;

use check::{check_topic, first_ack};
use work::{History, PARTITIONS, PRODUCERS, TOPIC, Work};

/// Whether partitions are moved between cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moves {
    None,
    AllTheTime,
}

const SEED: u64 = 0xdead;
const RESTART_TO_ACK: Duration = Duration::from_secs(2);

#[test]
fn acknowledged_records_survive_kill_9_in_order_and_once() {
    survive(Moves::None);
}

#[test]
fn acknowledged_records_survive_kill_9_while_partitions_change_their_cores() {
    survive(Moves::AllTheTime);
}

fn survive(moves: Moves) {
    let rounds = std::env::var("CORELANE_CRASH_ROUNDS").map_or(30, |text| text.parse().expect("a number of rounds"));
    let data = folder();
    let mut random = SeededRandom::new(SEED);
    let history = Arc::new(History::new());
    let (mut restarts, mut moved) = (Vec::new(), 0);
    for round in 0..rounds {
        // Now and then on another number of cores.
        let cores = if random.one_in(3) { "1" } else { "all" };
        let begun = Instant::now();
        let broker = Broker::start(data.path(), &["--cores", cores]);
        let mut client = Client::connect(broker.kafka).expect("the broker serves");
        if round == 0 {
            client
                .create_topic(TOPIC, PARTITIONS, &[("segment.bytes", "1048576"), ("retention.ms", "-1")])
                .expect("the topic is made");
        }
        first_ack(&mut client, round);
        restarts.push(begun.elapsed());
        check_topic(&mut client, &history, round);
        let work = Work::start(broker.kafka, Arc::clone(&history), random.fork());
        let mover = (moves == Moves::AllTheTime).then(|| moving::begin(broker.native, random.fork()));
        std::thread::sleep(Duration::from_millis(random.between(20, 700)));
        broker.kill();
        work.join();
        moved += mover.map_or(0, |mover| mover.join().expect("a partition could not be moved"));
    }
    if moves == Moves::AllTheTime && std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1) {
        println!("{moved} moves");
        assert!(moved > rounds, "partitions were hardly moved");
    }
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    check_topic(&mut client, &history, rounds);
    restarts.sort_unstable();
    let (median, longest) = (restarts[restarts.len() / 2], restarts[restarts.len() - 1]);
    let acknowledged = history.acknowledged();
    println!(
        "{rounds} kills under {PRODUCERS} producers: {acknowledged} acknowledged batches, {} batches seen by readers; \
         restart to first ack: median {median:.0?}, longest {longest:.0?}",
        history.seen()
    );
    assert!(acknowledged > rounds, "the producers hardly came to work");
    assert!(median < RESTART_TO_ACK, "half of the restarts took longer than {RESTART_TO_ACK:?}");
}

#[test]
fn a_stop_in_good_order_takes_less_than_two_seconds_and_loses_nothing() {
    let data = folder();
    let history = Arc::new(History::new());
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    client.create_topic(TOPIC, PARTITIONS, &[("retention.ms", "-1")]).expect("the topic is made");
    let work = Work::start(broker.kafka, Arc::clone(&history), SeededRandom::new(SEED));
    std::thread::sleep(Duration::from_millis(500));
    let (took, well) = broker.stop();
    work.join();
    assert!(well, "the broker ended with an error");
    println!("a stop under load took {took:.0?}");
    assert!(took < Duration::from_secs(2), "the stop took {took:?}");
    let broker = Broker::start(data.path(), &["--cores", "1"]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    check_topic(&mut client, &history, 1);
    assert!(history.acknowledged() > 0, "the producers hardly came to work");
}
