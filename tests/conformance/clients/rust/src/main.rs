//! krafka: a client in Rust alone.

mod admin;
mod dataset;
mod look;
mod member;

use std::collections::HashMap;
use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use krafka::consumer::AutoOffsetReset;
use krafka::producer::Acks;
use krafka::{Compression, ConsumerRecord, Kafka, Record};

const CONSUME_MAX: Duration = Duration::from_secs(120);
const PENDING_RECORDS_MAX: usize = 10_000;

pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The command line that all clients of the suite share. For admin, the topic is the prefix of its topics.
pub struct Options {
    pub mode: String,
    given: HashMap<String, String>,
}

impl Options {
    fn parse() -> Self {
        let mut arguments = std::env::args().skip(1);
        let mode = arguments.next().expect("a mode is given");
        let mut given = HashMap::new();
        while let (Some(name), Some(value)) = (arguments.next(), arguments.next()) {
            given.insert(name.trim_start_matches("--").to_owned(), value);
        }
        Self { mode, given }
    }

    pub fn text(&self, name: &str, default: &'static str) -> &str {
        self.given.get(name).map_or(default, String::as_str)
    }

    pub fn number(&self, name: &str, default: u32) -> u32 {
        self.given.get(name).map_or(default, |text| text.parse().expect("a number"))
    }

    pub fn topic(&self) -> &str {
        self.text("topic", "")
    }

    pub fn partitions(&self) -> u32 {
        self.number("partitions", 4)
    }

    /// Records of a partition when record i goes to partition i modulo the partitions.
    fn length(&self, partition: u32) -> u32 {
        (self.number("count", 0) + self.partitions() - partition - 1) / self.partitions()
    }

    pub async fn connect(&self) -> Outcome<Kafka> {
        Ok(Kafka::builder(self.text("bootstrap", "")).client_id("conformance").connect().await?)
    }
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    if options.mode == "member" {
        std::process::exit(member::be_member(&options).await);
    }
    let started = Instant::now();
    let done = match options.mode.as_str() {
        "produce" => produce(&options).await,
        "consume" => consume(&options).await,
        "admin" => admin::admin(&options).await,
        "alter" => admin::alter(&options).await,
        "look" => look::look(&options).await,
        other => Err(format!("no such mode: {other}").into()),
    };
    let (records, result) = match &done {
        Ok(records) => (*records, "ok".to_owned()),
        Err(error) => (0, format!("FAILED difference=\"{}\"", error.to_string().replace('\n', " ").replace('"', "'"))),
    };
    println!(
        "client=krafka version={} mode={} codec={} topic={} records={records} seconds={:.2} result={result}",
        version(),
        options.mode,
        options.text("codec", "none"),
        options.topic(),
        started.elapsed().as_secs_f64(),
    );
    std::process::exit(i32::from(done.is_err()));
}

/// As Cargo.lock has it.
fn version() -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let (_, rest) = lock.split_once("name = \"krafka\"\nversion = \"").expect("it is locked");
    rest.split_once('"').expect("a version ends").0
}

/// What is must be what was wanted.
pub fn expect<T: PartialEq + Debug>(what: impl AsRef<str>, wanted: T, found: T) -> Outcome<()> {
    if wanted == found {
        return Ok(());
    }
    let short = |value: &T| format!("{value:?}").chars().take(300).collect::<String>();
    Err(format!("{}: expected {}, got {}", what.as_ref(), short(&wanted), short(&found)).into())
}

