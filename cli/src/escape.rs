//! Bytes on a command line.

use std::sync::Arc;

/// The bytes that a text with backslashes stands for.
pub(crate) fn unescape(text: &str) -> Result<Arc<[u8]>, String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let Some((&escape, after)) = rest.split_first() else { return Err("a backslash ends it".to_owned()) };
        rest = after;
        bytes.push(match escape {
            b't' => b'\t',
            b'n' => b'\n',
            b'r' => b'\r',
            b'0' => 0,
            b'\\' => b'\\',
            b'x' => {
                let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                rest = rest.get(2..).unwrap_or_default();
                byte.ok_or("after \\x two hexadecimal digits are needed")?
            }
            other => return Err(format!("\\{} is unknown; \\t \\n \\r \\0 \\\\ \\xNN are known", char::from(other))),
        });
    }
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_bytes() {
        assert_eq!(&*unescape(r"\t").unwrap(), b"\t");
        assert_eq!(&*unescape(r"a\x00\\: ").unwrap(), b"a\0\\: ");
        for text in ["", "\\", r"\q", r"\x1", r"\xg0"] {
            assert!(unescape(text).is_err(), "{text}");
        }
    }
}
