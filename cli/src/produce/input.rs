//! Lines from files or stdin. A thread reads ahead, so that a slow source holds up nothing.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use wire::{Codec, Decompressor};

const CHUNK_BYTES: usize = 256 << 10;
/// Chunks read ahead.
const CHUNKS_MAX: usize = 4;
/// A longer line is no record that any broker takes.
const LINE_BYTES_MAX: usize = 128 << 20;
/// Of a compressed file, before and after decompression: it is held in memory.
const COMPRESSED_BYTES_MAX: u64 = 1 << 30;
const DECOMPRESSED_BYTES_MAX: usize = 4 << 30;

/// What the reading thread says.
enum Message {
    Chunk(Vec<u8>),
    /// The source of that index ended.
    End,
    Failed(String),
}

/// What can be had at the moment.
pub(super) enum Next<'a> {
    Line(&'a [u8]),
    /// Everything that was read has been given out: call [`Input::wait`].
    Starved,
    End,
}

/// Whether there is more after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    Ready,
    TimedOut,
}

pub(super) struct Input {
    names: Vec<String>,
    messages: Receiver<Message>,
    /// Index of the source that is being read.
    source: usize,
    line_number: u64,
    chunk: Vec<u8>,
    /// Where the next line begins in the chunk.
    at: usize,
    /// The front of a line whose end is not there yet.
    carry: Vec<u8>,
    /// The line in `carry` has been given out.
    carry_is_spent: bool,
    source_ended: bool,
}

impl Input {
    /// Begins to read stdin, or the files.
    pub(super) fn open(files: Vec<PathBuf>) -> Result<Self, String> {
        let names = match files.is_empty() {
            true => vec!["stdin".to_owned()],
            false => files.iter().map(|file| file.display().to_string()).collect(),
        };
        // A name that is wrong is told before anything is sent.
        for file in &files {
            File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        let (sender, messages) = sync_channel(CHUNKS_MAX);
        let read = move || {
            let result = match files.is_empty() {
                true => read_all(io::stdin().lock(), &sender).map_err(|error| format!("stdin: {error}")),
                false => read_files(&files, &sender),
            };
            if let Err(error) = result {
                // Nobody is left to tell when the receiver is gone.
                let _ = sender.send(Message::Failed(error));
            }
        };
        std::thread::Builder::new().name("input".to_owned()).spawn(read).map_err(|error| error.to_string())?;
        Ok(Self {
            names,
            messages,
            source: 0,
            line_number: 0,
            chunk: Vec::new(),
            at: 0,
            carry: Vec::new(),
            carry_is_spent: false,
            source_ended: false,
        })
    }

    /// The next line, without its line feed, if it has been read already.
    pub(super) fn next(&mut self) -> Result<Next<'_>, String> {
        if std::mem::take(&mut self.carry_is_spent) {
            self.carry.clear();
        }
        loop {
            let rest = &self.chunk[self.at..];
            if let Some(length) = find_line_feed(rest) {
                let start = self.at;
                self.at += length + 1;
                self.line_number += 1;
                if self.carry.is_empty() {
                    return Ok(Next::Line(&self.chunk[start..start + length]));
                }
                self.carry.extend_from_slice(&self.chunk[start..start + length]);
                self.carry_is_spent = true;
                return Ok(Next::Line(&self.carry));
            }
            self.carry.extend_from_slice(rest);
            self.at = self.chunk.len();
            if self.carry.len() > LINE_BYTES_MAX {
                self.line_number += 1;
                return Err(format!("{}: the line is longer than {LINE_BYTES_MAX} bytes", self.place()));
            }
            if !self.source_ended {
                return Ok(Next::Starved);
            }
            if !self.carry.is_empty() {
                // The last line of a source needs no line feed.
                self.line_number += 1;
                self.carry_is_spent = true;
                return Ok(Next::Line(&self.carry));
            }
            if self.source + 1 >= self.names.len() {
                return Ok(Next::End);
            }
            self.source += 1;
            self.line_number = 0;
            self.source_ended = false;
        }
    }