async fn produce(options: &Options) -> Outcome<u32> {
    let codec = match options.text("codec", "none") {
        "none" => Compression::None,
        "gzip" => Compression::Gzip,
        "snappy" => Compression::Snappy,
        "lz4" => Compression::Lz4,
        "zstd" => Compression::Zstd,
        other => return Err(format!("no such codec: {other}").into()),
    };
    let acks = match options.text("acks", "all") {
        "0" => Acks::None,
        "1" => Acks::Leader,
        _ => Acks::All,
    };
    let kafka = options.connect().await?;
    let idempotent = options.text("idempotent", "false") == "true";
    let builder = kafka.producer().acks(acks).compression(codec).idempotent(idempotent);
    let producer = builder.batch_size(65_536).linger(Duration::from_millis(5)).build().await?;
    let keyed = options.text("partitioner", "explicit") != "explicit";
    let (count, pace, begun) = (options.number("count", 0), options.number("pace", 0), Instant::now());
    let mut pending = Vec::new();
    for i in 0..count {
        if pace > 0 {
            let due = begun + Duration::from_secs(1) * i / pace;
            tokio::time::sleep_until(due.into()).await;
        }
        pending.push(producer.enqueue(record(i, keyed, options)).await?);
        if pending.len() >= PENDING_RECORDS_MAX {
            for acknowledged in pending.drain(..) {
                let _written = acknowledged.await?;
            }
        }
    }
    for acknowledged in pending {
        let _written = acknowledged.await?;
    }
    if matches!(acks, Acks::None) {
        // Nothing waits for what is still on its way to the socket, and the end of the process would take it along.
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    producer.close().await?;
    Ok(count)
}

fn record(i: u32, keyed: bool, options: &Options) -> Record {
    let item = dataset::record(i, "full", keyed);
    let mut record = Record::new(options.topic(), "").timestamp(item.timestamp.expect("it has one in this shape"));
    if !keyed {
        record = record.partition(i32::try_from(i % options.partitions()).expect("few partitions"));
    }
    record.key = item.key;
    record.value = item.value;
    record.headers = item.headers;
    record
}

async fn consume(options: &Options) -> Outcome<u32> {
    let kafka = options.connect().await?;
    let consumer = kafka
        .consumer_without_group()
        .auto_offset_reset(AutoOffsetReset::None)
        .fetch_max_wait(Duration::from_millis(100))
        .max_poll_records(5_000)
        .build()
        .await?;
    let partitions: Vec<i32> = (0..i32::try_from(options.partitions())?).collect();
    consumer.assign(options.topic(), partitions.clone()).await?;
    for partition in &partitions {
        consumer.seek(options.topic(), *partition, 0).await?;
    }
    let (mut seen, begun) = (vec![0_u32; partitions.len()], Instant::now());
    while seen.iter().sum::<u32>() < options.number("count", 0) {
        if begun.elapsed() > CONSUME_MAX {
            return Err(format!("only {seen:?} records per partition arrived").into());
        }
        for found in consumer.poll(Duration::from_millis(100)).await? {
            let partition = usize::try_from(found.partition)?;
            check(&found, seen[partition], options)?;
            seen[partition] += 1;
        }
    }
    for partition in partitions {
        let ends = (0, i64::from(options.length(u32::try_from(partition)?)));
        expect("earliest and latest", ends, consumer.fetch_watermarks(options.topic(), partition).await?)?;
    }
    consumer.close().await?;
    Ok(seen.iter().sum())
}

fn check(found: &ConsumerRecord, offset: u32, options: &Options) -> Outcome<()> {
    let partition = u32::try_from(found.partition)?;
    let at = format!("partition {partition} offset {offset}");
    expect(format!("{at}: offset"), i64::from(offset), found.offset)?;
    if offset >= options.length(partition) {
        return Err(format!("{at}: one record more than were produced").into());
    }
    let item = dataset::record(offset * options.partitions() + partition, options.text("shape", "full"), false);
    expect(format!("{at}: key"), &item.key, &found.key)?;
    expect(format!("{at}: value"), &item.value, &found.value)?;
    expect(format!("{at}: headers"), &item.headers, &found.headers)?;
    expect(format!("{at}: has a leader epoch"), true, found.leader_epoch.is_some())?;
    match item.timestamp {
        Some(timestamp) => expect(format!("{at}: timestamp"), timestamp, found.timestamp),
        None => {
            let since: i64 = options.text("since", "0").parse()?;
            let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
            expect(format!("{at}: stamped within the run"), true, (since..now + 1_000).contains(&found.timestamp))
        }
    }
}
