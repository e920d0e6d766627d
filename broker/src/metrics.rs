//! What the broker counts, told as Prometheus reads it (text exposition format 0.0.4).
//!
//! Each metric is declared once in the [`table`], with its kind, labels and one sentence; the text and
//! `docs/metrics.md` derive from it. A core gives its [`Samples`] when it is asked, through the mesh like everything else;
//! nobody keeps values for others. There is no series for each partition: a broker may have many thousands.

mod core;
mod gather;
mod process;
mod requests;
mod samples;
mod table;
mod text;

pub use table::metrics_markdown;

pub(crate) use self::core::{named, oldest_stalls};
pub(crate) use gather::{Gathering, Standing};
pub(crate) use process::{process_samples, processor_time, resident_bytes};
pub(crate) use requests::RequestCounts;
pub(crate) use samples::Samples;
pub(crate) use table::Id;
pub(crate) use text::{CONTENT_TYPE, render};
