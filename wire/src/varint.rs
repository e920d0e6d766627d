//! Numbers of variable length: 7 bits a byte, lowest first, the top bit set on all bytes but the last.
//!
//! Records use the zigzag forms (`i32`, `i64`), in which small negative numbers are short too; the Kafka protocol's
//! compact lengths use the plain one (`u32`). Longer forms than needed are read, as Kafka reads them. Bits beyond the
//! type's are refused: Kafka drops them, other decoders don't, and a number must not depend on who reads it.

/// The most bytes that a number of 32 bits takes.
pub const BYTES_MAX_32: usize = 5;
/// The most bytes that a number of 64 bits takes.
pub const BYTES_MAX_64: usize = 10;

/// Why a number could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VarintError {
    #[error("a number of variable length is cut off")]
    Truncated,
    #[error("a number of variable length has too many bits")]
    TooLong,
}

/// Takes an unsigned number off the front of `bytes`.
#[inline]
pub fn take_u32(bytes: &mut &[u8]) -> Result<u32, VarintError> {
    match *bytes {
        [byte, rest @ ..] if *byte < 0x80 => {
            *bytes = rest;
            Ok(u32::from(*byte))
        }
        // Lengths of 64 and more: too common to go through the loop.
        [low, high, rest @ ..] if *high < 0x80 => {
            *bytes = rest;
            Ok(u32::from(low & 0x7f) | u32::from(*high) << 7)
        }
        _ => take_long::<BYTES_MAX_32>(bytes, u64::from(u32::MAX))
            .map(|value| u32::try_from(value).expect("checked against the type's largest")),
    }
}

/// Takes an unsigned number off the front of `bytes`.
#[inline]
pub fn take_u64(bytes: &mut &[u8]) -> Result<u64, VarintError> {
    match *bytes {
        [byte, rest @ ..] if *byte < 0x80 => {
            *bytes = rest;
            Ok(u64::from(*byte))
        }
        // Lengths of 64 and more: too common to go through the loop.
        [low, high, rest @ ..] if *high < 0x80 => {
            *bytes = rest;
            Ok(u64::from(low & 0x7f) | u64::from(*high) << 7)
        }
        _ => take_long::<BYTES_MAX_64>(bytes, u64::MAX),
    }
}

