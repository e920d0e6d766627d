//! Limits of the broker that are no settings, and how they relate.

use std::time::Duration;

/// Messages in one lane between two cores. Small queues pay a wake-up for each few messages.
pub(crate) const LANE_MESSAGES: usize = 4_096;
/// Messages that wait for room in one lane, on the sender's side.
pub(crate) const LANE_OVERFLOW_MAX: usize = 16_384;
/// Calls to other cores that one core has open.
pub(crate) const CALLS_MAX: usize = 65_536;
/// Calls about groups that one core has open beside those. Members of a group that rebalances wait in them, for minutes if
/// need be, so they must not take the place of appends and fetches.
pub(crate) const GROUP_CALLS_MAX: usize = 65_536;
/// Calls to other cores that one core has open for fetch sessions, two for each core that a session has partitions on. They
/// stay open as long as it lives.
pub(crate) const FOLLOW_CALLS_MAX: usize = 65_536;
/// Requests that wait for groups of one core, from all cores; each has a few hundred bytes.
pub(crate) const GROUP_REQUESTS_MAX: usize = 262_144;
/// Batches of one coordinator that are on their way into its log.
pub(crate) const GROUP_APPENDS_MAX: usize = 10_000;
/// What decisions of one turn share of a batch; a decision with more has one for itself.
pub(crate) const GROUP_BATCH_BYTES: usize = 32 << 10;
/// Coordinators of one core that read their logs at the same time, and how much of it at once.
pub(crate) const GROUP_LOADS_AT_ONCE_MAX: usize = 4;
pub(crate) const GROUP_LOAD_READ_BYTES: u32 = 1 << 20;
/// A coordinator's log that could not be read is tried again after this long.
pub(crate) const GROUP_LOAD_RETRY: Duration = Duration::from_secs(5);
/// Groups that one request may name.
pub(crate) const GROUPS_PER_REQUEST_MAX: usize = 10_000;
/// Members that one answer describes; each has a kilobyte or so.
pub(crate) const DESCRIBE_MEMBERS_MAX: usize = 50_000;
/// A request that waits for the others of its group takes this many times its length, beside the frame that it came in,
/// which is let go of.
pub(crate) const PARKED_REQUEST_EXPANSION: usize = 2;
/// And so much for itself and for each protocol or assignment in it.
pub(crate) const PARKED_ITEM_BYTES: usize = 256;
/// A read that takes less of a core's time is not counted as work for its partition.
pub(crate) const WORK_COUNTED_MIN: Duration = Duration::from_micros(1);
/// Appends that wait on one core while their partition goes to another one. When it has, they go there at once.
pub(crate) const HELD_APPENDS_MAX: usize = 8_192;
/// With so many, further produce requests are not begun. One request may well bring some, but hardly thousands.
pub(crate) const HELD_APPENDS_CROWDED: usize = HELD_APPENDS_MAX / 2;
/// A partition that does not come to rest within this time stays where it is.
pub(crate) const HAND_OVER_TIME_MAX: Duration = Duration::from_secs(2);
/// Partitions of a topic that are placed or taken out of the placement before others have their turn: below 1 us each.
pub(crate) const PARTITIONS_AT_ONCE_MAX: usize = 256;
/// Commands that wait for the controller.
pub(crate) const CONTROLLER_COMMANDS_MAX: usize = 1_024;
/// Producer ids that a core takes from the controller at a time.
pub(crate) const PRODUCER_IDS_AT_ONCE: u64 = 1_000;
/// Producers that one partition remembers; the one that was quiet longest is forgotten first.
pub(crate) const PRODUCERS_PER_PARTITION_MAX: usize = 20_000;
/// What such a producer takes of `memory.producers`: half of it in a large table, all of it where it is the only one.
pub(crate) const PRODUCER_BYTES: usize = 512;
/// And in a checkpoint, with five batches.
pub(crate) const PRODUCER_ENCODED_BYTES_MAX: usize = 155;
/// Producers that all cores together remember, however much memory there is: a start writes all of them into the checkpoint
/// of each core, and what is larger than a checkpoint may be would stop the core.
pub(crate) const PRODUCERS_MAX: usize = 2_000_000;
/// Producers to look at for one append beyond the limit, of which about every second is forgotten.
pub(crate) const PRODUCER_LOOKS_AT_ONCE: usize = 4;
/// Whoever was quiet too long, or is too many, is looked for this often; so many at a time, each takes a microsecond.
pub(crate) const PRODUCERS_CHECK: Duration = Duration::from_secs(1);
pub(crate) const PRODUCER_LOOKS_OF_CHECK: usize = 64;
/// Producers that are put into bytes, or listed, before other tasks get a turn.
pub(crate) const PRODUCERS_AT_ONCE: usize = 128;
/// Descriptors of the process: those of the standard streams, of the data folder and its lock, of listeners and of the
/// memory that is touched ahead, some 20; and connections to the HTTP door.
pub(crate) const DESCRIPTORS_OF_PROCESS: usize = 64;
/// Descriptors of one core beside connections and open segments: its rings and timers, the journal, segments that are read,
/// and those that are removed. Some more for what comes and goes.
pub(crate) const DESCRIPTORS_OF_CORE: usize = shard::limits::READ_FILES_MAX + shard::limits::FREED_FILES_MAX + 64;
/// A core that can keep no more segments open than this opens and closes them all the time.
pub(crate) const OPEN_FILES_MIN: usize = 16;
/// A broker that can take fewer connections is of no use.
pub(crate) const CONNECTIONS_LEAST: usize = 32;
/// What goes wrong with connections that come is logged once in this time, with how often it did.
pub(crate) const COMPLAINTS_INTERVAL: Duration = Duration::from_secs(10);
/// Connections of a core that are named in this time with why they were closed; the others are counted.
pub(crate) const COMPLAINTS_AT_ONCE_MAX: u32 = 250;
/// Accepted in one go before other tasks get a turn.
pub(crate) const ACCEPTS_AT_ONCE: usize = 64;
/// Bytes of one connection's requests that may be in progress, beside one request that is larger alone.
pub(crate) const CONNECTION_REQUEST_BYTES_MAX: usize = 32 << 20;
/// First size of a connection's receive buffer; it grows to the request at hand.
pub(crate) const RECEIVE_BUFFER_BYTES: usize = 16 << 10;
/// Receive buffers beyond this do not gain from being larger (the second-level cache is 1 MiB).
pub(crate) const RECEIVE_BUFFER_BYTES_MAX: usize = 256 << 10;
/// What requests of one connection may take where all requests together have no more room, beside it: enough to ask for
/// metadata, to tell that a member lives, for a small produce, or a fetch of some partitions.
pub(crate) const CONNECTION_OWN_BYTES: usize = 16 << 10;
/// While others wait for memory, a request that holds some must arrive this fast, or it is given up.
pub(crate) const PACE_INTERVAL: Duration = Duration::from_secs(1);
pub(crate) const PACE_BYTES_MIN: usize = 64 << 10;
/// And so much of an answer must be taken in one of two such times: a client has pauses of its own.
pub(crate) const ANSWER_PACE_INTERVAL: Duration = Duration::from_secs(2);
/// Bytes of one answer to a fetch, whatever the client asks for (Kafka's fetch.max.bytes).
pub(crate) const FETCH_BYTES_MAX: u32 = 55 << 20;
/// Largest Kafka request that carries no records. A fetch of 50,000 partitions has less.
pub(crate) const PLAIN_REQUEST_BYTES_MAX: usize = 2 << 20;
/// As above for SyncGroup, with which a leader brings the assignments of all members.
pub(crate) const SYNC_REQUEST_BYTES_MAX: usize = cluster::limits::GROUP_BYTES_MAX + (1 << 20);
/// A request without records takes this many times its length while it is worked on: small items become large structs,
/// and their answers larger ones.
pub(crate) const PLAIN_REQUEST_EXPANSION: usize = 32;
/// As above for a fetch, and for the assignments of a group. Many wait for records, so this is nearer to the truth.
pub(crate) const FETCH_EXPANSION: usize = 16;
/// As above for the header of a native frame, whose items are larger.
pub(crate) const NATIVE_HEADER_EXPANSION: usize = 24;
/// Partitions of produce requests that one core works on, about 500 bytes each, before further requests wait; and those of
/// one request. An empty one has 8 bytes in a request.
pub(crate) const PRODUCE_PARTS_MAX: usize = 64 << 10;
/// Topics that one request makes; each is described whole in the answer.
pub(crate) const CREATE_TOPICS_MAX: usize = 1_000;
/// Resources whose settings one request alters; each is a flush of its own.
pub(crate) const ALTER_RESOURCES_MAX: usize = 1_000;
/// Producers that one answer describes, and partitions without any; each takes some 50 bytes.
pub(crate) const DESCRIBE_PRODUCERS_MAX: usize = 200_000;
/// Topics and brokers whose settings one answer gives; each has some kilobytes.
pub(crate) const DESCRIBE_RESOURCES_MAX: usize = 10_000;
/// A fetch begins when there is memory for so many bytes, if it asks for more.
pub(crate) const FETCH_ROOM_BYTES_MIN: usize = 256 << 10;
/// Partitions of one fetch.
pub(crate) const FETCH_PARTITIONS_MAX: usize = 100_000;
/// Partitions that a fetch of a session looks at before it lets others go on.
pub(crate) const LOOK_PARTITIONS_MAX: usize = 128;
/// Partitions that a session has forgotten and one core follows yet, beyond which that core is told to forget all.
pub(crate) const UNFOLLOWED_MAX: usize = 65_536;
/// Partitions in one message that tells which have moved.
pub(crate) const MOVES_MAX: usize = 1_024;
/// When no more than so many have moved, the message may bring their records.
pub(crate) const MOVES_BROUGHT_MAX: usize = 16;
/// What each partition that is looked at takes while a fetch of a session is worked on.
pub(crate) const SESSION_FETCH_PARTITION_BYTES: usize = 512;
/// Longest wait of a fetch, in milliseconds.
pub(crate) const FETCH_WAIT_MS_MAX: u64 = 60_000;
/// Waits on other cores that go on between the fetches of Kafka connections have, beside the memory of answers, one in so
/// many bytes of it. A wait that finds no room there ends with its fetch.
pub(crate) const STANDING_MEMORY_SHARE: usize = 8;
/// One partition of such a wait, and all of one wait.
pub(crate) const STANDING_PART_BYTES: usize = 512;
pub(crate) const STANDING_PARTS_BYTES_MAX: usize = 256 << 10;
/// Records that such a wait brings with it; more are read by the fetch. Copying so many costs far less than the wake-ups of
/// two cores.
pub(crate) const STANDING_READ_BYTES: u32 = 16 << 10;
/// Frames that wait to be sent on one native connection, in bytes; streams pause beyond it.
pub(crate) const OUTBOX_BYTES_MAX: usize = 4 << 20;
/// Frames that are sent with one call to the kernel.
pub(crate) const FRAMES_AT_ONCE: usize = 64;
/// Longest that a deletion of records waits until they are flushed.
pub(crate) const TRIM_WAIT: Duration = Duration::from_secs(10);
/// A stream that waits for records looks around after so many milliseconds.
pub(crate) const STREAM_WAIT_MS: u64 = 60_000;
/// Fetch streams of one native connection.
pub(crate) const STREAMS_PER_CONNECTION_MAX: usize = 10_000;
/// Topics of one answer of `DescribeTopicPartitions`, in partitions (Kafka's max.request.partition.size.limit).
pub(crate) const DESCRIBE_PARTITIONS_MAX: usize = 2_000;
/// Memory that a core keeps for looking into the next compressed batch of a topic that is compacted.
pub(crate) const DECOMPRESSOR_RETAINED_BYTES_MAX: usize = 4 << 20;

