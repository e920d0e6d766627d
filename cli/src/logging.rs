//! Logging that never makes a core wait: lines go through a bounded queue to a thread that writes them to stderr.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait. More are dropped and counted: a broker in trouble must not stop for its log.
const LINES_MAX: usize = 8_192;

#[derive(Clone)]
struct Lines {
    queue: SyncSender<Vec<u8>>,
    dropped: Arc<AtomicU64>,
}

/// The queue's end that stays and the thread that writes.
type Writer = (SyncSender<Vec<u8>>, JoinHandle<()>);

pub(crate) struct Logging {
    writer: Mutex<Option<Writer>>,
}

pub(crate) fn start(filter: &str, json: bool) -> Result<Logging, String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("{filter:?} is no filter: {error}"))?;
    let (queue, lines) = sync_channel(LINES_MAX);
    let dropped = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&dropped);
    let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || write_lines(&lines, &counted));
    let thread = thread.map_err(|error| error.to_string())?;
    let make = Lines { queue: queue.clone(), dropped };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(make).with_ansi(false);
    if json {
        builder.json().init()
    } else {
        builder.init()
    }
    Ok(Logging { writer: Mutex::new(Some((queue, thread))) })
}

fn write_lines(lines: &Receiver<Vec<u8>>, dropped: &AtomicU64) {
    let mut stderr = io::stderr();
    // An empty line is the sign to end.
    while let Ok(line) = lines.recv() {
        if line.is_empty() {
            return;
        }
        // Nobody is left to tell when stderr is gone.
        let _ = stderr.write_all(&line);
        let missed = dropped.swap(0, Ordering::Relaxed);
        if missed > 0 {
            let _ =
                writeln!(stderr, "({missed} lines of the log were dropped: they came faster than stderr takes them)");
        }
    }
}

impl Logging {
    /// Writes what is waiting.
    pub(crate) fn flush(&self) {
        let writer = self.writer.lock().ok().and_then(|mut writer| writer.take());
        if let Some((queue, thread)) = writer {
            let _ = queue.send(Vec::new());
            let _ = thread.join();
        }
    }
}

/// One line, put together before it is queued.
struct Line<'a> {
    lines: &'a Lines,
    text: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if self.text.is_empty() {
            return;
        }
        if let Err(TrySendError::Full(_)) = self.lines.queue.try_send(std::mem::take(&mut self.text)) {
            self.lines.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { lines: self, text: Vec::new() }
    }
}
