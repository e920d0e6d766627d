//! Little-endian fields of this crate's own file formats.

/// Reads fields one after the other; every read says whether the bytes were there.
pub(crate) struct FieldReader<'a> {
    rest: &'a [u8],
}

impl<'a> FieldReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }
}

/// A field at a fixed place in a fixed-size record.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("two bytes were sliced"))
}

/// A field at a fixed place in a fixed-size record.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes were sliced"))
}

/// A field at a fixed place in a fixed-size record.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were sliced"))
}

/// The next multiple of the block size, as a position in a file.
pub(crate) const fn block_ceil(position: u64) -> u64 {
    position.next_multiple_of(rt::BLOCK_BYTES as u64)
}

/// The start of the block that holds this position.
pub(crate) const fn block_floor(position: u64) -> u64 {
    position - position % rt::BLOCK_BYTES as u64
}

/// A length in memory out of a number that is known to be small.
pub(crate) fn length(value: u64) -> usize {
    usize::try_from(value).expect("a length that was checked against a limit fits in memory")
}

/// A position in a segment out of a number that is known to be below its limit.
pub(crate) fn position(value: usize) -> u32 {
    u32::try_from(value).expect("a position in a segment was checked against its limit")
}