    /// Waits until there is more. `None` waits as long as it takes.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> Result<Waited, String> {
        let message = match timeout {
            Some(timeout) => self.messages.recv_timeout(timeout),
            None => self.messages.recv().map_err(RecvTimeoutError::from),
        };
        match message {
            Ok(Message::Chunk(chunk)) => {
                self.chunk = chunk;
                self.at = 0;
            }
            Ok(Message::End) => self.source_ended = true,
            Ok(Message::Failed(error)) => return Err(error),
            Err(RecvTimeoutError::Timeout) => return Ok(Waited::TimedOut),
            Err(RecvTimeoutError::Disconnected) => return Err("the thread that reads the input has died".to_owned()),
        }
        Ok(Waited::Ready)
    }

    /// File and line of the line that was given out last.
    pub(super) fn place(&self) -> String {
        format!("{} line {}", self.names[self.source], self.line_number)
    }
}

fn find_line_feed(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

fn read_files(files: &[PathBuf], sender: &SyncSender<Message>) -> Result<(), String> {
    for path in files {
        let codec = match path.extension().and_then(|extension| extension.to_str()) {
            Some("zst") => Some(Codec::Zstd),
            Some("gz") => Some(Codec::Gzip),
            _ => None,
        };
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        match codec {
            Some(codec) => {
                let bytes = decompress(path, codec).map_err(failed)?;
                read_all(&*bytes, sender).map_err(failed)?;
            }
            None => read_all(File::open(path).map_err(failed)?, sender).map_err(failed)?,
        }
    }
    Ok(())
}

fn decompress(path: &Path, codec: Codec) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.len() > COMPRESSED_BYTES_MAX {
        let what = "it is too large to be decompressed here: decompress it into a pipe and read stdin";
        return Err(io::Error::other(what));
    }
    let mut compressed = Vec::new();
    file.take(COMPRESSED_BYTES_MAX).read_to_end(&mut compressed)?;
    let mut decompressor = Decompressor::new();
    let plain = decompressor.decompress(codec, &compressed, DECOMPRESSED_BYTES_MAX).map_err(io::Error::other)?;
    Ok(plain.to_vec())
}

/// Sends on everything in pieces. Ends early, and well, when nobody takes them any more.
fn read_all(mut source: impl Read, sender: &SyncSender<Message>) -> io::Result<()> {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let count = match source.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let message = match count {
            0 => Message::End,
            _ => {
                chunk.truncate(count);
                Message::Chunk(chunk)
            }
        };
        if sender.send(message).is_err() || count == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(files: Vec<PathBuf>) -> Vec<(String, Vec<u8>)> {
        let mut input = Input::open(files).unwrap();
        let mut lines = Vec::new();
        loop {
            match input.next().unwrap() {
                Next::Line(line) => {
                    let line = line.to_vec();
                    lines.push((input.place(), line));
                }
                Next::Starved => assert_eq!(input.wait(None), Ok(Waited::Ready)),
                Next::End => return lines,
            }
        }
    }

    #[test]
    fn lines_come_whole_across_chunks_and_files() {
        let folder = std::env::temp_dir().join(format!("corelane-input-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (a, b, c) = (folder.join("a"), folder.join("b"), folder.join("c"));
        let long = vec![b'x'; 3 * CHUNK_BYTES];
        let mut text = b"one\n\n".to_vec();
        text.extend_from_slice(&long);
        text.extend_from_slice(b"\nlast");
        std::fs::write(&a, &text).unwrap();
        std::fs::write(&b, b"").unwrap();
        std::fs::write(&c, b"\r\nend\n").unwrap();
        let lines = lines_of(vec![a.clone(), b, c.clone()]);
        let expected: Vec<(String, Vec<u8>)> = vec![
            (format!("{} line 1", a.display()), b"one".to_vec()),
            (format!("{} line 2", a.display()), Vec::new()),
            (format!("{} line 3", a.display()), long),
            (format!("{} line 4", a.display()), b"last".to_vec()),
            (format!("{} line 1", c.display()), b"\r".to_vec()),
            (format!("{} line 2", c.display()), b"end".to_vec()),
        ];
        assert!(lines == expected, "{} lines", lines.len());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_is_not_there_is_told_at_once() {
        let error = Input::open(vec!["/no/such/file".into()]).err().unwrap();
        assert!(error.starts_with("/no/such/file: "), "{error}");
    }
}
