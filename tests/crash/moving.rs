//! Who moves partitions between cores until the broker is gone.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use base::{CoreId, PartitionIndex, SeededRandom};
use tests::native::Client;
use wire::ErrorCode;
use wire::native::{MovePartitionReply, MovePartitionRequest};

use crate::work::{PARTITIONS, TOPIC};

/// Gives the number of moves that came to their end.
pub(crate) fn begin(address: SocketAddr, mut random: SeededRandom) -> JoinHandle<usize> {
    std::thread::spawn(move || {
        let mut moves = 0;
        let Ok(mut client) = Client::greeted(address) else { return moves };
        loop {
            let partition = PartitionIndex(u32::try_from(random.below(u64::from(PARTITIONS.unsigned_abs()))).unwrap());
            let core = CoreId(u16::from(random.one_in(2)));
            if client.send(&MovePartitionRequest { topic: TOPIC, partition, core }).is_err() {
                return moves;
            }
            let Ok(frame) = client.receive() else { return moves };
            let reply: MovePartitionReply<'_> = frame.open().expect("the broker answers");
            match ErrorCode::from_code(reply.error.0).expect("one of Kafka's codes") {
                ErrorCode::None => moves += 1,
                // It is there already, or this life has one core.
                ErrorCode::InvalidRequest => {}
                other => panic!("{partition} is not moved to {core}: {} ({:?})", other.name(), reply.message),
            }
            std::thread::sleep(Duration::from_millis(random.below(30)));
        }
    })
}
