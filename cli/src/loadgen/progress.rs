//! The line that shows a running load.

use std::io::{IsTerminal as _, Write as _};

use loadgen::run::Progress;

/// Rewritten in place on a terminal, one line a second elsewhere.
pub(super) struct Line {
    is_quiet: bool,
    is_terminal: bool,
}

impl Line {
    pub(super) fn new(is_quiet: bool) -> Self {
        Self { is_quiet, is_terminal: std::io::stderr().is_terminal() }
    }

    pub(super) fn show(&mut self, now: &Progress<'_>) {
        if self.is_quiet {
            return;
        }
        let of = if now.seconds > 0 { format!("/{}", now.seconds) } else { String::new() };
        let last = now.last;
        let due = &last.latencies.due;
        let text = format!(
            "{} {:>4}{of} s  {:>9} acked/s  {:>9} read/s  p50 {:>8.3}  p99 {:>8.3}  p99.9 {:>8.3} ms  lag {:>7.3} ms  errors {}",
            now.phase,
            now.second,
            last.counts.acked,
            last.counts.consumed,
            due.millis_at(0.5),
            due.millis_at(0.99),
            due.millis_at(0.999),
            last.lag_max as f64 / 1e6,
            last.counts.errors
        );
        let mut out = std::io::stderr().lock();
        // Progress that cannot be shown is no reason to end a run.
        let _ = if self.is_terminal { write!(out, "\r\x1b[2K{text}") } else { writeln!(out, "{text}") };
        let _ = out.flush();
    }

    pub(super) fn end(&mut self) {
        if self.is_terminal && !self.is_quiet {
            eprintln!();
        }
    }
}
