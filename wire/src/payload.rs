//! A run of bytes in several shared pieces.

use std::fmt;

use bytes::Bytes;
use smallvec::SmallVec;

/// Bytes that lie in several places and are never copied together: the record batches of one partition in a fetch
/// response, which come from several chunks of the log.
///
/// Two payloads are equal when their bytes are, however they are cut into pieces.
#[derive(Clone, Default)]
pub struct Payload {
    parts: SmallVec<[Bytes; 2]>,
    len: usize,
}

impl Payload {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece at the end; an empty one is dropped.
    pub fn push(&mut self, part: Bytes) {
        if !part.is_empty() {
            self.len += part.len();
            self.parts.push(part);
        }
    }

    /// The pieces in order, none of them empty.
    pub fn parts(&self) -> &[Bytes] {
        &self.parts
    }

    /// Bytes in all pieces together.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All bytes in one piece: a copy, unless there is at most one piece already.
    pub fn to_bytes(&self) -> Bytes {
        match self.parts.as_slice() {
            [] => Bytes::new(),
            [only] => only.clone(),
            _ => self.to_vec().into(),
        }
    }

    /// A copy of all bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.parts.concat()
    }
}

impl From<Bytes> for Payload {
    fn from(part: Bytes) -> Self {
        let mut payload = Self::new();
        payload.push(part);
        payload
    }
}

impl FromIterator<Bytes> for Payload {
    fn from_iter<I: IntoIterator<Item = Bytes>>(parts: I) -> Self {
        let mut payload = Self::new();
        payload.extend(parts);
        payload
    }
}

impl Extend<Bytes> for Payload {
    fn extend<I: IntoIterator<Item = Bytes>>(&mut self, parts: I) {
        parts.into_iter().for_each(|part| self.push(part));
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        let bytes = |payload: &'_ Self| payload.parts.clone().into_iter().flatten();
        self.len == other.len && bytes(self).eq(bytes(other))
    }
}

impl Eq for Payload {}

/// Says how much there is: nobody wants a megabyte in a log line.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes in {} parts)", self.len, self.parts.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_keep_their_order_and_are_not_copied() {
        let chunk = Bytes::from_static(b"abcdef");
        let payload: Payload = [chunk.slice(0..2), Bytes::new(), chunk.slice(2..6)].into_iter().collect();
        assert_eq!((payload.len(), payload.parts().len()), (6, 2));
        assert_eq!(payload.parts()[1].as_ptr(), chunk[2..].as_ptr());
        assert_eq!(payload.to_vec(), b"abcdef");
        assert_eq!(format!("{payload:?}"), "Payload(6 bytes in 2 parts)");
    }

    #[test]
    fn equality_looks_at_bytes_and_not_at_the_cuts() {
        let cut: Payload = [Bytes::from_static(b"ab"), Bytes::from_static(b"c")].into_iter().collect();
        assert_eq!(cut, Payload::from(Bytes::from_static(b"abc")));
        assert_ne!(cut, Payload::from(Bytes::from_static(b"abd")));
        assert_ne!(cut, Payload::from(Bytes::from_static(b"ab")));
        assert_eq!(Payload::new(), Payload::from(Bytes::new()));
    }

    #[test]
    fn one_piece_is_shared_and_several_are_joined() {
        let piece = Bytes::from(vec![1_u8; 64]);
        assert_eq!(Payload::from(piece.clone()).to_bytes().as_ptr(), piece.as_ptr());
        let mut two = Payload::from(piece);
        two.push(Bytes::from_static(&[2]));
        assert_eq!(two.to_bytes().len(), 65);
    }
}
