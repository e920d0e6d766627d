//! Reference pages are made from what the code declares; what is committed must be the same.
//! `CORELANE_BLESS=1 cargo test -p tests --test docs` writes them anew.

use std::fmt::Write as _;

use tests::broker::workspace;
use wire::kafka::ApiKey;

fn check(page: &str, made: &str) {
    let path = workspace().join("docs").join(page);
    if std::env::var_os("CORELANE_BLESS").is_some() {
        std::fs::write(&path, made).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "docs/{page} is not what the code says: run this with CORELANE_BLESS=1");
}

#[test]
fn the_configuration_page_lists_every_setting() {
    let page = format!(
        "# Settings of the broker\n\n\
         Made from the code by `cargo test -p tests --test docs`.\n\n\
         A setting comes from the file (`--config FILE`), from the environment (`CORELANE_KAFKA_LISTEN` stands for\n\
         `kafka.listen`) or from a flag (`--set kafka.listen=…`); of several the last in this order wins. In the file,\n\
         dots are tables: `kafka.listen` is `listen` under `[kafka]`. A key that is not in this table is an error that\n\
         names the line. `corelane serve --print-config` shows what holds. Settings are read at start; those that can change while the\n\
         broker runs are altered by any Kafka client, for this broker or for all (`kafka-configs --alter --entity-type\n\
         brokers`), by these names or by Kafka's, and that comes before the file until it is taken back.\n\n\
         Sizes are written `64 MiB`, `1 GiB`; times `500 ms`, `10 s`, `2 h`.\n\n{}\n\
         `topics.defaults.NAME` is the default of the [topic setting](topic-settings.md) NAME for topics that do not\n\
         set it themselves.\n",
        broker::config::settings_markdown()
    );
    check("configuration.md", &page);
}

#[test]
fn the_topic_page_lists_every_topic_setting() {
    let page = format!(
        "# Settings of a topic\n\n\
         Made from the code by `cargo test -p tests --test docs`.\n\n\
         Names, units and meanings are Kafka's; what is ours begins with `corelane.`. Set them when a topic is made:\n\
         `corelane topic create NAME --config retention.ms=-1`, or with any Kafka client, which can also alter them while\n\
         the topic is used. Their defaults are settings of the broker.\n\n{}",
        cluster::settings::settings_markdown()
    );
    check("topic-settings.md", &page);
}

#[test]
fn the_metrics_page_lists_every_metric() {
    let page = format!(
        "# Metrics\n\n\
         Made from the code by `cargo test -p tests --test docs`.\n\n\
         `http.listen` (127.0.0.1:9644 by default, `off` for none) is the door for who watches the broker:\n\n\
         - `GET /metrics`: all metrics below, in Prometheus' text format 0.0.4.\n\
         - `GET /healthz`: 200 as long as the process serves requests at all, also while it starts or stops.\n\
         - `GET /readyz`: 200 when the broker serves and takes records on all cores; else 503 with the reason: the data\n  \
         folder is being recovered, the broker is asked to stop, a core refuses records until a restart because its storage\n  \
         has failed, a core does not answer. A full disk is none: readers are served, and it clears by itself.\n\n\
         The door has no authentication: leave it on an address that only those reach who may see this. It takes 16\n\
         connections at a time, one request each, which must arrive within 5 s. Metrics are gathered from all cores when they\n\
         are asked for; a core that does not answer within 2 s is left out, and `corelane_core_answers` names it. There is no\n\
         series for each partition: `corelane partition list` shows those. Series of APIs, disk operations and tasks begin with\n\
         the first that there is something to say of; what counts begins anew with each start.\n\n\
         Worth an alert: `corelane_ready == 0`, `max(corelane_disk_stalled_operations) > 0`,\n\
         `max(corelane_core_poisoned) == 1`, `max(corelane_damage_known) > 0`, `max(corelane_disk_short_of_space) == 1`,\n\
         `min(corelane_core_answers) == 0`.\n\n{}",
        broker::metrics::metrics_markdown()
    );
    check("metrics.md", &page);
}

#[test]
fn the_kafka_page_lists_every_api() {
    let mut table = String::from("| key | API | versions |\n|---|---|---|\n");
    for api in ApiKey::ALL.into_iter().filter(|api| api.is_served()) {
        let versions = api.versions_advertised();
        writeln!(table, "| {} | {} | {}–{} |", api.key(), api.name(), versions.min, versions.max)
            .expect("a String takes all");
    }
    let notes = include_str!("kafka_notes.md");
    check("kafka.md", &format!("# The Kafka door\n\nMade by `cargo test -p tests --test docs`.\n\n{table}\n{notes}"));
}
