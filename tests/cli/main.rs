//! The program as a person uses it: each command against a real broker, through both doors.

mod errors;
mod groups;
mod inspect;
mod partitions;
mod program;
mod reading;
mod records;
mod status;
mod terminal;
mod topic_changes;
mod topic_settings;
mod topics;
mod writing;
