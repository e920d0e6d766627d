//! Deterministic mutations of inputs.

use base::SeededRandom;

/// Numbers at the edges of types, lengths and varints.
const INTERESTING: [i64; 22] = [
    0,
    1,
    -1,
    -2,
    7,
    8,
    61,
    127,
    128,
    255,
    256,
    32_767,
    32_768,
    65_535,
    65_536,
    1 << 20,
    i32::MAX as i64,
    i32::MIN as i64,
    u32::MAX as i64,
    1 << 40,
    i64::MAX,
    i64::MIN,
];

/// Changes an input in one to five places; `other` gives parts to splice in.
pub(crate) fn mutate(random: &mut SeededRandom, input: &mut Vec<u8>, other: &[u8], bytes_max: usize) {
    for _ in 0..=random.below(5) {
        match random.below(10) {
            0 | 1 => flip_bits(random, input),
            2 | 3 => put_number(random, input),
            4 => put_varint(random, input),
            5 => replace_bytes(random, input),
            6 => remove(random, input),
            7 => repeat(random, input),
            8 => splice(random, input, other),
            _ => {
                let end = random.index(input.len() + 1);
                input.truncate(end);
            }
        }
    }
    input.truncate(bytes_max);
}

fn place(random: &mut SeededRandom, input: &[u8]) -> usize {
    // The front is where headers are.
    let end = if random.one_in(2) { input.len().min(96) } else { input.len() };
    random.index(end.max(1))
}

fn flip_bits(random: &mut SeededRandom, input: &mut [u8]) {
    if input.is_empty() {
        return;
    }
    for _ in 0..=random.below(3) {
        let at = place(random, input);
        input[at] ^= 1 << random.below(8);
    }
}

fn number(random: &mut SeededRandom, input: &[u8]) -> i64 {
    let near = i64::try_from(input.len()).expect("inputs are small");
    match random.below(4) {
        0 => near + i64::try_from(random.below(9)).expect("small") - 4,
        1 => INTERESTING[random.index(INTERESTING.len())].wrapping_add(1).wrapping_sub(random.below(3).cast_signed()),
        _ => INTERESTING[random.index(INTERESTING.len())],
    }
}

/// Puts a number of 1, 2, 4 or 8 bytes in either order over what is there.
fn put_number(random: &mut SeededRandom, input: &mut [u8]) {
    let size = 1 << random.below(4);
    if input.len() < size {
        return;
    }
    let at = place(random, input).min(input.len() - size);
    let value = number(random, input);
    let bytes = value.to_be_bytes();
    input[at..at + size].copy_from_slice(&bytes[8 - size..]);
    if random.one_in(2) {
        input[at..at + size].reverse();
    }
}

/// Puts a number of variable length in, and takes as much out.
fn put_varint(random: &mut SeededRandom, input: &mut Vec<u8>) {
    let mut value = number(random, input).cast_unsigned();
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7F).expect("seven bits") | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).expect("seven bits"));
    let at = place(random, input).min(input.len());
    let end = (at + random.index(bytes.len() + 1)).min(input.len());
    input.splice(at..end, bytes);
}

fn replace_bytes(random: &mut SeededRandom, input: &mut [u8]) {
    if input.is_empty() {
        return;
    }
    let at = place(random, input);
    let end = (at + 1 + random.index(8)).min(input.len());
    random.fill(&mut input[at..end]);
}

fn remove(random: &mut SeededRandom, input: &mut Vec<u8>) {
    let at = place(random, input).min(input.len());
    let end = (at + 1 + random.index(16)).min(input.len());
    input.drain(at..end);
}

/// Writes a part of the input once more behind itself, now and then many times.
fn repeat(random: &mut SeededRandom, input: &mut Vec<u8>) {
    let at = place(random, input).min(input.len());
    let end = (at + 1 + random.index(64)).min(input.len());
    let part = input[at..end].to_vec();
    let times = if random.one_in(8) { 1_000 } else { 1 + random.index(4) };
    let many = part.repeat(times.min(65_536 / part.len().max(1)));
    input.splice(end..end, many);
}

fn splice(random: &mut SeededRandom, input: &mut Vec<u8>, other: &[u8]) {
    let from = random.index(other.len() + 1);
    let to = (from + random.index(256)).min(other.len());
    let at = place(random, input).min(input.len());
    let end = if random.one_in(2) { input.len() } else { (at + to - from).min(input.len()) };
    input.splice(at..end, other[from..to].iter().copied());
}
