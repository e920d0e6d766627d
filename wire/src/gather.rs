//! Output that is gathered from many places, for a vectored write.

use bytes::{BufMut, Bytes, BytesMut};

use crate::payload::Payload;

/// Shared bytes shorter than this are copied: a copy of that size costs less than one more piece in a vectored write
/// and one more reference to count.
pub const SHARED_BYTES_MIN: usize = 256;

/// Collects frames to send. Small values are written into a buffer of its own; record batches are put between
/// them by reference.
///
/// ```text
/// own bytes   ┌─ header ─┬─ length ─┐           ┌─ next partition … ─┐
/// sent as     │      one piece      │  records  │     one piece      │
///             └─────────────────────┴───────────┴────────────────────┘
/// ```
///
/// It is reused: after [`finish`](Gather::finish) it is empty and has kept its memory, as soon as what was finished
/// has been sent and dropped. Numbers are written with the most significant byte first.
#[derive(Debug, Default)]
pub struct Gather {
    own: BytesMut,
    shared: Vec<Shared>,
    shared_bytes: usize,
}

/// Bytes that go before the own byte at `own_at`.
#[derive(Debug)]
struct Shared {
    own_at: usize,
    bytes: Bytes,
}

/// Where a number stands that will be known later.
#[derive(Debug)]
#[must_use = "a slot holds zero until it is filled"]
pub struct Slot {
    own_at: usize,
    /// Length of everything written up to and with the slot.
    end: usize,
}

/// An earlier end of the output, to go back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    own: usize,
    shared: usize,
    shared_bytes: usize,
}

impl Gather {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes memory for `own_bytes` bytes of small values ahead.
    pub fn with_capacity(own_bytes: usize) -> Self {
        Self { own: BytesMut::with_capacity(own_bytes), ..Self::default() }
    }

    /// Numbers make up most of a message, so this is worth being one comparison and one store: `BytesMut::put_slice`
    /// stays a call with a length known only at run time, and a produce response took more than four times as long.
    #[inline]
    fn put_array<const N: usize>(&mut self, bytes: [u8; N]) {
        let end = self.own.len() + N;
        if self.own.capacity() < end {
            self.own.reserve(N);
        }
        self.own.spare_capacity_mut()[..N].write_copy_of_slice(&bytes);
        // SAFETY: the capacity is at least `end`, and the bytes between the old length and `end` have just been written.
        unsafe { self.own.set_len(end) };
    }

    #[inline]
    pub fn put_u8(&mut self, value: u8) {
        self.put_array([value]);
    }

    #[inline]
    pub fn put_i8(&mut self, value: i8) {
        self.put_array(value.to_be_bytes());
    }

    #[inline]
    pub fn put_bool(&mut self, value: bool) {
        self.put_array([u8::from(value)]);
    }

    #[inline]
    pub fn put_i16(&mut self, value: i16) {
        self.put_array(value.to_be_bytes());
    }

    #[inline]
    pub fn put_u16(&mut self, value: u16) {
        self.put_array(value.to_be_bytes());
    }

    #[inline]
    pub fn put_i32(&mut self, value: i32) {
        self.put_array(value.to_be_bytes());
    }

    #[inline]
    pub fn put_i64(&mut self, value: i64) {
        self.put_array(value.to_be_bytes());
    }

    #[inline]
    pub fn put_u128(&mut self, value: u128) {
        self.put_array(value.to_be_bytes());
    }

    /// Seven bits a byte, lowest first; the top bit of a byte says that another follows.
    #[inline]
    pub fn put_uvarint(&mut self, value: u32) {
        if value < 0x80 {
            return self.put_array([value.to_le_bytes()[0]]);
        }
        let (bytes, len) = uvarint(value);
        self.own.put_slice(&bytes[..len]);
    }

    /// Copies bytes.
    #[inline]
    pub fn put_slice(&mut self, bytes: &[u8]) {
        self.own.put_slice(bytes);
    }

