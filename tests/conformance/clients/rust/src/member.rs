//! One member of a group, which tells what it owns and reads until it is asked to leave.

use std::time::Duration;

use krafka::consumer::{AutoOffsetReset, Consumer, GroupProtocol, PartitionAssignmentStrategy};
use krafka::error::ErrorCode;
use krafka::{ConsumerRecord, KrafkaError};
use tokio::signal::unix::{SignalKind, signal};

use crate::{Options, Outcome, dataset, expect};

const POLL: Duration = Duration::from_millis(100);

/// The exit code.
pub async fn be_member(options: &Options) -> i32 {
    match live(options).await {
        Ok(()) => {
            println!("left");
            0
        }
        Err(error) => {
            eprintln!("{error:?}");
            println!("failed {}", error.to_string().replace('\n', " "));
            1
        }
    }
}

async fn live(options: &Options) -> Outcome<()> {
    let mut asked = signal(SignalKind::terminate())?;
    let kafka = options.connect().await?;
    let mut builder = kafka
        .consumer(options.text("group", ""))
        .auto_offset_reset(AutoOffsetReset::Earliest)
        .enable_auto_commit(false)
        .fetch_max_wait(POLL)
        .max_poll_records(200);
    builder = if options.text("protocol", "classic") == "consumer" {
        builder.group_protocol(GroupProtocol::Consumer)
    } else {
        builder.session_timeout(Duration::from_secs(6)).heartbeat_interval(Duration::from_millis(500))
    };
    if options.text("assignor", "default") == "cooperative" {
        builder = builder.partition_assignment_strategy(PartitionAssignmentStrategy::CooperativeSticky);
    }
    let consumer = builder.build().await?;
    consumer.subscribe([options.topic()]).await?;
    let mut told = None;
    loop {
        let polled = tokio::select! {
            _ = asked.recv() => break,
            polled = consumer.poll(POLL) => polled?,
        };
        tell_owned(&consumer, options, &mut told).await;
        let any = !polled.is_empty();
        read(options, polled)?;
        if any {
            commit(&consumer).await?;
        }
    }
    Ok(consumer.close().await?)
}

async fn tell_owned(consumer: &Consumer, options: &Options, told: &mut Option<Vec<i32>>) {
    let mut owned = consumer.assignment().await.remove(options.topic()).unwrap_or_default();
    owned.sort_unstable();
    if told.as_ref() != Some(&owned) {
        let partitions: Vec<String> = owned.iter().map(i32::to_string).collect();
        println!("assigned {}", partitions.join(" "));
        *told = Some(owned);
    }
}

fn read(options: &Options, mut polled: Vec<ConsumerRecord>) -> Outcome<()> {
    polled.sort_by_key(|found| found.partition);
    for found in polled.chunk_by(|a, b| a.partition == b.partition && a.offset + 1 == b.offset) {
        for each in found {
            let at = format!("partition {} offset {}", each.partition, each.offset);
            let number = u32::try_from(each.offset)? * options.partitions() + u32::try_from(each.partition)?;
            let item = dataset::record(number, options.text("shape", "full"), false);
            expect(format!("{at}: key"), &item.key, &each.key)?;
            expect(format!("{at}: value"), &item.value, &each.value)?;
        }
        println!("read {} {} {}", found[0].partition, found[0].offset, found[found.len() - 1].offset);
    }
    Ok(())
}

/// A rebalance may come between: whoever has the partition next reads these records again.
async fn commit(consumer: &Consumer) -> Outcome<()> {
    match consumer.commit().await {
        Err(KrafkaError::Broker { code, .. })
            if matches!(
                code,
                ErrorCode::RebalanceInProgress
                    | ErrorCode::UnknownMemberId
                    | ErrorCode::IllegalGeneration
                    | ErrorCode::StaleMemberEpoch
                    | ErrorCode::FencedMemberEpoch
            ) =>
        {
            eprintln!("not committed: {code:?}");
            Ok(())
        }
        // It has heard of that already, and will join again.
        Err(KrafkaError::IllegalState { message }) if message.contains("no valid generation") => {
            eprintln!("not committed: {message}");
            Ok(())
        }
        other => Ok(other?),
    }
}
