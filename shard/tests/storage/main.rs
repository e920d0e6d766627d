//! Storage on a simulated disk: what a start makes of a damaged one, and what a shard does on a full or failing one.

mod bench;
mod compaction;
mod counts;
mod damage;
mod damaged_checkpoint;
mod direct;
mod eviction;
mod failing;
mod following;
mod freeing;
mod full;
mod full_at_flush;
mod handover;
mod index;
mod line;
mod reading;
mod recovery_target;
mod removal;
mod retention;
mod scrub;
mod stalls;
mod start;
