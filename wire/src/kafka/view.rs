//! Structs that borrow from the frame, and arrays of them that are read as they are walked.

use std::fmt;
use std::marker::PhantomData;

use super::{DecodeError, Reader};

/// Something that can be read from a frame without owning any part of it.
///
/// A view is read whole, and with it the arrays inside, so that all its bytes are proved to be well formed once.
/// Walking an array reads its items again, from bytes that are known to be right.
pub trait View<'a>: Sized {
    /// The fewest bytes that a value takes, in any version.
    const BYTES_MIN: usize;

    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError>;
}

impl View<'_> for i32 {
    const BYTES_MIN: usize = 4;

    #[inline]
    fn read(reader: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        reader.i32("item")
    }
}

/// An array inside of a frame, proved to be well formed.
pub struct ArrayView<'a, T> {
    /// The items, back to back.
    bytes: &'a [u8],
    len: usize,
    version: i16,
    items: PhantomData<fn() -> T>,
}

impl<'a, T: View<'a>> ArrayView<'a, T> {
    pub const fn empty() -> Self {
        Self { bytes: &[], len: 0, version: 0, items: PhantomData }
    }

    /// Walks `len` items, so that a later walk cannot fail.
    #[inline]
    pub(super) fn read(reader: &mut Reader<'a>, len: usize, version: i16) -> Result<Self, DecodeError> {
        let start = reader.rest();
        for _ in 0..len {
            T::read(reader, version)?;
        }
        let bytes = &start[..start.len() - reader.rest().len()];
        Ok(Self { bytes, len, version, items: PhantomData })
    }

    /// How many items there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub fn iter(&self) -> ArrayIter<'a, T> {
        ArrayIter { reader: Reader::new(self.bytes), left: self.len, version: self.version, items: PhantomData }
    }
}

impl<T> Clone for ArrayView<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ArrayView<'_, T> {}

impl<'a, T: View<'a> + fmt::Debug> fmt::Debug for ArrayView<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<'a, T: View<'a>> IntoIterator for ArrayView<'a, T> {
    type Item = T;
    type IntoIter = ArrayIter<'a, T>;

    #[inline]
    fn into_iter(self) -> ArrayIter<'a, T> {
        self.iter()
    }
}

impl<'a, T: View<'a>> IntoIterator for &ArrayView<'a, T> {
    type Item = T;
    type IntoIter = ArrayIter<'a, T>;

    #[inline]
    fn into_iter(self) -> ArrayIter<'a, T> {
        self.iter()
    }
}

/// The items of an [`ArrayView`], in order.
#[derive(Clone, Debug)]
pub struct ArrayIter<'a, T> {
    reader: Reader<'a>,
    left: usize,
    version: i16,
    items: PhantomData<fn() -> T>,
}

impl<'a, T: View<'a>> Iterator for ArrayIter<'a, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        Some(T::read(&mut self.reader, self.version).expect("the array was walked when its view was read"))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<'a, T: View<'a>> ExactSizeIterator for ArrayIter<'a, T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::message::Layout;

    #[test]
    fn an_array_is_proved_once_and_walked_as_often_as_wanted() {
        let bytes = [0, 0, 0, 2, 0, 0, 0, 7, 0xFF, 0xFF, 0xFF, 0xFF, 9];
        let mut reader = Reader::new(&bytes);
        let array: ArrayView<'_, i32> = reader.array_view("a", Layout::Classic, 0).expect("two items");
        assert_eq!(reader.rest(), [9]);
        assert_eq!((array.len(), array.iter().len()), (2, 2));
        for _ in 0..2 {
            assert_eq!(array.into_iter().collect::<Vec<_>>(), [7, -1]);
        }
        assert_eq!(format!("{array:?}"), "[7, -1]");
        assert!(ArrayView::<'_, i32>::empty().iter().next().is_none());
    }

    #[test]
    fn an_array_that_is_cut_is_refused_when_it_is_read() {
        let bytes = [0, 0, 0, 2, 0, 0, 0, 7, 0xFF, 0xFF, 0xFF];
        let array = Reader::new(&bytes).array_view::<i32>("a", Layout::Classic, 0);
        assert!(array.is_err());
    }
}