/// Takes a zigzag number off the front of `bytes`.
#[inline]
pub fn take_i32(bytes: &mut &[u8]) -> Result<i32, VarintError> {
    let zigzag = take_u32(bytes)?;
    Ok((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
}

/// Takes a zigzag number off the front of `bytes`.
#[inline]
pub fn take_i64(bytes: &mut &[u8]) -> Result<i64, VarintError> {
    let zigzag = take_u64(bytes)?;
    Ok((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
}

/// Three bytes or more; `bytes` is untouched when they are no number.
fn take_long<const BYTES_MAX: usize>(bytes: &mut &[u8], value_max: u64) -> Result<u64, VarintError> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(BYTES_MAX).enumerate() {
        let (bits, shift) = (u64::from(byte & 0x7f), 7 * index);
        // The tenth byte has room for one bit only.
        if bits << shift >> shift != bits {
            return Err(VarintError::TooLong);
        }
        value |= bits << shift;
        if *byte < 0x80 {
            if value > value_max {
                return Err(VarintError::TooLong);
            }
            *bytes = &bytes[index + 1..];
            return Ok(value);
        }
    }
    Err(if bytes.len() < BYTES_MAX { VarintError::Truncated } else { VarintError::TooLong })
}

/// Zigzag: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4.
#[inline]
pub const fn zigzag_32(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)).cast_unsigned()
}

/// Zigzag: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4.
#[inline]
pub const fn zigzag_64(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// How many bytes an unsigned number takes.
#[inline]
pub const fn size_u64(value: u64) -> usize {
    // Bits, rounded up to sevens; zero has one byte as well.
    ((70 - (value | 1).leading_zeros()) / 7) as usize
}

/// How many bytes a zigzag number takes.
#[inline]
pub const fn size_i32(value: i32) -> usize {
    size_u64(zigzag_32(value) as u64)
}

/// How many bytes a zigzag number takes.
#[inline]
pub const fn size_i64(value: i64) -> usize {
    size_u64(zigzag_64(value))
}

/// Writes an unsigned number to the front of `out`, which must have room; gives back how many bytes it took.
#[inline]
pub fn write_u64(out: &mut [u8], mut value: u64) -> usize {
    let mut index = 0;
    while value >= 0x80 {
        out[index] = low_7_bits(value) | 0x80;
        value >>= 7;
        index += 1;
    }
    out[index] = low_7_bits(value);
    index + 1
}

/// Writes a zigzag number to the front of `out`, which must have room; gives back how many bytes it took.
#[inline]
pub fn write_i32(out: &mut [u8], value: i32) -> usize {
    write_u64(out, u64::from(zigzag_32(value)))
}

/// Writes a zigzag number to the front of `out`, which must have room; gives back how many bytes it took.
#[inline]
pub fn write_i64(out: &mut [u8], value: i64) -> usize {
    write_u64(out, zigzag_64(value))
}

#[inline]
const fn low_7_bits(value: u64) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zigzag_numbers_have_kafkas_bytes() {
        let goldens: [(i64, &[u8]); 9] = [
            (0, &[0]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (8_192, &[0x80, 0x80, 0x01]),
            (i64::from(i32::MIN), &[0xff, 0xff, 0xff, 0xff, 0x0f]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ];
        for (value, bytes) in goldens {
            let mut out = [0; BYTES_MAX_64];
            assert_eq!(write_i64(&mut out, value), bytes.len());
            assert_eq!(&out[..bytes.len()], bytes);
            assert_eq!(size_i64(value), bytes.len());
            assert_eq!(take_i64(&mut &*bytes), Ok(value));
            if let Ok(value) = i32::try_from(value) {
                assert_eq!(take_i32(&mut &*bytes), Ok(value));
                assert_eq!(size_i32(value), bytes.len());
            }
        }
    }

    #[test]
    fn numbers_that_are_cut_or_too_long_are_refused() {
        for (bytes, error) in [
            (&[][..], VarintError::Truncated),
            (&[0x80, 0x80], VarintError::Truncated),
            (&[0xff, 0xff, 0xff, 0xff, 0x10], VarintError::TooLong),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00], VarintError::TooLong),
        ] {
            let mut rest = bytes;
            assert_eq!(take_u32(&mut rest), Err(error));
            assert_eq!(rest, bytes, "what is no number stays");
        }
        let nine = [0xff; 9];
        assert_eq!(take_u64(&mut &nine[..]), Err(VarintError::Truncated));
        assert_eq!(take_u64(&mut &[&nine[..], &[0x02]].concat()[..]), Err(VarintError::TooLong));
        assert_eq!(take_u64(&mut &[&nine[..], &[0x01]].concat()[..]), Ok(u64::MAX));
    }

    #[test]
    fn longer_forms_than_needed_are_read() {
        let mut bytes = &[0x80, 0x80, 0x00, 0x07][..];
        assert_eq!(take_u32(&mut bytes), Ok(0));
        assert_eq!(bytes, [0x07]);
    }

    proptest! {
        #[test]
        fn numbers_come_back(value in any::<i64>(), shift in 0_u32..64, tail in any::<u8>()) {
            let value = value >> shift;
            let mut out = [tail; BYTES_MAX_64 + 1];
            let written = write_i64(&mut out, value);
            prop_assert_eq!(written, size_i64(value));
            let mut rest = &out[..];
            prop_assert_eq!(take_i64(&mut rest), Ok(value));
            prop_assert_eq!(rest.len(), out.len() - written);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut rest = &bytes[..];
            if take_u32(&mut rest).is_ok() {
                prop_assert!((1..=BYTES_MAX_32).contains(&(bytes.len() - rest.len())));
            }
        }
    }
}
