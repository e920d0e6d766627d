//! Sending by the Kafka door.

mod identify;
mod partition;
mod producer;

use std::error::Error;

use super::input::{Input, Next, Waited};
use super::lines::Parser;
use super::{Plan, Totals};
use producer::Producer;

pub(super) fn produce(
    address: &str,
    plan: &Plan,
    mut input: Input,
    mut parser: Parser,
    totals: &mut Totals,
) -> Result<(), Box<dyn Error>> {
    let mut producer = Producer::connect(address, plan)?;
    let result = feed(&mut producer, &mut input, &mut parser);
    let finished = match &result {
        // The broker refuses what is sent: there is nothing to wait for.
        Err(Stop::Failed(_)) => Ok(()),
        Ok(()) | Err(Stop::BadInput(_)) => producer.finish(),
    };
    *totals = producer.totals();
    finished?;
    match result {
        Ok(()) => Ok(()),
        Err(Stop::BadInput(what)) => Err(what.into()),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Why not all of the input was sent.
enum Stop {
    /// What came before it can still be delivered.
    BadInput(String),
    Failed(Box<dyn Error>),
}

fn feed(producer: &mut Producer, input: &mut Input, parser: &mut Parser) -> Result<(), Stop> {
    loop {
        match input.next().map_err(Stop::BadInput)? {
            Next::End => return Ok(()),
            Next::Line(line) => {
                let sent = match parser.parse(line) {
                    Ok(Some(record)) => producer.send(&record),
                    Ok(None) => Ok(()),
                    Err(what) => return Err(Stop::BadInput(format!("{}: {what}", input.place()))),
                };
                sent.map_err(|error| match error.is_bad_record() {
                    true => Stop::BadInput(format!("{}: {error}", input.place())),
                    false => Stop::Failed(error.into()),
                })?;
            }
            Next::Starved => {
                // While nothing comes, batches go out and answers come in.
                let mut wait = producer.work().map_err(|error| Stop::Failed(error.into()))?;
                while input.wait(wait).map_err(Stop::BadInput)? == Waited::TimedOut {
                    wait = producer.work().map_err(|error| Stop::Failed(error.into()))?;
                }
            }
        }
    }
}
