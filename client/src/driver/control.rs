//! Operations that are repeated until they succeed, are refused for good, or run out of time.

use std::rc::Rc;
use std::sync::Arc;

use rt::{now, sleep_until, timeout};
use wire::native::{ApiKey, Outgoing};

use super::calls::{CallError, ask};
use super::client::Shared;
use super::connection::Connection;
use crate::error::ClientError;
use crate::limits;
use crate::machine::backoff::Backoff;
use crate::machine::connection::Frame;

/// Whether doing something twice does harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repetition {
    /// It only reads.
    Harmless,
    /// It is not repeated when it may have been done.
    Harmful,
}

struct Failed {
    error: ClientError,
    is_final: bool,
}

/// An answer, and who gave it.
pub(super) struct Answered {
    pub(super) frame: Frame,
    pub(super) connection: Rc<Connection>,
}

impl Shared {
    /// Asks some broker, again after a while if that fails in a way that may pass.
    pub(super) async fn operate<M: Outgoing>(
        &self,
        request: &M,
        topic: Option<&Arc<str>>,
        repetition: Repetition,
    ) -> Result<Answered, ClientError> {
        let limit = self.config.operation_timeout;
        let begun = now();
        let give_up_at = begun.plus(limit);
        let patient_until = begun.plus(limits::UNKNOWN_TOPIC_PATIENCE);
        let mut backoff = Backoff::new(self.config.retry_backoff);
        let mut last = None;
        loop {
            let attempt = timeout(give_up_at.since(now()), self.attempt(request, topic, repetition)).await;
            match attempt {
                Ok(Ok(answered)) => return Ok(answered),
                Ok(Err(Failed { error, is_final: true })) => return Err(error),
                Ok(Err(Failed { error, .. })) if is_about_unknown_topic(&error) && now() >= patient_until => {
                    return Err(error);
                }
                Ok(Err(Failed { error, is_final: false })) => last = Some(Arc::new(error)),
                // What was wrong before says more than that the time is over.
                Err(_) => {}
            }
            let again_at = backoff.failed(now(), &mut self.fork_random());
            if again_at >= give_up_at {
                return Err(ClientError::TimedOut { what: format!("{:?}", M::API), limit, last });
            }
            sleep_until(again_at).await;
        }
    }

    async fn attempt<M: Outgoing>(
        &self,
        request: &M,
        topic: Option<&Arc<str>>,
        repetition: Repetition,
    ) -> Result<Answered, Failed> {
        let connection = self.control().await.map_err(|error| Failed { is_final: !error.is_retriable(), error })?;
        match ask(&connection, request, self.config.request_timeout).await {
            Ok(frame) => Ok(Answered { frame, connection }),
            Err(error) => {
                let may_be_done = matches!(error, CallError::Lost(_)) && repetition == Repetition::Harmful;
                let is_final = !error.is_retriable() || may_be_done;
                Err(Failed { error: error.about(&connection, M::API, topic), is_final })
            }
        }
    }
}

fn is_about_unknown_topic(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused { refusal, .. } if refusal.is_unknown_topic())
}

impl Answered {
    /// An answer that cannot be read ends the connection: what else would come of it is not to be believed.
    pub(super) fn unreadable(&self, api: ApiKey, error: wire::native::MessageError) -> ClientError {
        self.connection.fail_unreadable(api, error);
        let error = self.connection.error().expect("it has just failed");
        CallError::Lost(error).about(&self.connection, api, None)
    }
}
