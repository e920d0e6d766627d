//! Reading by the Kafka door: one fetch on its way to each leader, and the next one sent before the records of the last
//! are printed.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::time::{Duration, Instant};

use wire::kafka::ApiKey;
use wire::kafka::fetch::{FetchPartition, FetchRequest, FetchResponseView, FetchTopic, PartitionDataView};
use wire::{Decompressor, ErrorCode, batch};

use super::output::{Output, Wanted};
use super::{Ended, From, Plan, out_of_range};
use crate::kafka::{Answer, Cluster, Connection, KafkaError, Leader, OffsetQuery, TopicMetadata, leader_of, readable};

/// Of one answer, over all partitions.
const FETCH_BYTES_MAX: i32 = 16 << 20;
/// Of one partition, until a batch is larger.
const PARTITION_BYTES: i32 = 4 << 20;
const PARTITION_BYTES_MAX: i32 = 128 << 20;
/// How long a broker waits for records when there are none.
const FETCH_WAIT: Duration = Duration::from_millis(500);
/// Memory for one batch that is decompressed.
const BATCH_BYTES_MAX: usize = 256 << 20;
/// How often it is looked whether this shall stop.
const STOP_LOOK: Duration = Duration::from_millis(100);
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// Without any answer that is of use for so long, it is given up.
const TROUBLE_TIME_MAX: Duration = Duration::from_secs(30);

struct Partition {
    index: u32,
    /// The next offset to be printed.
    position: u64,
    /// Where to stop.
    end: Option<u64>,
    bytes_max: i32,
}

impl Partition {
    fn is_done(&self) -> bool {
        self.end.is_some_and(|end| self.position >= end)
    }
}

/// Answers failed since some time.
struct Trouble {
    since: Instant,
    backoff: Duration,
}

struct Consumer<'a> {
    cluster: Cluster,
    topic: TopicMetadata,
    partitions: Vec<Partition>,
    output: &'a mut Output,
    decompressor: Decompressor,
    /// Where the next request begins, so that each partition comes first in turn.
    turn: usize,
    trouble: Option<Trouble>,
}

pub(super) fn consume(address: &str, plan: &Plan, output: &mut Output) -> Result<Ended, Box<dyn Error>> {
    let mut cluster = Cluster::connect(address)?;
    let topic = cluster.topic(&plan.topic)?;
    let partitions = begin(&mut cluster, &topic, plan)?;
    let decompressor = Decompressor::new();
    let mut consumer = Consumer { cluster, topic, partitions, output, decompressor, turn: 0, trouble: None };
    let mut spare = Vec::new();
    while !consumer.partitions.iter().all(Partition::is_done) {
        if plan.stop.is_stopped() {
            return Ok(Ended::Stopped);
        }
        let step = consumer.step(&mut spare);
        match step {
            Ok(Wanted::More) => {}
            Ok(Wanted::Enough) => return Ok(Ended::Done),
            Err(error) => consumer.settle(error)?,
        }
    }
    Ok(Ended::Done)
}

/// Finds out where to begin and where to end.
fn begin(cluster: &mut Cluster, topic: &TopicMetadata, plan: &Plan) -> Result<Vec<Partition>, Box<dyn Error>> {
    let count = u32::try_from(topic.partitions.len()).expect("a broker counts partitions in 31 bits");
    let indexes = if plan.partitions.is_empty() { (0..count).collect() } else { plan.partitions.clone() };
    let ask = |cluster: &mut Cluster, query| {
        let queries: Vec<_> = indexes.iter().map(|index| (*index, query)).collect();
        cluster.offsets(topic, &queries)
    };
    let latest: Vec<u64> = ask(cluster, OffsetQuery::Latest)?.into_iter().map(Option::unwrap_or_default).collect();
    let starts: Vec<u64> = match plan.from {
        From::Latest => latest.clone(),
        From::Offset(offset) => {
            if let Some(at) = latest.iter().position(|end| offset > *end) {
                let starts = ask(cluster, OffsetQuery::Earliest)?;
                let start = starts[at].unwrap_or_default();
                return Err(out_of_range(&topic.name, indexes[at], offset, start, latest[at]).into());
            }
            vec![offset; indexes.len()]
        }
        From::Earliest => ask(cluster, OffsetQuery::Earliest)?.into_iter().map(Option::unwrap_or_default).collect(),
        From::Time(millis) => {
            let found = ask(cluster, OffsetQuery::At(millis))?;
            // No record is that late: what comes will be.
            found.into_iter().zip(&latest).map(|(found, latest)| found.unwrap_or(*latest)).collect()
        }
    };
    let partitions = indexes.into_iter().zip(starts.into_iter().zip(latest)).map(|(index, (position, latest))| {
        let end = plan.to_end.then_some(latest);
        Partition { index, position, end, bytes_max: PARTITION_BYTES }
    });
    Ok(partitions.collect())
}

