//! The bytes after the stamp.

use base::SeededRandom;

/// What generated payloads are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadKind {
    /// Does not compress.
    Random,
    /// Words out of a small vocabulary: codecs make about a third of it.
    Compressible,
}

/// Bytes that payloads are cut from, shared by all producers.
#[derive(Debug)]
pub struct Payload {
    source: Source,
}

#[derive(Debug)]
enum Source {
    Pool(Vec<u8>),
    /// A text and where its lines lie.
    Lines {
        text: Vec<u8>,
        lines: Vec<(u32, u32)>,
    },
}

/// Larger than what a codec remembers, so that repetition does not show.
const POOL_BYTES: usize = 4 << 20;
/// Text files up to this size are read.
pub const TEXT_BYTES_MAX: usize = 1 << 30;

impl Payload {
    pub fn generated(kind: PayloadKind, seed: u64) -> Self {
        let mut random = SeededRandom::new(seed);
        let mut pool = vec![0; POOL_BYTES];
        match kind {
            PayloadKind::Random => random.fill(&mut pool),
            PayloadKind::Compressible => fill_with_words(&mut pool, &mut random),
        }
        Self { source: Source::Pool(pool) }
    }

    /// Payloads are the lines of a text, without empty ones; `None` if there is none, or the text is too large.
    pub fn lines(text: Vec<u8>) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let mut lines = Vec::new();
        let mut start = 0;
        for line in text.split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                lines.push((u32::try_from(start).ok()?, u32::try_from(line.len()).ok()?));
            }
            start += line.len() + 1;
        }
        (!lines.is_empty()).then_some(Self { source: Source::Lines { text, lines } })
    }

    pub(super) fn is_lines(&self) -> bool {
        matches!(self.source, Source::Lines { .. })
    }

    pub(super) fn longest_line(&self) -> usize {
        match &self.source {
            Source::Pool(_) => 0,
            Source::Lines { lines, .. } => {
                lines.iter().map(|(_, bytes)| crate::number::index(*bytes)).max().unwrap_or(0)
            }
        }
    }

    /// Fills `value` up to `size` bytes, or adds a line to it. A producer walks through the pool, which the processor
    /// sees coming, and begins somewhere else after its end: `place` is where it stands.
    pub(super) fn fill(&self, value: &mut Vec<u8>, size: usize, place: &mut usize, random: &mut SeededRandom) {
        match &self.source {
            Source::Pool(pool) => {
                while value.len() < size {
                    if *place >= pool.len() {
                        *place = random.index(pool.len());
                    }
                    let end = pool.len().min(*place + size - value.len());
                    value.extend_from_slice(&pool[*place..end]);
                    *place = end;
                }
            }
            Source::Lines { text, lines } => {
                let (start, bytes) = lines[random.index(lines.len())];
                let start = crate::number::index(start);
                value.extend_from_slice(&text[start..start + crate::number::index(bytes)]);
            }
        }
    }
}

fn fill_with_words(pool: &mut [u8], random: &mut SeededRandom) {
    let words: Vec<Vec<u8>> = (0..2_000)
        .map(|_| {
            let letters = 3 + random.index(9);
            (0..letters).map(|_| b'a' + random.below(26).to_le_bytes()[0]).collect()
        })
        .collect();
    let mut at = 0;
    while at < pool.len() {
        // A product of two draws prefers the first words, as language does.
        let word = &words[random.index(words.len()) * random.index(words.len()) / words.len()];
        let count = word.len().min(pool.len() - at);
        pool[at..at + count].copy_from_slice(&word[..count]);
        at += count;
        if at < pool.len() {
            pool[at] = b' ';
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Codec, Compressor};

    fn ratio(kind: PayloadKind, codec: Codec) -> f64 {
        let payload = Payload::generated(kind, 2);
        let mut random = SeededRandom::new(5);
        let (mut plain, mut place) = (Vec::new(), usize::MAX);
        for _ in 0..64 {
            let size = plain.len() + 1_024;
            payload.fill(&mut plain, size, &mut place, &mut random);
        }
        let mut packed = Vec::new();
        Compressor::new().compress(codec, None, &plain, &mut packed);
        packed.len() as f64 / plain.len() as f64
    }

    #[test]
    fn random_payload_does_not_compress_and_words_do() {
        assert!(ratio(PayloadKind::Random, Codec::Zstd) > 0.99);
        let words = ratio(PayloadKind::Compressible, Codec::Zstd);
        assert!((0.2..0.6).contains(&words), "words compress to {words}");
    }

    #[test]
    fn lines_of_a_text_are_taken_whole() {
        let payload = Payload::lines(b"one\n\ntwo three\nfour".to_vec()).expect("it has lines");
        let mut random = SeededRandom::new(5);
        for _ in 0..50 {
            let mut value = Vec::new();
            payload.fill(&mut value, 0, &mut 0, &mut random);
            assert!([&b"one"[..], b"two three", b"four"].contains(&&value[..]), "{value:?}");
        }
        assert_eq!(payload.longest_line(), 9);
        assert!(Payload::lines(b"\n\n".to_vec()).is_none());
    }
}
