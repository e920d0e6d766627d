//! Prometheus' text exposition format, version 0.0.4.

use std::fmt::{self, Write as _};
use std::time::Duration;

use base::{CoreId, HistogramCounts};

use super::samples::{Label, Sample, Samples, Scale, Value};
use super::table::Metric;

pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes all samples, each metric once with what it is about, in the order of the table. In slices.
pub(crate) async fn render(all: &[Samples]) -> String {
    let mut slices = rt::Slices::begin();
    let mut samples: Vec<(Option<CoreId>, &Sample)> = Vec::new();
    for Samples { core, list } in all {
        samples.extend(list.iter().map(|sample| (*core, sample)));
        slices.pause().await;
    }
    samples.sort_by_key(|(_, sample)| sample.id);
    let mut text = String::new();
    let mut last = None;
    for (core, sample) in samples {
        let metric = sample.id.metric();
        if last.replace(sample.id) != Some(sample.id) {
            write_head(&mut text, metric).expect("a String takes all");
        }
        write_sample(&mut text, metric, core, sample).expect("a String takes all");
        slices.pause().await;
    }
    text
}

fn write_head(text: &mut String, metric: &Metric) -> fmt::Result {
    let about = metric.about.replace('\\', "\\\\").replace('\n', "\\n");
    writeln!(text, "# HELP {} {about}", metric.name)?;
    writeln!(text, "# TYPE {} {}", metric.name, metric.kind.name())
}

fn write_sample(text: &mut String, metric: &Metric, core: Option<CoreId>, sample: &Sample) -> fmt::Result {
    let core = core.map(|core| Label::from(core.to_string()));
    let values = core.iter().chain(&sample.labels);
    let labels: Vec<(&str, &str)> = metric.labels.iter().copied().zip(values.map(|value| &**value)).collect();
    match &sample.value {
        Value::Whole(value) => write_line(text, metric.name, "", &labels, None, value),
        Value::Seconds(value) => write_line(text, metric.name, "", &labels, None, &seconds(*value)),
        Value::Histogram(counts, scale) => write_histogram(text, metric.name, &labels, counts, *scale),
    }
}

fn write_histogram(
    text: &mut String,
    name: &str,
    labels: &[(&str, &str)],
    histogram: &HistogramCounts,
    scale: Scale,
) -> fmt::Result {
    let scaled = |value: u64| match scale {
        Scale::Whole => value.to_string(),
        Scale::Microseconds => seconds(Duration::from_micros(value)),
    };
    let bounds = histogram.bounds.iter().map(|bound| scaled(*bound)).chain(["+Inf".to_owned()]);
    let mut so_far = 0;
    for (bound, count) in bounds.zip(&histogram.counts) {
        so_far += count;
        write_line(text, name, "_bucket", labels, Some(&bound), &so_far)?;
    }
    write_line(text, name, "_sum", labels, None, &scaled(histogram.sum))?;
    write_line(text, name, "_count", labels, None, &so_far)
}

fn write_line(
    text: &mut String,
    name: &str,
    suffix: &str,
    labels: &[(&str, &str)],
    bound: Option<&str>,
    value: &dyn fmt::Display,
) -> fmt::Result {
    text.push_str(name);
    text.push_str(suffix);
    let labels = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
    let mut opened = false;
    for (label, value) in labels {
        text.push(if opened { ',' } else { '{' });
        opened = true;
        write!(text, "{label}=\"")?;
        escape(text, value);
        text.push('"');
    }
    if opened {
        text.push('}');
    }
    writeln!(text, " {value}")
}

