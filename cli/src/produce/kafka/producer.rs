//! The producer: requests pipelined to each leader, batches of a partition in order, repeated where that may help.
//!
//! With `acks=all` the producer is idempotent: several batches of one partition are under way at a time, and one that is
//! sent again is not written twice. Without, there is one, so that a repetition overtakes nothing.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base::{Timestamp, TopicId};
use client::{Choice, KeyPartitioner, Partitioner as _};
use wire::batch::{BatchFull, BatchOptions, Header, NewRecord};
use wire::kafka::ApiKey;
use wire::kafka::metadata::MetadataRequest;
use wire::kafka::produce::{PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData};
use wire::{Compressor, ErrorCode};

use super::super::lines::Parsed;
use super::super::{Acks, Plan, Totals};
use super::identify::identify;
use super::partition::{Identity, Partition};
use crate::kafka::{Answer, Cluster, Connection, KafkaError, Leader, TopicMetadata, readable};

/// Requests to one leader that are not answered.
const REQUESTS_IN_FLIGHT_MAX: usize = 5;
/// Batches of one partition under way: brokers remember so many of an idempotent producer.
const BATCHES_IN_FLIGHT_MAX: usize = 5;
const REQUEST_BYTES_MAX: usize = 4 << 20;
/// Largest record that is tried. What a topic takes is for the broker to say.
const RECORD_BYTES_MAX: usize = 64 << 20;
/// Batches that wait or are under way.
const BUFFER_BYTES_MAX: usize = 64 << 20;
pub(super) const REQUEST_TIMEOUT_MS: i32 = 30_000;
pub(super) const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// Without any acknowledgement for so long while there is trouble, it is given up.
pub(super) const TROUBLE_TIME_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub(super) enum ProduceError {
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error("the record is too large: {0}")]
    TooLarge(#[from] BatchFull),
    #[error("topic {topic:?} has no partition {partition}: it has {partitions}, counted from 0")]
    NoPartition { topic: String, partition: u32, partitions: usize },
    #[error("{what}; {unacknowledged} records were not acknowledged, and some of them may be in the log all the same")]
    GivenUp { what: String, unacknowledged: u64 },
    #[error("waiting for the broker failed: {0}")]
    Wait(#[from] std::io::Error),
}

impl ProduceError {
    /// It is about one record, and those before it can still be delivered.
    pub(super) fn is_bad_record(&self) -> bool {
        matches!(self, Self::TooLarge(_) | Self::NoPartition { .. })
    }
}

/// Something failed, and is tried again.
struct Trouble {
    backoff: Duration,
    /// Nothing is sent before.
    pause_until: Instant,
}

/// Partitions whose batches a request carries.
type Carried = Vec<u32>;

pub(super) struct Producer {
    plan: Plan,
    cluster: Cluster,
    topic: TopicMetadata,
    available: Vec<base::PartitionIndex>,
    partitions: Vec<Partition>,
    identity: Option<Identity>,
    partitioner: KeyPartitioner,
    compressor: Compressor,
    in_flight: BTreeMap<Leader, VecDeque<Carried>>,
    /// Bytes of sealed batches.
    buffered: usize,
    turn: usize,
    trouble: Option<Trouble>,
    totals: Totals,
    now_millis: u64,
    spare: Vec<u8>,
}

impl Producer {
    pub(super) fn connect(address: &str, plan: &Plan) -> Result<Self, ProduceError> {
        let mut cluster = Cluster::connect(address)?;
        let topic = cluster.topic(&plan.topic)?;
        let identity = match plan.acks {
            Acks::All => Some(identify(&mut cluster)?),
            Acks::None | Acks::Leader => None,
        };
        let options = BatchOptions { codec: plan.codec, size_max: RECORD_BYTES_MAX, ..BatchOptions::default() };
        let partitions = topic.partitions.iter().map(|_| Partition::new(options)).collect();
        let seed = wall_clock() ^ u64::from(std::process::id()) << 32;
        let mut producer = Self {
            plan: plan.clone(),
            cluster,
            topic,
            available: Vec::new(),
            partitions,
            identity,
            partitioner: KeyPartitioner::new(seed),
            compressor: Compressor::new(),
            in_flight: BTreeMap::new(),
            buffered: 0,
            turn: 0,
            trouble: None,
            totals: Totals::default(),
            now_millis: wall_clock(),
            spare: Vec::new(),
        };
        producer.refresh_available();
        Ok(producer)
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    fn refresh_available(&mut self) {
        let with_leader = (0_u32..).zip(&self.topic.partitions).filter(|(_, partition)| partition.leader.is_some());
        self.available = with_leader.map(|(index, _)| base::PartitionIndex(index)).collect();
    }

    /// Takes a record. Waits only while too much is under way.
    pub(super) fn send(&mut self, record: &Parsed<'_>) -> Result<(), ProduceError> {
        let index = match self.plan.partition.or(record.partition) {
            Some(index) => index,
            None => self.choose(record),
        };
        let partitions = self.partitions.len();
        let Some(partition) = self.partitions.get(index as usize) else {
            return Err(ProduceError::NoPartition { topic: self.plan.topic.clone(), partition: index, partitions });
        };
        let bytes = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        if partition.opened().is_some() && partition.size() + bytes > self.plan.batch_bytes {
            self.seal(index)?;
        }
        let partition = &mut self.partitions[index as usize];
        let own = record.headers.iter().map(|(key, value)| Header { key, value: value.as_deref() });
        let common = self.plan.headers.iter();
        let common = common.map(|(key, value)| Header { key: key.as_bytes(), value: Some(value.as_bytes()) });
        let headers: Vec<Header<'_>> = own.chain(common).collect();
        let timestamp = record.timestamp.unwrap_or(self.now_millis).min(i64::MAX.cast_unsigned());
        let timestamp = Some(Timestamp::from_millis(timestamp));
        let new = NewRecord { timestamp, key: record.key, value: record.value, headers: &headers };
        // The clock is asked once a batch.
        let now = partition.opened().unwrap_or_else(Instant::now);
        let size = partition.push(&new, now)?;
        match size >= self.plan.batch_bytes {
            true => self.seal(index),
            false => Ok(()),
        }
    }

    fn choose(&mut self, record: &Parsed<'_>) -> u32 {
        let choice = Choice {
            topic_name: &self.topic.name,
            // Only kept apart from other topics by it, of which there are none here.
            topic: TopicId::METADATA,
            key: record.key,
            value: record.value,
            partitions: u32::try_from(self.partitions.len()).expect("a broker counts partitions in 31 bits"),
            available: &self.available,
        };
        self.partitioner.choose(&choice).0
    }

    /// Closes a batch and sends what can be sent.
    fn seal(&mut self, index: u32) -> Result<(), ProduceError> {
        self.buffered += self.partitions[index as usize].seal(self.identity, &mut self.compressor);
        self.partitioner.batch_closed(base::PartitionId::new(TopicId::METADATA, index));
        self.now_millis = wall_clock();
        self.exchange(Duration::ZERO)?;
        while self.buffered > BUFFER_BYTES_MAX {
            self.exchange(Duration::from_millis(100))?;
        }
        Ok(())
    }

    /// Does what is due, and says when something is due again; `None` is never.
    pub(super) fn work(&mut self) -> Result<Option<Duration>, ProduceError> {
        self.now_millis = wall_clock();
        let now = Instant::now();
        let mut next: Option<Duration> = None;
        for index in 0..self.partitions.len() {
            let Some(opened) = self.partitions[index].opened() else { continue };
            let left = self.plan.linger.saturating_sub(now.duration_since(opened));
            if left.is_zero() {
                self.seal(u32::try_from(index).expect("a broker counts partitions in 31 bits"))?;
            } else {
                next = Some(next.map_or(left, |next| next.min(left)));
            }
        }
        self.exchange(Duration::ZERO)?;
        // Answers are looked for often enough to notice trouble, and to send on.
        let busy = (!self.is_idle()).then_some(Duration::from_millis(1));
        Ok(next.into_iter().chain(busy).min())
    }

    /// Waits until everything is acknowledged.
    pub(super) fn finish(&mut self) -> Result<(), ProduceError> {
        for index in 0..self.partitions.len() {
            self.seal(u32::try_from(index).expect("a broker counts partitions in 31 bits"))?;
        }
        while !self.is_idle() {
            self.exchange(Duration::from_millis(100))?;
        }
        if self.plan.acks == Acks::None {
            // An answer to a later question shows that what came before has arrived.
            let all: Vec<Leader> = self.cluster.connections().map(|(leader, _)| leader).collect();
            for leader in all {
                let request = MetadataRequest { topics: Some(Vec::new()), ..MetadataRequest::default() };
                self.cluster.leader(leader)?.ask(&request)?;
            }
        }
        Ok(())
    }

    fn is_idle(&self) -> bool {
        self.partitions.iter().all(|partition| partition.queue.is_empty())
    }

    /// Sends what can be sent, and takes the answers that come within the time.
    fn exchange(&mut self, wait: Duration) -> Result<(), ProduceError> {
        let now = Instant::now();
        let paused = self.trouble.as_ref().map(|trouble| trouble.pause_until.saturating_duration_since(now));
        let paused = paused.filter(|pause| !pause.is_zero());
        match paused {
            Some(pause) if self.in_flight.values().all(VecDeque::is_empty) => {
                std::thread::sleep(pause.min(wait));
                return Ok(());
            }
            Some(_) => {}
            None => self.send_all()?,
        }
        let mut waiting: Vec<(Leader, &mut Connection)> = Vec::new();
        for (leader, connection) in self.cluster.connections() {
            if connection.in_flight() > 0 {
                waiting.push((leader, connection));
            }
        }
        let streams: Vec<_> = waiting.iter().map(|(_, connection)| connection.stream()).collect();
        let ready: Vec<Leader> = match streams.is_empty() {
            true => Vec::new(),
            false => readable(&streams, wait)?.into_iter().map(|index| waiting[index].0).collect(),
        };
        for leader in ready {
            let mut spare = std::mem::take(&mut self.spare);
            match self.cluster.leader(leader)?.receive(&mut spare) {
                Ok(answer) => {
                    self.take(leader, &answer)?;
                    Connection::recycle(answer, &mut spare);
                    self.spare = spare;
                }
                Err(error) => self.lost(leader, error)?,
            }
        }
        Ok(())
    }

    /// Sends batches to all leaders, as far as limits and order allow.
    fn send_all(&mut self) -> Result<(), ProduceError> {
        let rewound = self.partitions.iter_mut().filter_map(|partition| partition.rewind().then_some(())).count();
        if rewound > 0 && !self.refresh()? {
            return Ok(());
        }
        for leader in self.leaders()? {
            loop {
                let in_flight = self.in_flight.entry(leader).or_default();
                if self.plan.acks != Acks::None && in_flight.len() >= REQUESTS_IN_FLIGHT_MAX {
                    break;
                }
                let (request, carried) = self.gather(leader);
                if carried.is_empty() {
                    break;
                }
                if let Err(error) = self.send_request(leader, &request, carried) {
                    self.lost(leader, error)?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Leaders of partitions that have something to send.
    fn leaders(&mut self) -> Result<Vec<Leader>, ProduceError> {
        let unsent = |partition: &Partition| partition.sent < partition.queue.len() && !partition.failed;
        let wanting = self.partitions.iter().zip(&self.topic.partitions).filter(|(partition, _)| unsent(partition));
        let mut leaders: Vec<Leader> = wanting.filter_map(|(_, known)| known.leader).collect();
        leaders.sort_unstable();
        leaders.dedup();
        let orphan = (0_i32..).zip(self.partitions.iter_mut().zip(&self.topic.partitions));
        let orphan = orphan.filter(|(_, (partition, known))| unsent(partition) && known.leader.is_none());
        let mut error = None;
        for (index, (partition, _)) in orphan {
            partition.fail();
            let why = "nobody leads it at the moment".to_owned();
            error = Some(KafkaError::NoLeader { topic: self.topic.name.clone(), partition: index, why });
        }
        if let Some(error) = error {
            self.note_trouble(&error)?;
        }
        Ok(leaders)
    }

    /// The next request for a leader: of each of its partitions one batch.
    fn gather(&mut self, leader: Leader) -> (ProduceRequest, Carried) {
        let in_flight_max = match self.plan.acks {
            Acks::All => BATCHES_IN_FLIGHT_MAX,
            Acks::Leader => 1,
            Acks::None => usize::MAX,
        };
        let count = self.partitions.len();
        let mut data = Vec::new();
        let mut carried = Vec::new();
        let mut bytes = 0;
        self.turn = (self.turn + 1) % count;
        for index in (0..count).map(|index| (self.turn + index) % count) {
            let partition = &mut self.partitions[index];
            let fits = partition.sent < in_flight_max && !partition.failed;
            if self.topic.partitions[index].leader != Some(leader) || !fits {
                continue;
            }
            let Some(batch) = partition.queue.get(partition.sent) else { continue };
            if !carried.is_empty() && bytes + batch.bytes.len() > REQUEST_BYTES_MAX {
                continue;
            }
            bytes += batch.bytes.len();
            let index = u32::try_from(index).expect("a broker counts partitions in 31 bits");
            let records = Some(batch.bytes.clone().into());
            data.push(PartitionProduceData { index: index.cast_signed(), records });
            carried.push(index);
            partition.sent += 1;
            partition.outstanding += 1;
        }
        let acks = match self.plan.acks {
            Acks::All => -1,
            Acks::Leader => 1,
            Acks::None => 0,
        };
        let topic =
            TopicProduceData { name: self.topic.name.clone(), partition_data: data, ..TopicProduceData::default() };
        let request = ProduceRequest {
            acks,
            timeout_ms: REQUEST_TIMEOUT_MS,
            topic_data: vec![topic],
            ..ProduceRequest::default()
        };
        (request, carried)
    }

    fn send_request(&mut self, leader: Leader, request: &ProduceRequest, carried: Carried) -> Result<(), KafkaError> {
        // Noted first: what is lost on the way is found there.
        self.in_flight.entry(leader).or_default().push_back(carried);
        let connection = self.cluster.leader(leader)?;
        if self.plan.acks != Acks::None {
            return connection.send(request);
        }
        connection.send_unanswered(request)?;
        let carried = self.in_flight.get_mut(&leader).and_then(VecDeque::pop_back).unwrap_or_default();
        carried.into_iter().for_each(|index| {
            self.partitions[index as usize].outstanding -= 1;
            self.acknowledged(index);
        });
        Ok(())
    }

    fn acknowledged(&mut self, index: u32) {
        let batch = self.partitions[index as usize].acknowledged().expect("what is acknowledged was under way");
        self.buffered -= batch.bytes.len();
        self.totals.records += batch.records;
        self.totals.bytes += batch.payload_bytes;
    }

    fn take(&mut self, leader: Leader, answer: &Answer) -> Result<(), ProduceError> {
        let connection = self.cluster.leader(leader)?;
        let broker = connection.broker().to_owned();
        let response = connection.decode::<ProduceRequest>(answer)?;
        let carried = self.in_flight.get_mut(&leader).and_then(VecDeque::pop_front).unwrap_or_default();
        let answers: Vec<&PartitionProduceResponse> =
            response.responses.iter().flat_map(|topic| &topic.partition_responses).collect();
        for index in carried {
            let Some(answer) = answers.iter().find(|answer| answer.index == index.cast_signed()) else {
                let what = format!("partition {index} of topic {:?} is not in it", self.topic.name);
                return Err(KafkaError::Answer { broker, api: ApiKey::Produce, what }.into());
            };
            self.take_partition(&broker, index, answer)?;
        }
        Ok(())
    }

    fn take_partition(
        &mut self,
        broker: &str,
        index: u32,
        answer: &PartitionProduceResponse,
    ) -> Result<(), ProduceError> {
        let partition = &mut self.partitions[index as usize];
        partition.outstanding -= 1;
        if partition.failed {
            // A batch before it failed. All are sent again, and what was written is recognised.
            return Ok(());
        }
        match ErrorCode::from_code(answer.error_code) {
            Some(ErrorCode::None | ErrorCode::DuplicateSequenceNumber) => {
                self.acknowledged(index);
                self.trouble = None;
                return Ok(());
            }
            Some(_) | None => partition.fail(),
        }
        let reasons = answer.record_errors.iter().filter_map(|error| error.batch_index_error_message.clone());
        let error = KafkaError::Refused {
            broker: broker.to_owned(),
            api: ApiKey::Produce,
            topic: Some(self.topic.name.clone()),
            partition: Some(index.cast_signed()),
            code: answer.error_code,
            message: answer.error_message.clone().or_else(|| reasons.into_iter().next()),
        };
        self.note_trouble(&error)
    }

    /// A connection is gone, and with it the answers to what was under way.
    fn lost(&mut self, leader: Leader, error: KafkaError) -> Result<(), ProduceError> {
        self.cluster.drop_leader(leader);
        for index in self.in_flight.remove(&leader).into_iter().flatten().flatten() {
            let partition = &mut self.partitions[index as usize];
            partition.outstanding -= 1;
            partition.fail();
        }
        match self.plan.acks {
            // What was sent unacknowledged may be gone, and nobody can say what of it.
            Acks::None => Err(error.into()),
            Acks::All | Acks::Leader => self.note_trouble(&error),
        }
    }

    /// Remembers that something failed, or gives up: at once if it does not pass, else after a while.
    fn note_trouble(&mut self, error: &KafkaError) -> Result<(), ProduceError> {
        let now = Instant::now();
        let failing = self.partitions.iter().filter_map(|partition| partition.failing_since).min();
        let for_long = failing.is_some_and(|since| now.duration_since(since) > TROUBLE_TIME_MAX);
        if !error.is_retriable() || for_long {
            let unacknowledged = self.partitions.iter().flat_map(|partition| &partition.queue);
            let unacknowledged = unacknowledged.map(|batch| batch.records).sum();
            return Err(ProduceError::GivenUp { what: error.to_string(), unacknowledged });
        }
        let backoff = self.trouble.as_ref().map_or(BACKOFF_MIN, |trouble| (trouble.backoff * 2).min(BACKOFF_MAX));
        tracing::warn!(%error, "sending again in {} ms", backoff.as_millis());
        self.trouble = Some(Trouble { backoff, pause_until: now + backoff });
        Ok(())
    }

    /// Asks who leads the partitions now; `false` if nobody could be asked.
    fn refresh(&mut self) -> Result<bool, ProduceError> {
        match self.cluster.topic(&self.plan.topic) {
            Ok(topic) if topic.partitions.len() >= self.partitions.len() => {
                self.topic = topic;
                self.topic.partitions.truncate(self.partitions.len());
                self.refresh_available();
                Ok(true)
            }
            Ok(topic) => {
                let what = format!("topic {:?} has become another one with fewer partitions", topic.name);
                let broker = self.cluster.bootstrap().to_owned();
                Err(KafkaError::Answer { broker, api: ApiKey::Metadata, what }.into())
            }
            Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => Err(error.into()),
            Err(error) => self.note_trouble(&error).map(|()| false),
        }
    }
}

fn wall_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
