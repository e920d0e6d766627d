//! The payload of a frame: pieces that travel back to back, and where each one lies.

use bytes::Bytes;

/// Where a piece lies in the payload. It has been checked against the payload's length, and overlaps no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    offset: u32,
    length: u32,
}

impl Segment {
    /// The bytes of the payload that the segment names.
    pub fn range(self) -> std::ops::Range<usize> {
        let number = |value: u32| usize::try_from(value).expect("addresses have at least 32 bits");
        number(self.offset)..number(self.offset) + number(self.length)
    }

    pub fn offset(self) -> u32 {
        self.offset
    }

    pub fn length(self) -> u32 {
        self.length
    }

    /// Reads a segment that must begin at or after the end of the one before, and gives its own end.
    pub(crate) fn check(offset: u32, length: u32, after: u32, payload: u32) -> Result<(Self, u32), SegmentError> {
        match offset.checked_add(length) {
            Some(end) if offset >= after && end <= payload => Ok((Self { offset, length }, end)),
            _ => Err(SegmentError { offset, length, after, payload }),
        }
    }
}

/// Segments ascend, do not overlap, and end within the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a segment of {length} bytes at {offset} does not lie between {after} and the payload's end at {payload}")]
pub struct SegmentError {
    pub offset: u32,
    pub length: u32,
    pub after: u32,
    pub payload: u32,
}

/// Pieces to send after a header, shared and not copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payload {
    pieces: Vec<Bytes>,
    length: u32,
}

/// A payload would grow beyond what a frame can carry; the piece comes back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a piece of {} bytes does not fit behind {before} bytes of payload", piece.len())]
pub struct PayloadTooLarge {
    pub before: u32,
    pub piece: Bytes,
}

impl Payload {
    /// Adds a piece at the end, and says where it lies.
    pub fn push(&mut self, piece: Bytes) -> Result<Segment, PayloadTooLarge> {
        let end = u32::try_from(piece.len()).ok().and_then(|length| Some((length, self.length.checked_add(length)?)));
        let Some((length, end)) = end else { return Err(PayloadTooLarge { before: self.length, piece }) };
        let segment = Segment { offset: self.length, length };
        self.pieces.push(piece);
        self.length = end;
        Ok(segment)
    }

    /// Bytes of all pieces.
    pub fn length(&self) -> u32 {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        self.pieces.iter()
    }

    pub fn into_pieces(self) -> Vec<Bytes> {
        self.pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lying_and_overlapping_segments_are_refused() {
        let (segment, end) = Segment::check(0, 10, 0, 20).unwrap();
        assert_eq!((segment.range(), end), (0..10, 10));
        assert_eq!(Segment::check(12, 8, end, 20).map(|(segment, _)| segment.range()), Ok(12..20));
        for (offset, length) in [(9, 1), (0, 10), (10, 11), (20, 1), (21, 0), (u32::MAX, 1), (10, u32::MAX)] {
            let error = SegmentError { offset, length, after: 10, payload: 20 };
            assert_eq!(Segment::check(offset, length, 10, 20), Err(error));
        }
    }

    #[test]
    fn pieces_lie_back_to_back_and_are_shared() {
        let piece = Bytes::from(vec![7; 100]);
        let mut payload = Payload::default();
        assert_eq!(payload.push(piece.clone()).unwrap().range(), 0..100);
        assert_eq!(payload.push(piece.slice(..5)).unwrap().range(), 100..105);
        assert!(payload.pieces().all(|held| held.as_ptr() == piece.as_ptr()));
        payload.length = u32::MAX - 99;
        assert_eq!(payload.push(piece.clone()), Err(PayloadTooLarge { before: u32::MAX - 99, piece }));
    }
}
