//! Offsets asked of the brokers that lead the partitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Instant, PartitionId};
use rt::{now, sleep_until};
use wire::native::{ApiKey, ListOffsetsReply, ListOffsetsRequest, OffsetAnswer, OffsetAt, OffsetQuery};

use crate::driver::calls::{CallError, ask};
use crate::driver::client::Shared;
use crate::driver::pool::Purpose;
use crate::error::ClientError;
use crate::limits;
use crate::machine::backoff::Backoff;
use crate::machine::metadata::Address;
use crate::machine::refusal::Refusal;
use crate::machine::route::{Destination, Route, Routes};

/// What is asked, with its place in the answer.
type Asked = (usize, PartitionId, OffsetAt);

impl Shared {
    /// Answers in the order of the queries. Asks again for partitions that have moved, as long as there is time.
    pub(in crate::driver) async fn list_offsets(
        &self,
        queries: &[(PartitionId, OffsetAt)],
    ) -> Result<Vec<OffsetAnswer>, ClientError> {
        let limit = self.config.operation_timeout;
        let give_up_at = now().plus(limit);
        let mut backoff = Backoff::new(self.config.retry_backoff);
        let mut answers: Vec<Option<OffsetAnswer>> = vec![None; queries.len()];
        loop {
            let missing = queries.iter().enumerate().filter(|(index, _)| answers[*index].is_none());
            let missing: Vec<Asked> = missing.map(|(index, (id, at))| (index, *id, *at)).collect();
            let Some((_, first, _)) = missing.first().copied() else { break };
            let last = self.list_once(&missing, &mut answers).await?;
            if answers.iter().all(Option::is_some) {
                break;
            }
            let again_at = backoff.failed(now(), &mut self.fork_random());
            if again_at >= give_up_at {
                let what = format!("the lookup of offsets of partition {first}");
                return Err(ClientError::TimedOut { what, limit, last: last.map(Arc::new) });
            }
            self.wait_for_routes(again_at).await;
        }
        Ok(answers.into_iter().map(|answer| answer.expect("none is missing any more")).collect())
    }

    /// Asks each leader once. An error that will pass is given back; others end the operation.
    async fn list_once(
        &self,
        missing: &[Asked],
        answers: &mut [Option<OffsetAnswer>],
    ) -> Result<Option<ClientError>, ClientError> {
        let mut by_destination: BTreeMap<Destination, Vec<Asked>> = BTreeMap::new();
        for asked in missing {
            let route = self.metadata.borrow().route(asked.1);
            match route {
                Route::To(destination) => by_destination.entry(destination).or_default().push(*asked),
                Route::Unknown => self.doubt(asked.1),
                Route::Gone => {
                    let topic = asked.1.topic.to_string().into();
                    return Err(ClientError::UnknownTopic { topic });
                }
            }
        }
        let mut last = None;
        for (destination, asked) in by_destination {
            for asked in asked.chunks(limits::OFFSET_QUERIES_PER_REQUEST_MAX) {
                match self.list_at(destination, asked, answers).await {
                    Ok(None) => {}
                    Ok(Some(error)) => last = Some(error),
                    Err(error) if error.is_retriable() => {
                        self.doubt_broker(destination.broker);
                        last = Some(error);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(last)
    }

    async fn list_at(
        &self,
        destination: Destination,
        asked: &[Asked],
        answers: &mut [Option<OffsetAnswer>],
    ) -> Result<Option<ClientError>, ClientError> {
        let api = ApiKey::ListOffsets;
        let address = self.metadata.borrow().address(destination);
        let Some(address) = address else {
            self.doubt_broker(destination.broker);
            return Ok(None);
        };
        let reached = self.reach(&address, Purpose::Control).await;
        let connection = reached.map_err(|error| ClientError::Connection { broker: address, api, error })?;
        let query = |(_, id, at): &Asked| OffsetQuery { topic: id.topic, partition: id.index, at: *at };
        let request = ListOffsetsRequest { partitions: asked.iter().map(query).collect() };
        let frame = ask(&connection, &request, self.config.request_timeout).await;
        let frame = frame.map_err(|error| error.about(&connection, api, None))?;
        let reply: ListOffsetsReply = frame.open().map_err(|error| {
            connection.fail_unreadable(api, error);
            CallError::Lost(connection.error().expect("it has just failed")).about(&connection, api, None)
        })?;
        let mut last = None;
        let mut unused: Vec<&OffsetAnswer> = reply.partitions.iter().rev().collect();
        for (index, id, _) in asked {
            // One partition may be asked about several times; its answers come in the order of the questions.
            let is_for = |answer: &&OffsetAnswer| (answer.topic, answer.partition) == (id.topic, id.index);
            let Some(found) = unused.iter().rposition(is_for) else { continue };
            let answer = unused.remove(found);
            if answer.error.is_none() {
                answers[*index] = Some(*answer);
                continue;
            }
            let refusal = Refusal::new(answer.error, None);
            let topic = self.metadata.borrow().name_of(id.topic).cloned();
            let broker = Address::Socket(connection.addr());
            let is_passing = refusal.is_retriable();
            let error = ClientError::Refused { broker, api, topic, refusal };
            if !is_passing {
                return Err(error);
            }
            self.doubt(*id);
            last = Some(error);
        }
        Ok(last)
    }

    fn doubt(&self, id: PartitionId) {
        self.metadata.borrow_mut().doubt(now(), id.topic);
        self.refresh_metadata();
    }

    async fn wait_for_routes(&self, until: Instant) {
        self.stop.or_stopped(sleep_until(until)).await;
    }
}