impl Consumer<'_> {
    /// Sends what can be sent, and handles what has come.
    fn step(&mut self, spare: &mut Vec<u8>) -> Result<Wanted, Box<dyn Error>> {
        let leaders = self.leaders()?;
        for leader in &leaders {
            self.send(*leader)?;
        }
        let mut ready = self.ready(Duration::ZERO)?;
        if ready.is_empty() {
            self.output.flush()?;
            ready = self.ready(STOP_LOOK)?;
        }
        for leader in ready {
            let answer = match self.cluster.leader(leader)?.receive(spare) {
                Ok(answer) => answer,
                Err(error) => {
                    self.cluster.drop_leader(leader);
                    return Err(error.into());
                }
            };
            if self.take(leader, &answer)? == Wanted::Enough {
                return Ok(Wanted::Enough);
            }
            Connection::recycle(answer, spare);
        }
        Ok(Wanted::More)
    }

    /// Brokers that lead partitions which are not done.
    fn leaders(&self) -> Result<BTreeSet<Leader>, KafkaError> {
        let open = self.partitions.iter().filter(|partition| !partition.is_done());
        open.map(|partition| leader_of(&self.topic, partition.index)).collect()
    }

    fn ready(&mut self, wait: Duration) -> Result<Vec<Leader>, Box<dyn Error>> {
        let waiting: Vec<(Leader, &mut Connection)> =
            self.cluster.connections().filter(|(_, connection)| connection.in_flight() > 0).collect();
        let streams: Vec<_> = waiting.iter().map(|(_, connection)| connection.stream()).collect();
        let ready = readable(&streams, wait)?;
        Ok(ready.into_iter().map(|index| waiting[index].0).collect())
    }

    /// Asks a leader for more, unless it has been asked.
    fn send(&mut self, leader: Leader) -> Result<(), KafkaError> {
        let connection = self.cluster.leader(leader)?;
        if connection.in_flight() > 0 {
            return Ok(());
        }
        let count = self.partitions.len();
        let in_turn = (0..count).map(|index| &self.partitions[(self.turn + index) % count]);
        let of_leader = in_turn.filter(|partition| !partition.is_done()).filter(|partition| {
            self.topic.partitions.get(partition.index as usize).is_some_and(|known| known.leader == Some(leader))
        });
        let partition = |partition: &Partition| FetchPartition {
            partition: partition.index.cast_signed(),
            fetch_offset: partition.position.cast_signed(),
            partition_max_bytes: partition.bytes_max,
            ..FetchPartition::default()
        };
        let partitions: Vec<FetchPartition> = of_leader.map(partition).collect();
        if partitions.is_empty() {
            return Ok(());
        }
        let request = FetchRequest {
            replica_id: -1,
            max_wait_ms: i32::try_from(FETCH_WAIT.as_millis()).expect("half a second"),
            min_bytes: 1,
            max_bytes: FETCH_BYTES_MAX,
            session_epoch: -1,
            topics: vec![FetchTopic { topic: self.topic.name.clone(), partitions, ..FetchTopic::default() }],
            ..FetchRequest::default()
        };
        self.turn = (self.turn + 1) % count;
        if let Err(error) = connection.send(&request) {
            self.cluster.drop_leader(leader);
            return Err(error);
        }
        Ok(())
    }

    /// Takes an answer: moves the positions, asks for what follows, and prints.
    fn take(&mut self, leader: Leader, answer: &Answer) -> Result<Wanted, Box<dyn Error>> {
        let broker = self.cluster.leader(leader)?.broker().to_owned();
        let mut reader = answer.body();
        let response = FetchResponseView::parse(&mut reader, answer.version())
            .map_err(|error| KafkaError::answer(&broker, ApiKey::Fetch, &error))?;
        if response.error_code != 0 {
            Err(self.refused(&broker, None, response.error_code))?;
        }
        let mut positions = BTreeMap::new();
        let mut refused = None;
        for data in response.responses.iter().flat_map(|topic| topic.partitions) {
            let index = data.partition_index.cast_unsigned();
            let Some(partition) = self.partitions.iter_mut().find(|partition| partition.index == index) else {
                let what = format!("partition {index} was not asked for");
                return Err(KafkaError::Answer { broker, api: ApiKey::Fetch, what }.into());
            };
            if data.error_code != 0 {
                refused =
                    Some((index, data.error_code, partition.position, data.log_start_offset, data.high_watermark));
                continue;
            }
            let before = partition.position;
            advance(partition, &data).map_err(|what| self.damaged(index, &what))?;
            positions.insert(index, before);
        }
        // If this fails, the records that have come are printed before it is told: the positions are behind them already.
        let sent = if refused.is_none() { self.send(leader) } else { Ok(()) };
        if refused.is_none() {
            self.trouble = None;
        }
        for data in response.responses.iter().flat_map(|topic| topic.partitions) {
            let index = data.partition_index.cast_unsigned();
            if let (Some(before), Some(records)) = (positions.get(&index), data.records)
                && self.print(index, *before, records)? == Wanted::Enough
            {
                return Ok(Wanted::Enough);
            }
        }
        match refused {
            None => Ok(sent.map(|()| Wanted::More)?),
            Some((index, code, wanted, start, end)) if code == ErrorCode::OffsetOutOfRange.code() => {
                let unsigned = |offset: i64| u64::try_from(offset).unwrap_or_default();
                Err(out_of_range(&self.topic.name, index, wanted, unsigned(start), unsigned(end)))?
            }
            Some((index, code, ..)) => Err(self.refused(&broker, Some(index), code))?,
        }
    }

    fn print(&mut self, index: u32, from: u64, records: &[u8]) -> Result<Wanted, Box<dyn Error>> {
        let end = self.partitions.iter().find(|partition| partition.index == index).and_then(|found| found.end);
        for batch in batch::batches(records) {
            let batch = batch.map_err(|error| damage(&self.topic.name, index, &error))?;
            if batch.header().next_offset().get() <= from || batch.header().attributes().is_control() {
                continue;
            }
            batch.verify_crc().map_err(|error| damage(&self.topic.name, index, &error))?;
            let decoded = batch.decode(&mut self.decompressor, BATCH_BYTES_MAX);
            for record in decoded.map_err(|error| damage(&self.topic.name, index, &error))? {
                let record = record.map_err(|error| damage(&self.topic.name, index, &error))?;
                let offset = record.offset.get();
                if offset < from || end.is_some_and(|end| offset >= end) {
                    continue;
                }
                if self.output.record(&self.topic.name, index, &record.into())? == Wanted::Enough {
                    return Ok(Wanted::Enough);
                }
            }
        }
        Ok(Wanted::More)
    }

    fn damaged(&self, index: u32, what: &str) -> Box<dyn Error> {
        format!("partition {index} of topic {:?} cannot be read: {what}", self.topic.name).into()
    }

    fn refused(&self, broker: &str, partition: Option<u32>, code: i16) -> KafkaError {
        KafkaError::Refused {
            broker: broker.to_owned(),
            api: ApiKey::Fetch,
            topic: Some(self.topic.name.clone()),
            partition: partition.map(u32::cast_signed),
            code,
            message: None,
        }
    }

    /// Waits a little and asks who leads the partitions now, if the trouble is of a kind that passes.
    fn settle(&mut self, error: Box<dyn Error>) -> Result<(), Box<dyn Error>> {
        let passes = error.downcast_ref::<KafkaError>().is_some_and(KafkaError::is_retriable);
        let now = Instant::now();
        let trouble = self.trouble.get_or_insert(Trouble { since: now, backoff: BACKOFF_MIN });
        if !passes || now.duration_since(trouble.since) > TROUBLE_TIME_MAX {
            return Err(error);
        }
        self.output.flush()?;
        std::thread::sleep(trouble.backoff);
        trouble.backoff = (trouble.backoff * 2).min(BACKOFF_MAX);
        match self.cluster.topic(&self.topic.name) {
            Ok(topic) => self.topic = topic,
            Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => return Err(error.into()),
            Err(error) if error.is_retriable() => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

fn damage(topic: &str, index: u32, error: &dyn std::fmt::Display) -> Box<dyn Error> {
    format!("partition {index} of topic {topic:?} cannot be read: {error}").into()
}

/// Moves a position behind the whole batches of an answer.
fn advance(partition: &mut Partition, data: &PartitionDataView<'_>) -> Result<(), String> {
    let Some(records) = data.records.filter(|records| !records.is_empty()) else { return Ok(()) };
    let mut next = None;
    for batch in batch::batches(records) {
        let header = *batch.map_err(|error| error.to_string())?.header();
        let (base, after) = (header.base_offset().get(), header.next_offset().get());
        if next.is_some_and(|next| base < next) {
            return Err(format!("a batch begins at offset {base}, behind its own place"));
        }
        next = Some(after);
    }
    match next {
        Some(next) => partition.position = partition.position.max(next),
        None if partition.bytes_max >= PARTITION_BYTES_MAX => {
            return Err(format!(
                "the batch at offset {} is larger than {PARTITION_BYTES_MAX} bytes",
                partition.position
            ));
        }
        // The answer ends inside its first batch.
        None => partition.bytes_max *= 2,
    }
    Ok(())
}
