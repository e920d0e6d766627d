//! Topics that the broker keeps for itself. Clients may read them, and nothing else.

use std::rc::Rc;

use cluster::metadata::{Command, CreateTopic, CreationDefaults, NewPartitions, Reply, Topic};
use wire::ErrorCode;

use crate::core::Core;
use crate::refusal::Refusal;

/// What groups have committed, and who is in them.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";
/// As in Kafka: small segments, so that compaction and a start have little to read.
const OFFSETS_SEGMENT_BYTES: &str = "104857600";

/// Kafka's name for the log of the metadata. Nobody can have a topic of that name.
pub(crate) const METADATA_TOPIC: &str = "__cluster_metadata";

pub(crate) fn is_internal(topic: &str) -> bool {
    topic == OFFSETS_TOPIC
}

/// Refuses what clients may not do to such a topic.
pub(crate) fn check_not_internal(topic: &str, what: &str) -> Result<(), Refusal> {
    if !is_internal(topic) {
        return Ok(());
    }
    let text = format!("{topic} is the broker's own topic: {what}");
    Err(Refusal::new(ErrorCode::InvalidTopicException, text))
}

/// Refuses the commands that clients may not give for such a topic.
pub(crate) fn check_command(core: &Core, command: &Command) -> Result<(), Refusal> {
    use cluster::metadata::TopicReference;
    match command {
        Command::CreateTopic(command) if command.name == METADATA_TOPIC => {
            let text = format!("{METADATA_TOPIC} is the name of the metadata's log, which is no topic");
            Err(Refusal::new(ErrorCode::InvalidRequest, text))
        }
        Command::CreateTopic(command) => {
            check_not_internal(&command.name, "it is made when the first group looks for its coordinator")
        }
        Command::DeleteTopic { topic: TopicReference::Name(name) } => check_not_internal(name, "it cannot be deleted"),
        Command::DeleteTopic { topic: TopicReference::Id(id) } => match core.topic(*id) {
            Some(known) => check_not_internal(known.topic.name.as_str(), "it cannot be deleted"),
            None => Ok(()),
        },
        Command::CreatePartitions(command) => {
            check_not_internal(&command.name, "its number of partitions says where each group is")
        }
        Command::AlterSettings(_)
        | Command::AlterOwnerSettings(_)
        | Command::RegisterBroker { .. }
        | Command::ReserveProducerIds { .. } => Ok(()),
    }
}

impl Core {
    /// Asks the controller on behalf of a client.
    pub(crate) async fn control_for_client(self: &Rc<Self>, command: Command) -> Result<Reply, Refusal> {
        check_command(self, &command)?;
        self.control(command).await
    }

    /// Makes the topic of the groups if there is none yet.
    pub(crate) async fn ensure_offsets_topic(self: &Rc<Self>) -> Result<(), Refusal> {
        if self.shown_view().topic_named(OFFSETS_TOPIC).is_some() {
            return Ok(());
        }
        match self.control(Command::CreateTopic(offsets_topic(self))).await {
            Ok(Reply::TopicCreated(Topic { partitions, .. })) => {
                tracing::info!(topic = OFFSETS_TOPIC, partitions = partitions.len(), "the topic of the groups is made");
                Ok(())
            }
            Ok(other) => {
                tracing::error!(?other, "the controller gave an answer to another question");
                Err(ErrorCode::UnknownServerError.into())
            }
            // Somebody else was faster.
            Err(refusal) if refusal.code == ErrorCode::TopicAlreadyExists => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }
}

fn offsets_topic(core: &Core) -> CreateTopic {
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.bytes", OFFSETS_SEGMENT_BYTES),
        // Whatever the defaults for clients' topics are.
        ("corelane.durability", "flushed"),
    ];
    CreateTopic {
        name: OFFSETS_TOPIC.to_owned(),
        topic_id: core.new_topic_id(),
        partitions: NewPartitions::Count(None),
        replication_factor: None,
        settings: settings.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).to_vec(),
        validate_only: false,
        defaults: CreationDefaults { partitions: core.config.offsets_partitions, ..core.creation_defaults() },
    }
}
