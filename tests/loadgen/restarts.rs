//! A broker that is killed in the middle of a run and started again.

use loadgen::door::Door;

use crate::place::{Place, Running, assert_verified, kill_and_restart, scenario, target};

fn survive_a_kill(door: Door) {
    let place = Place::new();
    let broker = place.start();
    let load = scenario(
        "restart",
        &[
            "topic.partitions=4",
            "load.rate=2000",
            "produce.producers=2",
            "produce.idempotent=true",
            "records.bytes=200",
            "consume.readers=1",
            "consume.connections=2",
            "time.warm_up_s=0",
            "time.measured_s=6",
            "time.cool_down_s=0",
            "time.drain_s=60",
        ],
    );
    let running = Running::start(load, target(&broker, door));
    running.wait_for_second(2);
    let broker = kill_and_restart(broker, &place);
    let result = running.finish();
    println!("{door:?}: {:?}, {} records read", result.service, result.verification[0].received);
    assert_verified(&result);
    assert_eq!(result.counts.acked, 12_000, "every arrival of the schedule was acknowledged");
    assert!(result.service.outages >= 1, "{:?}", result.service);
    assert!(result.service.without_service_s > 0.0, "{:?}", result.service);
    assert!(result.service.longest_s <= result.service.without_service_s, "{:?}", result.service);
    assert!(result.service.records_retried > 0, "{:?}", result.service);
    drop(broker);
}

#[test]
fn a_run_through_the_kafka_door_survives_a_kill_and_reports_it() {
    survive_a_kill(Door::Kafka);
}

#[test]
fn a_run_through_the_native_door_survives_a_kill_and_reports_it() {
    survive_a_kill(Door::Native);
}
