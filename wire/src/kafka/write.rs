//! Values with a length, in both layouts.

use super::error::EncodeError;
use super::message::Layout;
use crate::gather::Gather;
use crate::payload::Payload;

/// Kafka refuses longer text in every version, although compact lengths could say more.
const TEXT_BYTES_MAX: usize = 32_767;

pub(super) fn write_string(
    out: &mut Gather,
    field: &'static str,
    text: &str,
    layout: Layout,
) -> Result<(), EncodeError> {
    let too_long = EncodeError::TooLong { field, len: text.len() };
    if text.len() > TEXT_BYTES_MAX {
        return Err(too_long);
    }
    match layout {
        Layout::Classic => out.put_i16(i16::try_from(text.len()).map_err(|_| too_long)?),
        Layout::Flexible => out.put_uvarint(u32::try_from(text.len() + 1).map_err(|_| too_long)?),
    }
    out.put_slice(text.as_bytes());
    Ok(())
}

pub(super) fn write_null_string(out: &mut Gather, layout: Layout) {
    match layout {
        Layout::Classic => out.put_i16(-1),
        Layout::Flexible => out.put_uvarint(0),
    }
}

/// The length of an array or of bytes.
pub(super) fn write_len(out: &mut Gather, field: &'static str, len: usize, layout: Layout) -> Result<(), EncodeError> {
    let short = i32::try_from(len).map_err(|_| EncodeError::TooLong { field, len })?;
    match layout {
        Layout::Classic => out.put_i32(short),
        Layout::Flexible => out.put_uvarint(short.unsigned_abs() + 1),
    }
    Ok(())
}

/// A null array or null bytes.
pub(super) fn write_null(out: &mut Gather, layout: Layout) {
    match layout {
        Layout::Classic => out.put_i32(-1),
        Layout::Flexible => out.put_uvarint(0),
    }
}

pub(super) fn write_payload(
    out: &mut Gather,
    field: &'static str,
    payload: &Payload,
    layout: Layout,
) -> Result<(), EncodeError> {
    write_len(out, field, payload.len(), layout)?;
    out.put_payload(payload);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_beyond_kafkas_limit_is_refused_in_both_layouts() {
        let longest = "x".repeat(TEXT_BYTES_MAX);
        let longer = "x".repeat(TEXT_BYTES_MAX + 1);
        for layout in [Layout::Classic, Layout::Flexible] {
            let mut out = Gather::new();
            assert_eq!(write_string(&mut out, "f", &longest, layout), Ok(()));
            let refused = Err(EncodeError::TooLong { field: "f", len: TEXT_BYTES_MAX + 1 });
            assert_eq!(write_string(&mut out, "f", &longer, layout), refused);
        }
    }

    #[test]
    fn null_and_empty_differ_in_both_layouts() {
        let mut out = Gather::new();
        write_null_string(&mut out, Layout::Classic);
        write_null_string(&mut out, Layout::Flexible);
        write_null(&mut out, Layout::Classic);
        write_null(&mut out, Layout::Flexible);
        assert_eq!(out.finish().concat(), [0xFF, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0]);
        for layout in [Layout::Classic, Layout::Flexible] {
            write_string(&mut out, "f", "", layout).expect("short");
            write_len(&mut out, "f", 0, layout).expect("short");
        }
        assert_eq!(out.finish().concat(), [0, 0, 0, 0, 0, 0, 1, 1]);
    }
}
