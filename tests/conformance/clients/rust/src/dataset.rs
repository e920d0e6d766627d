//! The records of the suite, each computed from its number alone. README.md of the suite has the rule in words.

use std::sync::LazyLock;

use bytes::Bytes;

pub const FIRST_TIMESTAMP: i64 = 1_700_000_000_000;
const GREEK: &str = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mü nü ξ π 🦀";
const TAPE_LENGTH: usize = 65_536 + 2_048;

pub type Headers = Vec<(String, Option<Bytes>)>;

/// A record. There is no timestamp where the client stamps records itself.
pub struct Item {
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Headers,
    pub timestamp: Option<i64>,
}

static TAPE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let words: Vec<String> = GREEK.split(' ').map(|word| format!("{word} ")).collect();
    let (mut tape, mut x) = (Vec::new(), 0x2545_f491_u32);
    while tape.len() < TAPE_LENGTH {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        if x & 3 == 0 {
            tape.push(x.to_be_bytes()[0]);
        } else {
            tape.extend_from_slice(words[index(x >> 8 & 15)].as_bytes());
        }
    }
    tape.truncate(TAPE_LENGTH);
    tape
});

fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ x >> 16
}

fn index(x: u32) -> usize {
    usize::try_from(x).expect("a usize has 32 bits at least")
}

fn slice(start: u32, length: u32) -> Bytes {
    Bytes::copy_from_slice(&TAPE[index(start)..index(start + length)])
}

/// Record `i` in one of the shapes, with a key in any case if `keyed`.
pub fn record(i: u32, shape: &str, keyed: bool) -> Item {
    let a = mix(i + 1);
    let b = mix(a);
    let c = mix(b);

    let role = a & 15;
    let mut key = match role {
        _ if role > 1 || keyed => {
            let mut text = format!("k{i}:").into_bytes();
            text.extend_from_slice(&slice(a >> 16, a >> 4 & 31));
            Some(Bytes::from(text))
        }
        1 => Some(Bytes::new()),
        _ => None,
    };
    let (size, room, start) = (b & 63, b >> 8, b >> 16);
    let mut value = match size {
        0 => None,
        1 => Some(Bytes::new()),
        2..4 => Some(slice(start, 512 + room % 1537)),
        4..12 => Some(slice(start, 128 + room % 385)),
        _ => Some(slice(start, room % 129)),
    };
    if shape == "lines" {
        let value = value.unwrap_or_default();
        if key.is_none() && value.is_empty() {
            key = Some(Bytes::new());
        }
        return Item { key, value: Some(value), headers: line_headers(), timestamp: None };
    }
    if shape == "keyed-or-valued" && key.is_none() {
        value = Some(value.unwrap_or_default());
    }
    let timestamp = FIRST_TIMESTAMP + i64::from(i) * 10 + i64::from((c >> 3) % 1000);
    Item { key, value, headers: headers(i, c, shape == "grouped"), timestamp: Some(timestamp) }
}

/// What kcat puts on every record.
fn line_headers() -> Headers {
    let text = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
    let all = [
        ("trace", text("conformance")),
        ("nullheader", None),
        ("emptyheader", text("")),
        ("trace", text("again")),
        ("ключ", text("значение")),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn headers(i: u32, c: u32, grouped: bool) -> Headers {
    let (text, number) = (slice(c >> 16, c >> 8 & 31), Bytes::from(i.to_string()));
    let pairs = match c & 7 {
        3 => vec![("trace", Some(number))],
        4 => vec![("ключ-ß-🦀", Some(text))],
        5 => vec![("empty", Some(Bytes::new())), ("binary", Some(Bytes::copy_from_slice(&mix(c).to_be_bytes())))],
        6 => {
            let [first, other, second] = [("dup", number), ("other", text), ("dup", Bytes::new())];
            let order = if grouped { [first, second, other] } else { [first, other, second] };
            order.map(|(name, value)| (name, Some(value))).to_vec()
        }
        7 => vec![("null", grouped.then(Bytes::new)), ("after", Some(number))],
        _ => vec![],
    };
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
