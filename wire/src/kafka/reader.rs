//! A bounded cursor over bytes from outside.

use bytes::Bytes;

use super::error::{DecodeError, Fault};
use super::group_records::Versioned;
use super::message::{Layout, Message};
use super::view::{ArrayView, View};

/// Decoding may allocate this many times the frame's length …
const MEMORY_PER_BYTE: usize = 16;
/// … plus this much, so that short frames with short items decode.
const MEMORY_BASE: usize = 64 * 1024;

/// Kafka refuses longer text in every version.
const TEXT_BYTES_MAX: usize = 32_767;

/// Reads values from the front of a run of bytes. Each length is compared with the bytes that are left before it is
/// believed, and an array's memory is taken only for items that the bytes left can hold. What all items
/// together may take is limited too, since an item of two bytes can be a struct of eighty.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// Where `rest` ends, counted from the reader's start.
    end: usize,
    /// Memory that decoding may still take.
    memory: usize,
    /// What the bytes are a part of, if it can be shared.
    shared: Option<&'a Bytes>,
}

/// What a struct made of a tagged field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Known,
    Unknown,
}

impl<'a> Reader<'a> {
    /// Reads from borrowed bytes. Records that end up in an owned message are copied.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        let memory = bytes.len().saturating_mul(MEMORY_PER_BYTE).saturating_add(MEMORY_BASE);
        Self { rest: bytes, end: bytes.len(), memory, shared: None }
    }

    /// Reads from shared bytes. Records that end up in an owned message share them and are not copied.
    pub fn shared(bytes: &'a Bytes) -> Self {
        Self { shared: Some(bytes), ..Self::new(bytes) }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.end - self.rest.len()
    }

    /// What has not been read.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Refuses bytes after the end of a message.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(self.fault("frame", Fault::Trailing(self.rest.len())))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn fault(&self, field: &'static str, fault: Fault) -> DecodeError {
        DecodeError { field, at: self.position(), fault }
    }

    #[cold]
    #[inline(never)]
    fn short(&self, field: &'static str, needed: usize) -> DecodeError {
        self.fault(field, Fault::Short { needed, left: self.rest.len() })
    }

    /// Refuses to read a version that is not handled.
    pub(super) fn admit<M: Message>(&self, version: i16) -> Result<(), DecodeError> {
        if M::API.versions_handled().contains(version) {
            return Ok(());
        }
        Err(self.fault(M::NAME, Fault::Version(version)))
    }

    /// Refuses to read a version that is not known.
    pub(super) fn admit_versioned<V: Versioned>(&self, version: i16) -> Result<(), DecodeError> {
        if V::VERSIONS.contains(version) {
            return Ok(());
        }
        Err(self.fault(V::NAME, Fault::Version(version)))
    }

    #[inline]
    fn take(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], DecodeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(len) else {
            return Err(self.short(field, len));
        };
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn array_of<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.short(field, N));
        };
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    pub(super) fn bool(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        Ok(self.array_of::<1>(field)? != [0])
    }

    #[inline]
    pub(super) fn i8(&mut self, field: &'static str) -> Result<i8, DecodeError> {
        self.array_of(field).map(i8::from_be_bytes)
    }

    #[inline]
    pub(super) fn i16(&mut self, field: &'static str) -> Result<i16, DecodeError> {
        self.array_of(field).map(i16::from_be_bytes)
    }

    #[inline]
    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array_of(field).map(u16::from_be_bytes)
    }

    #[inline]
    pub(super) fn i32(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        self.array_of(field).map(i32::from_be_bytes)
    }

    #[inline]
    pub(super) fn i64(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        self.array_of(field).map(i64::from_be_bytes)
    }

    #[inline]
    pub(super) fn uuid(&mut self, field: &'static str) -> Result<u128, DecodeError> {
        self.array_of(field).map(u128::from_be_bytes)
    }

    #[inline]
    fn uvarint(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        if let Some((&first, rest)) = self.rest.split_first()
            && first < 0x80
        {
            self.rest = rest;
            return Ok(u32::from(first));
        }
        self.long_uvarint(field)
    }

    fn long_uvarint(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let mut value = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array_of::<1>(field)?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return u32::try_from(value).map_err(|_| self.fault(field, Fault::Varint));
            }
        }
        Err(self.fault(field, Fault::Varint))
    }

    /// The length of text, which may be null.
    #[inline]
    fn text_len(&mut self, field: &'static str, layout: Layout) -> Result<Option<usize>, DecodeError> {
        match layout {
            Layout::Classic => {
                let len = self.i16(field)?;
                self.classic_len(field, i32::from(len))
            }
            Layout::Flexible => self.compact_len(field),
        }
    }

    /// The length of bytes or of an array, which may be null.
    #[inline]
    fn long_len(&mut self, field: &'static str, layout: Layout) -> Result<Option<usize>, DecodeError> {
        match layout {
            Layout::Classic => {
                let len = self.i32(field)?;
                self.classic_len(field, len)
            }
            Layout::Flexible => self.compact_len(field),
        }
    }

    #[inline]
    fn classic_len(&self, field: &'static str, len: i32) -> Result<Option<usize>, DecodeError> {
        match usize::try_from(len) {
            Ok(len) => Ok(Some(len)),
            Err(_) if len == -1 => Ok(None),
            Err(_) => Err(self.fault(field, Fault::NegativeLength(len))),
        }
    }

    #[inline]
    fn compact_len(&mut self, field: &'static str) -> Result<Option<usize>, DecodeError> {
        let len = self.uvarint(field)?;
        Ok(len.checked_sub(1).map(|len| usize::try_from(len).expect("a length of 32 bits fits")))
    }

    #[inline]
    pub(super) fn required<T>(&self, field: &'static str, value: Option<T>) -> Result<T, DecodeError> {
        value.ok_or_else(|| self.fault(field, Fault::Null))
    }

    #[inline]
    pub(super) fn nullable_str(&mut self, field: &'static str, layout: Layout) -> Result<Option<&'a str>, DecodeError> {
        let Some(len) = self.text_len(field, layout)? else { return Ok(None) };
        if len > TEXT_BYTES_MAX {
            return Err(self.fault(field, Fault::LongText(len)));
        }
        let bytes = self.take(field, len)?;
        str::from_utf8(bytes).map(Some).map_err(|_| self.fault(field, Fault::Utf8))
    }

    #[inline]
    pub(super) fn str(&mut self, field: &'static str, layout: Layout) -> Result<&'a str, DecodeError> {
        let text = self.nullable_str(field, layout)?;
        self.required(field, text)
    }

    pub(super) fn nullable_string(
        &mut self,
        field: &'static str,
        layout: Layout,
    ) -> Result<Option<String>, DecodeError> {
        let text = self.nullable_str(field, layout)?;
        self.charge(field, text.map_or(0, str::len))?;
        Ok(text.map(str::to_owned))
    }

    pub(super) fn string(&mut self, field: &'static str, layout: Layout) -> Result<String, DecodeError> {
        let text = self.nullable_string(field, layout)?;
        self.required(field, text)
    }

    #[inline]
    pub(super) fn nullable_slice(
        &mut self,
        field: &'static str,
        layout: Layout,
    ) -> Result<Option<&'a [u8]>, DecodeError> {
        let Some(len) = self.long_len(field, layout)? else { return Ok(None) };
        self.take(field, len).map(Some)
    }

    /// Bytes of an owned message: a part of the frame if the frame can be shared, else a copy.
    pub(super) fn nullable_bytes(&mut self, field: &'static str, layout: Layout) -> Result<Option<Bytes>, DecodeError> {
        let Some(slice) = self.nullable_slice(field, layout)? else { return Ok(None) };
        if let Some(shared) = self.shared {
            return Ok(Some(shared.slice_ref(slice)));
        }
        self.charge(field, slice.len())?;
        Ok(Some(Bytes::copy_from_slice(slice)))
    }

    /// Kafka writes a struct that may be null behind a byte: below zero for null.
    pub(super) fn nullable_struct<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.i8(field)? < 0 { Ok(None) } else { read(self).map(Some) }
    }

    /// The same in a tagged field, where Kafka writes a varint: zero for null.
    pub(super) fn nullable_tagged_struct<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.uvarint(field)?.cast_signed() <= 0 { Ok(None) } else { read(self).map(Some) }
    }

    /// The length of an array, if the bytes left can hold so many items of at least `item_bytes`.
    #[inline]
    fn items(&mut self, field: &'static str, layout: Layout, item_bytes: usize) -> Result<Option<usize>, DecodeError> {
        let Some(len) = self.long_len(field, layout)? else { return Ok(None) };
        if len > self.rest.len() / item_bytes {
            return Err(self.short(field, len));
        }
        Ok(Some(len))
    }

    pub(super) fn nullable_array<T>(
        &mut self,
        field: &'static str,
        layout: Layout,
        item_bytes: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(len) = self.items(field, layout, item_bytes)? else { return Ok(None) };
        self.charge(field, len.saturating_mul(size_of::<T>()))?;
        let mut items = Vec::with_capacity(len);
        for _ in 0..len {
            items.push(read(self)?);
        }
        Ok(Some(items))
    }

    pub(super) fn array<T>(
        &mut self,
        field: &'static str,
        layout: Layout,
        item_bytes: usize,
        read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let items = self.nullable_array(field, layout, item_bytes, read)?;
        self.required(field, items)
    }

    #[inline]
    pub(super) fn nullable_array_view<T: View<'a>>(
        &mut self,
        field: &'static str,
        layout: Layout,
        version: i16,
    ) -> Result<Option<ArrayView<'a, T>>, DecodeError> {
        let Some(len) = self.items(field, layout, T::BYTES_MIN)? else { return Ok(None) };
        ArrayView::read(self, len, version).map(Some)
    }

    #[inline]
    pub(super) fn array_view<T: View<'a>>(
        &mut self,
        field: &'static str,
        layout: Layout,
        version: i16,
    ) -> Result<ArrayView<'a, T>, DecodeError> {
        let array = self.nullable_array_view(field, layout, version)?;
        self.required(field, array)
    }

    fn charge(&mut self, field: &'static str, bytes: usize) -> Result<(), DecodeError> {
        match self.memory.checked_sub(bytes) {
            Some(left) => {
                self.memory = left;
                Ok(())
            }
            None => Err(self.fault(field, Fault::Memory(bytes))),
        }
    }

    /// Skips the tagged fields at the end of a struct that knows none.
    #[inline]
    pub(super) fn skip_tags(&mut self, owner: &'static str) -> Result<(), DecodeError> {
        if let Some((0, rest)) = self.rest.split_first() {
            self.rest = rest;
            return Ok(());
        }
        self.tags(owner, |_, _| Ok(Tag::Unknown))
    }

    /// Reads the tagged fields at the end of a struct. `read` gets a reader that ends where the field does, and
    /// must read all of it unless it does not know the tag. When a tag stands twice the last one counts, as in Kafka.
    #[inline]
    pub(super) fn tags(
        &mut self,
        owner: &'static str,
        mut read: impl FnMut(&mut Self, u32) -> Result<Tag, DecodeError>,
    ) -> Result<(), DecodeError> {
        let count = self.uvarint(owner)?;
        for _ in 0..count {
            let tag = self.uvarint(owner)?;
            let size = usize::try_from(self.uvarint(owner)?).expect("a length of 32 bits fits");
            let Some((field, after)) = self.rest.split_at_checked(size) else {
                return Err(self.short(owner, size));
            };
            let (start, end) = (self.position(), self.end);
            (self.rest, self.end) = (field, start + size);
            let read = read(self, tag)?;
            if read == Tag::Known && !self.rest.is_empty() {
                return Err(self.fault(owner, Fault::TagSize { tag, left: self.rest.len() }));
            }
            (self.rest, self.end) = (after, end);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
