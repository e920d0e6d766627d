//! Real Kafka clients against a broker of ours: see README.md beside this. They have to be installed first, so that
//! this runs only when asked for: `cargo test --package tests --test conformance -- --ignored --nocapture`.
//! `CORELANE_CONFORMANCE_ARGS` is handed to `run.sh`.

use std::process::Command;

use tests::broker::{Broker, folder, workspace};

#[test]
#[ignore = "installs and runs six clients"]
fn every_client_writes_reads_and_administers_as_with_kafka() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut run = Command::new(workspace().join("tests/conformance/run.sh"));
    run.arg(broker.kafka.to_string());
    let arguments = std::env::var("CORELANE_CONFORMANCE_ARGS").unwrap_or_default();
    let status = run.args(arguments.split_whitespace()).status().expect("the script can be started");
    assert!(status.success(), "clients complained: {status}");
    let (took, well) = broker.stop();
    println!("stopped in {took:.0?}");
    assert!(well, "the broker ended with an error");
}
