//! What a record of the load looks like: a stamp, then a payload; with a key and headers if the scenario wants them.

use std::sync::Arc;

use base::SeededRandom;

pub mod keys;
pub mod payload;
pub mod sizes;
pub mod stamp;

pub use keys::{KeyChoice, Keys};
pub use payload::{Payload, PayloadKind};
pub use sizes::{SizeChoice, Sizes};
pub use stamp::{STAMP_BYTES, Stamp, StampError};

/// Whether records carry a checksum of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    Written,
    /// Sequence and due time only.
    Left,
}

/// Everything that decides a record's bytes but its place in the stream.
#[derive(Clone, Debug)]
pub struct RecordShape {
    pub sizes: SizeChoice,
    pub keys: KeyChoice,
    pub payload: Arc<Payload>,
    pub checksum: Checksum,
}

/// Makes the records of one producer, in memory that it uses again.
#[derive(Debug)]
pub struct RecordMaker {
    shape: RecordShape,
    sizes: Sizes,
    keys: Keys,
    random: SeededRandom,
    /// In the payload; beyond its end before the first record.
    place: usize,
    key: Vec<u8>,
    value: Vec<u8>,
}

/// The key of the next record, before its partition is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyNumber(pub u64);

impl RecordMaker {
    pub fn new(shape: RecordShape, producer: u32, seed: u64) -> Self {
        let mut random = SeededRandom::new(seed);
        let sizes = Sizes::new(&shape.sizes, random.fork());
        let keys = Keys::new(&shape.keys, producer, random.fork());
        let value = Vec::with_capacity(shape.sizes.largest().max(shape.payload.longest_line() + STAMP_BYTES));
        Self { shape, sizes, keys, random, place: usize::MAX, key: Vec::with_capacity(16), value }
    }

    /// Chooses the next record's key and writes it down; `None` for records without keys.
    pub fn choose_key(&mut self) -> Option<KeyNumber> {
        let number = self.keys.choose()?;
        self.key.clear();
        self.key.extend_from_slice(&hexadecimal(number));
        Some(KeyNumber(number))
    }

    /// The key last chosen.
    pub fn key(&self) -> Option<&[u8]> {
        (!self.key.is_empty()).then_some(&self.key[..])
    }

    /// Makes the value that belongs to the key last chosen.
    pub fn make(&mut self, stamp: Stamp) {
        let size = self.sizes.choose();
        self.value.clear();
        if size >= STAMP_BYTES || self.shape.payload.is_lines() {
            self.value.resize(STAMP_BYTES, 0);
        }
        self.shape.payload.fill(&mut self.value, size, &mut self.place, &mut self.random);
        if self.value.len() >= STAMP_BYTES {
            stamp.write(&mut self.value, &self.key, self.shape.checksum);
        }
    }

    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Bytes that the largest record may have.
    pub fn bytes_max(&self) -> usize {
        self.value.capacity() + 16
    }
}

/// Sixteen digits, the highest first.
fn hexadecimal(number: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 16];
    for (place, digit) in text.iter_mut().enumerate() {
        *digit = DIGITS[usize::from((number >> (60 - 4 * place)).to_le_bytes()[0] & 15)];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maker(sizes: SizeChoice, keys: KeyChoice) -> RecordMaker {
        let payload = Arc::new(Payload::generated(PayloadKind::Random, 1));
        RecordMaker::new(RecordShape { sizes, keys, payload, checksum: Checksum::Written }, 3, 9)
    }

    const STAMP: Stamp = Stamp { run: 5, producer: 3, sequence: 77, due: 123_456_789 };

    #[test]
    fn a_record_is_read_back_with_its_stamp() {
        let mut maker = maker(SizeChoice::Fixed(100), KeyChoice::Uniform { count: 10 });
        for _ in 0..50 {
            maker.choose_key().expect("records have keys");
            maker.make(STAMP);
            assert_eq!(maker.value().len(), 100);
            assert_eq!(Stamp::read(maker.key(), maker.value(), Checksum::Written), Ok(STAMP));
        }
    }

    #[test]
    fn a_change_of_any_bit_of_key_or_value_is_found() {
        let mut maker = maker(SizeChoice::Fixed(48), KeyChoice::Uniform { count: 10 });
        maker.choose_key().expect("records have keys");
        maker.make(STAMP);
        for bit in 0..48 * 8 {
            let mut value = maker.value().to_vec();
            value[bit / 8] ^= 1 << (bit % 8);
            assert!(Stamp::read(maker.key(), &value, Checksum::Written).is_err(), "bit {bit} of the value");
        }
        for bit in 0..16 * 8 {
            let mut key = maker.key().expect("a key").to_vec();
            key[bit / 8] ^= 1 << (bit % 8);
            assert!(Stamp::read(Some(&key), maker.value(), Checksum::Written).is_err(), "bit {bit} of the key");
        }
        assert!(Stamp::read(None, maker.value(), Checksum::Written).is_err(), "the key is missing");
    }

    #[test]
    fn records_too_small_for_a_stamp_have_none() {
        let mut maker = maker(SizeChoice::Fixed(10), KeyChoice::None);
        assert_eq!(maker.choose_key(), None);
        maker.make(STAMP);
        assert_eq!((maker.value().len(), maker.key()), (10, None));
    }

    #[test]
    fn making_a_record_takes_no_memory_after_the_first() {
        let mut maker = maker(SizeChoice::Uniform { min: 32, max: 4_000 }, KeyChoice::Unique);
        maker.make(STAMP);
        let memory = (maker.value.as_ptr(), maker.value.capacity());
        for _ in 0..1_000 {
            maker.choose_key();
            maker.make(STAMP);
        }
        assert_eq!(memory, (maker.value.as_ptr(), maker.value.capacity()));
    }
}
