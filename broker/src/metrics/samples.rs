//! Values of metrics at one moment: of one core, or of the process.

use std::borrow::Cow;
use std::time::Duration;

use base::{CoreId, HistogramCounts};

use super::table::{Id, Kind};

/// A label's value.
pub(super) type Label = Cow<'static, str>;

/// Values of one core, or of the process as a whole.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// Comes first among the labels of metrics that have one for it.
    pub(super) core: Option<CoreId>,
    pub(super) list: Vec<Sample>,
}

#[derive(Debug)]
pub(super) struct Sample {
    pub(super) id: Id,
    /// Behind that of the core, in the order of the table.
    pub(super) labels: Vec<Label>,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(crate) enum Value {
    Whole(u64),
    Seconds(Duration),
    Histogram(HistogramCounts, Scale),
}

/// What a histogram's numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// What the metric says.
    Whole,
    /// Microseconds, where the metric has seconds.
    Microseconds,
}

impl Samples {
    pub(crate) fn of_core(core: CoreId) -> Self {
        Self { core: Some(core), list: Vec::new() }
    }

    pub(crate) fn of_process() -> Self {
        Self::default()
    }

    pub(crate) fn add(&mut self, id: Id, value: impl Into<Value>) {
        self.add_labelled(id, Vec::new(), value);
    }

    pub(crate) fn add_one(&mut self, id: Id, label: impl Into<Label>, value: impl Into<Value>) {
        self.add_labelled(id, vec![label.into()], value);
    }

    /// Adds a value with the labels that the table has for it, but the core's.
    pub(crate) fn add_labelled(&mut self, id: Id, labels: Vec<Label>, value: impl Into<Value>) {
        let (metric, value) = (id.metric(), value.into());
        let given = labels.len() + usize::from(self.core.is_some());
        assert_eq!(given, metric.labels.len(), "{} has the labels {:?}", metric.name, metric.labels);
        let is_histogram = matches!(value, Value::Histogram(..));
        assert_eq!(is_histogram, metric.kind == Kind::Histogram, "{} is a {:?}", metric.name, metric.kind);
        self.list.push(Sample { id, labels, value });
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Whole(value.into())
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Whole(value.into())
    }
}

impl From<Duration> for Value {
    fn from(value: Duration) -> Self {
        Self::Seconds(value)
    }
}

impl From<(HistogramCounts, Scale)> for Value {
    fn from((counts, scale): (HistogramCounts, Scale)) -> Self {
        Self::Histogram(counts, scale)
    }
}