/// Seconds without a loss, as short as can be.
fn seconds(time: Duration) -> String {
    let text = format!("{}.{:09}", time.as_secs(), time.subsec_nanos());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escape(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use base::Histogram;

    use super::super::table::Id;
    use super::*;

    fn text_of(all: Vec<Samples>) -> String {
        let sim = rt::sim::Sim::new(rt::sim::SimConfig::new(1));
        let (given, taken) = std::sync::mpsc::sync_channel(1);
        sim.block_on(CoreId(0), async move { given.send(render(&all).await).expect("it is waited for") });
        taken.recv().expect("it was sent")
    }

    #[test]
    fn a_small_registry_is_written_to_the_letter() {
        let mut process = Samples::of_process();
        process.add(Id::Cores, 2_u32);
        process.add(Id::RecoverySeconds, Duration::from_millis(1_250));
        let cores = [0, 1].map(|core| {
            let mut samples = Samples::of_core(CoreId(core));
            samples.add(Id::AppendBytes, u64::from(core) << 60);
            let times = Histogram::new(&[50, 1_000, 2_500_000]);
            [3, 50, 51, 4_000_000].iter().for_each(|time| times.record(*time));
            samples.add(Id::GroupCommitSeconds, (times.counts(), Scale::Microseconds));
            samples.add_one(Id::Fetches, "disk", 7_u64);
            samples
        });
        let [first, second] = cores;
        let expected = "\
# HELP corelane_cores Cores that the broker runs on.
# TYPE corelane_cores gauge
corelane_cores 2
# HELP corelane_recovery_seconds Time that this start took to recover the data folder.
# TYPE corelane_recovery_seconds gauge
corelane_recovery_seconds 1.25
# HELP corelane_append_bytes_total Bytes of these batches.
# TYPE corelane_append_bytes_total counter
corelane_append_bytes_total{core=\"0\"} 0
corelane_append_bytes_total{core=\"1\"} 1152921504606846976
# HELP corelane_fetch_reads_total Reads of a partition that gave records, from memory or disk.
# TYPE corelane_fetch_reads_total counter
corelane_fetch_reads_total{core=\"0\",source=\"disk\"} 7
corelane_fetch_reads_total{core=\"1\",source=\"disk\"} 7
# HELP corelane_group_commit_seconds Time from closing a group of appends until it was on the disk: the latency of a flush.
# TYPE corelane_group_commit_seconds histogram
corelane_group_commit_seconds_bucket{core=\"0\",le=\"0.00005\"} 2
corelane_group_commit_seconds_bucket{core=\"0\",le=\"0.001\"} 3
corelane_group_commit_seconds_bucket{core=\"0\",le=\"2.5\"} 3
corelane_group_commit_seconds_bucket{core=\"0\",le=\"+Inf\"} 4
corelane_group_commit_seconds_sum{core=\"0\"} 4.000104
corelane_group_commit_seconds_count{core=\"0\"} 4
corelane_group_commit_seconds_bucket{core=\"1\",le=\"0.00005\"} 2
corelane_group_commit_seconds_bucket{core=\"1\",le=\"0.001\"} 3
corelane_group_commit_seconds_bucket{core=\"1\",le=\"2.5\"} 3
corelane_group_commit_seconds_bucket{core=\"1\",le=\"+Inf\"} 4
corelane_group_commit_seconds_sum{core=\"1\"} 4.000104
corelane_group_commit_seconds_count{core=\"1\"} 4
";
        assert_eq!(text_of(vec![process, first, second]), expected);
    }

    #[test]
    fn quotes_backslashes_and_ends_of_lines_in_labels_are_escaped() {
        let mut samples = Samples::of_core(CoreId(3));
        let reason = "cannot sync \"journal\\0\":\nInput/output error";
        samples.add_one(Id::Poisoned, reason, true);
        let text = text_of(vec![samples]);
        let line = text.lines().last().expect("it has lines");
        let expected = r#"corelane_core_poisoned{core="3",reason="cannot sync \"journal\\0\":\nInput/output error"} 1"#;
        assert_eq!(line, expected);
    }

    #[test]
    fn seconds_are_written_without_a_loss() {
        let written = [0, 1, 50_000, 999_999_999, 1_000_000_000, 600_000_000_000, 1_000_000_000_000_000_001]
            .map(|nanos| seconds(Duration::from_nanos(nanos)));
        assert_eq!(written, ["0", "0.000000001", "0.00005", "0.999999999", "1", "600", "1000000000.000000001"]);
    }
}
