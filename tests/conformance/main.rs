//! Real Kafka clients and tools against a broker of ours: see README.md beside this. They have to be installed first,
//! so that this runs only when asked for: `cargo test --package tests --test conformance -- --ignored --nocapture`.
//! `CORELANE_CONFORMANCE_ARGS` is handed to `run.sh`; without any, docs/clients.md has to be what is found, or becomes
//! it with `CORELANE_BLESS=1`.

use std::process::Command;

use tests::broker::{binary, folder, workspace};
use tests::ports::free_ports;

/// Sessions end soon after a member is killed, and nobody waits for members who might come.
const SETTINGS: [&str; 9] = [
    "journal.bytes=16 MiB",
    "memory.cache=64 MiB",
    "disk.free_floor=0",
    "groups.initial_rebalance_delay=500 ms",
    "groups.consumer.session_timeout=6 s",
    "groups.consumer.heartbeat_interval=500 ms",
    "native.listen=127.0.0.1:0",
    "cores=2",
    "kafka.lanes=2",
];

#[test]
#[ignore = "installs and runs eight clients, and Kafka's own tools"]
fn every_client_and_tool_does_here_what_it_does_with_kafka() {
    let data = folder();
    // One for all, and one for each lane.
    let port = free_ports(3);
    let [address, first_lane] = [port, port + 1].map(|port| format!("127.0.0.1:{port}"));
    let lanes = format!("kafka.lanes_listen={first_lane}");
    let mut serve = vec![binary().display().to_string(), "serve".to_owned()];
    serve.extend(["--data".to_owned(), data.path().display().to_string(), "--kafka".to_owned(), address.clone()]);
    let settings = SETTINGS.into_iter().chain([lanes.as_str()]);
    serve.extend(settings.flat_map(|setting| ["--set".to_owned(), format!("'{setting}'")]));
    let mut run = Command::new(workspace().join("tests/conformance/run.sh"));
    run.args([&address, "--lanes", &first_lane, "--serve", &serve.join(" ")]);
    match std::env::var("CORELANE_CONFORMANCE_ARGS") {
        Ok(arguments) => run.args(arguments.split_whitespace()),
        Err(_) => run.arg("--page").arg(workspace().join("docs/clients.md")),
    };
    if std::env::var_os("CORELANE_BLESS").is_some() {
        run.arg("--bless");
    }
    let status = run.status().expect("the script can be started");
    assert!(status.success(), "clients complained: {status}");
}
