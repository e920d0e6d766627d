//! The native client.

pub mod limits;
pub mod machine;