/// Batches that wait on one core to be compressed with the codec that their topic wants.
pub(crate) const RECOMPRESSIONS_MAX: usize = 8_192;
/// Records of a batch that are compressed on the core itself: any codec takes less than 200 us. Above, on another thread.
pub(crate) const RECOMPRESSED_HERE_BYTES_MAX: usize = 8 << 10;
/// Records of such a batch, decompressed.
pub(crate) const RECOMPRESSED_BYTES_MAX: usize = shard::limits::COMPACTION_BATCH_BYTES_MAX;
/// Connections to the HTTP door: some who scrape, some who look after the broker's health, and a person or two.
pub(crate) const HTTP_CONNECTIONS_MAX: usize = 16;
/// Connections to it that the kernel keeps until they are accepted.
pub(crate) const HTTP_BACKLOG: u32 = 64;
/// Head of an HTTP request; browsers send a kilobyte or two.
pub(crate) const HTTP_HEAD_BYTES_MAX: usize = 8 << 10;
pub(crate) const HTTP_HEADERS_MAX: usize = 64;
/// An HTTP request must have arrived, and its answer been taken, within these.
pub(crate) const HTTP_REQUEST_TIME_MAX: Duration = Duration::from_secs(5);
pub(crate) const HTTP_ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// What is still taken of a refused request, so that its sender gets to read why.
pub(crate) const HTTP_DRAIN_BYTES_MAX: usize = 64 << 10;
pub(crate) const HTTP_DRAIN_TIME_MAX: Duration = Duration::from_secs(1);
/// Cores that have not given their metrics within this time are left out; Prometheus waits for 10 s.
pub(crate) const METRICS_WAIT: Duration = Duration::from_secs(2);
/// Places of damage, and disk operations that hang, that metrics name of each core.
pub(crate) const METRICS_DAMAGE_MAX: usize = 32;
pub(crate) const METRICS_STALLS_MAX: usize = 16;
/// As above for a broker's status, which people read.
pub(crate) const TROUBLES_DAMAGE_MAX: usize = 8;

const _: () = assert!(HTTP_CONNECTIONS_MAX <= DESCRIPTORS_OF_PROCESS / 2);
const _: () = assert!(LANE_OVERFLOW_MAX >= LANE_MESSAGES);
const _: () = assert!(GROUPS_PER_REQUEST_MAX < GROUP_CALLS_MAX);
const _: () = assert!(GROUP_CALLS_MAX < GROUP_REQUESTS_MAX);
const _: () = assert!(PRODUCERS_PER_PARTITION_MAX <= DESCRIBE_PRODUCERS_MAX);
const _: () = assert!(PRODUCERS_MAX * PRODUCER_ENCODED_BYTES_MAX <= shard::limits::CHECKPOINT_BYTES_MAX / 2);
const _: () = assert!(PRODUCERS_MAX >= cluster::limits::CORES_MAX as usize);
const _: () = assert!(HELD_APPENDS_MAX <= LANE_OVERFLOW_MAX / 2);
const _: () = assert!(FETCH_ROOM_BYTES_MIN <= FETCH_BYTES_MAX as usize);
const _: () = assert!(RECEIVE_BUFFER_BYTES <= RECEIVE_BUFFER_BYTES_MAX);