    /// Puts bytes by reference, unless they are so few that a copy is cheaper.
    #[inline]
    pub fn put_shared(&mut self, bytes: Bytes) {
        if bytes.len() < SHARED_BYTES_MIN {
            self.own.put_slice(&bytes);
        } else {
            self.shared_bytes += bytes.len();
            self.shared.push(Shared { own_at: self.own.len(), bytes });
        }
    }

    /// Puts each piece of a payload by reference.
    pub fn put_payload(&mut self, payload: &Payload) {
        for part in payload.parts() {
            self.put_shared(part.clone());
        }
    }

    /// Leaves room for a number to be filled in later.
    pub fn put_slot_i32(&mut self) -> Slot {
        let own_at = self.own.len();
        self.own.put_i32(0);
        Slot { own_at, end: self.len() }
    }

    /// How many bytes have been written after a slot.
    pub fn len_after(&self, slot: &Slot) -> usize {
        self.len() - slot.end
    }

    /// Fills a slot in.
    pub fn fill_i32(&mut self, slot: Slot, value: i32) {
        self.own[slot.own_at..slot.own_at + 4].copy_from_slice(&value.to_be_bytes());
    }

    /// Runs `put` and sets what it wrote behind its length as an unsigned varint. It must not put shared bytes.
    #[inline]
    pub fn put_sized<E>(&mut self, put: impl FnOnce(&mut Self) -> Result<(), E>) -> Result<(), E> {
        let (start, shared) = (self.own.len(), self.shared.len());
        self.own.put_u8(0);
        put(self)?;
        assert_eq!(shared, self.shared.len(), "shared bytes inside of a sized run");
        let size = self.own.len() - start - 1;
        let (prefix, prefix_len) = uvarint(u32::try_from(size).expect("a sized run below 4 GiB"));
        if prefix_len > 1 {
            // The length needs more than the one byte that was kept for it: move the run up.
            self.own.put_bytes(0, prefix_len - 1);
            self.own.copy_within(start + 1..start + 1 + size, start + prefix_len);
        }
        self.own[start..start + prefix_len].copy_from_slice(&prefix[..prefix_len]);
        Ok(())
    }

    /// Bytes gathered so far, own and shared.
    #[inline]
    pub fn len(&self) -> usize {
        self.own.len() + self.shared_bytes
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Remembers the end of the output.
    pub fn mark(&self) -> Mark {
        Mark { own: self.own.len(), shared: self.shared.len(), shared_bytes: self.shared_bytes }
    }

    /// Drops what was put after a mark.
    pub fn rewind(&mut self, mark: Mark) {
        self.own.truncate(mark.own);
        self.shared.truncate(mark.shared);
        self.shared_bytes = mark.shared_bytes;
    }

    /// Appends everything gathered to `parts`, in order, and is empty again. No piece is empty, and own bytes that
    /// follow each other are one piece.
    pub fn finish_into(&mut self, parts: &mut Vec<Bytes>) {
        let mut own = self.own.split().freeze();
        let mut taken = 0;
        for Shared { own_at, bytes } in self.shared.drain(..) {
            if own_at > taken {
                parts.push(own.split_to(own_at - taken));
                taken = own_at;
            }
            parts.push(bytes);
        }
        if !own.is_empty() {
            parts.push(own);
        }
        self.shared_bytes = 0;
    }

    /// Everything gathered, in order; the gather is empty again.
    pub fn finish(&mut self) -> Vec<Bytes> {
        let mut parts = Vec::with_capacity(2 * self.shared.len() + 1);
        self.finish_into(&mut parts);
        parts
    }
}

/// A number as an unsigned varint, and how many bytes that takes.
#[inline]
fn uvarint(mut value: u32) -> ([u8; 5], usize) {
    let mut bytes = [0; 5];
    let mut len = 0;
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            bytes[len] = low;
            return (bytes, len + 1);
        }
        bytes[len] = low | 0x80;
        len += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(len: usize) -> Bytes {
        Bytes::from(vec![0xAB; len])
    }

