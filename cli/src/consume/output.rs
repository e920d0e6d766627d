//! Records on stdout: gathered in memory, written in large pieces, and at once when nothing more is there.

use std::error::Error;
use std::io::{self, Write as _};

use super::Format;
use crate::record_json::{self, Fields};

/// Written when this much has gathered.
const BUFFER_BYTES: usize = 256 << 10;

/// Whether more records are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    More,
    Enough,
}

pub(super) struct Output {
    format: Format,
    key_separator: Vec<u8>,
    /// Records that may still come; `None` is any number.
    left: Option<u64>,
    out: io::Stdout,
    buffer: Vec<u8>,
    records: u64,
    /// Bytes of keys and values.
    bytes: u64,
}

impl Default for Output {
    fn default() -> Self {
        Self::new(Format::Value, &[], None)
    }
}

impl Output {
    pub(super) fn new(format: Format, key_separator: &[u8], count: Option<u64>) -> Self {
        Self {
            format,
            key_separator: key_separator.to_vec(),
            left: count,
            out: io::stdout(),
            buffer: Vec::with_capacity(2 * BUFFER_BYTES),
            records: 0,
            bytes: 0,
        }
    }

    pub(super) fn record(&mut self, topic: &str, partition: u32, record: &Fields<'_>) -> io::Result<Wanted> {
        let (key, value) = (record.key.unwrap_or_default(), record.value.unwrap_or_default());
        match self.format {
            Format::Value => self.buffer.extend_from_slice(value),
            Format::Lines => {
                self.buffer.extend_from_slice(key);
                self.buffer.extend_from_slice(&self.key_separator);
                self.buffer.extend_from_slice(value);
            }
            Format::Json => {
                record_json::write_record(&mut self.buffer, Some((topic, partition)), record);
            }
        }
        if self.format != Format::Json {
            self.buffer.push(b'\n');
        }
        self.records += 1;
        self.bytes += (key.len() + value.len()) as u64;
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()?;
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
            if *left == 0 {
                return Ok(Wanted::Enough);
            }
        }
        Ok(Wanted::More)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut out = self.out.lock();
        let written = out.write_all(&self.buffer).and_then(|()| out.flush());
        self.buffer.clear();
        written
    }

    /// Records, and bytes of their keys and values.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.records, self.bytes)
    }
}

pub(super) fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