    #[test]
    fn shared_bytes_stand_between_own_ones_and_are_not_copied() {
        let batch = records(SHARED_BYTES_MIN);
        let mut gather = Gather::new();
        gather.put_i16(0x0102);
        gather.put_shared(batch.clone());
        gather.put_shared(batch.clone());
        gather.put_i8(-1);
        gather.put_bool(true);
        assert_eq!(gather.len(), 4 + 2 * SHARED_BYTES_MIN);
        let parts = gather.finish();
        assert_eq!(parts.len(), 4);
        assert_eq!((&parts[0][..], &parts[3][..]), (&[1, 2][..], &[0xFF, 1][..]));
        assert_eq!((parts[1].as_ptr(), parts[2].as_ptr()), (batch.as_ptr(), batch.as_ptr()));
        assert!(gather.is_empty() && gather.finish().is_empty());
    }

    #[test]
    fn few_shared_bytes_are_copied_and_keep_one_piece() {
        let mut gather = Gather::new();
        gather.put_u8(1);
        gather.put_shared(records(SHARED_BYTES_MIN - 1));
        gather.put_u8(2);
        assert_eq!(gather.finish().len(), 1);
    }

    #[test]
    fn a_slot_counts_what_follows_it_and_is_filled_in_place() {
        let mut gather = Gather::new();
        gather.put_u8(9);
        let slot = gather.put_slot_i32();
        gather.put_i64(1);
        gather.put_shared(records(1_000));
        let len = gather.len_after(&slot);
        assert_eq!(len, 1_008);
        gather.fill_i32(slot, i32::try_from(len).expect("small"));
        assert_eq!(gather.finish()[0][..5], [9, 0, 0, 0x03, 0xF0]);
    }

    #[test]
    fn rewinding_forgets_own_and_shared_bytes() {
        let mut gather = Gather::new();
        gather.put_u8(1);
        let mark = gather.mark();
        gather.put_shared(records(1_000));
        gather.put_u8(2);
        gather.rewind(mark);
        gather.put_u8(3);
        assert_eq!(gather.finish(), [Bytes::from_static(&[1, 3])]);
    }

    #[test]
    fn varints_take_one_byte_for_each_seven_bits() {
        let written = |value| {
            let mut gather = Gather::new();
            gather.put_uvarint(value);
            gather.finish().concat()
        };
        assert_eq!(written(0), [0]);
        assert_eq!(written(127), [0x7F]);
        assert_eq!(written(128), [0x80, 0x01]);
        assert_eq!(written(300), [0xAC, 0x02]);
        assert_eq!(written(u32::MAX), [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]);
    }

    #[test]
    fn a_sized_run_makes_room_for_its_length() {
        for size in [0_usize, 1, 127, 128, 20_000] {
            let mut gather = Gather::new();
            gather.put_u8(7);
            let content: Vec<u8> = (0..size).map(|at| at.to_le_bytes()[0]).collect();
            gather
                .put_sized(|out| {
                    out.put_slice(&content);
                    Ok::<(), ()>(())
                })
                .expect("nothing fails");
            gather.put_u8(8);
            let (prefix, len) = uvarint(u32::try_from(size).expect("small"));
            let expected = [&[7][..], &prefix[..len], &content, &[8]].concat();
            assert_eq!(gather.finish().concat(), expected);
        }
    }

    #[test]
    fn memory_comes_back_when_what_was_finished_is_dropped() {
        let mut gather = Gather::with_capacity(4_096);
        gather.put_slice(&[1; 4_096]);
        let first = gather.finish();
        let address = first[0].as_ptr();
        drop(first);
        gather.put_slice(&[2; 4_096]);
        assert_eq!(gather.finish()[0].as_ptr(), address);
    }
}
