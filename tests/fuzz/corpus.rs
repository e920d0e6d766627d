//! The committed inputs: text files of hexadecimal lines, so that changes can be read.

use std::fmt::Write as _;
use std::path::PathBuf;

use tests::broker::workspace;

fn folder(target: &str) -> PathBuf {
    workspace().join("tests/fuzz/corpus").join(target)
}

pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim().bytes().map(|byte| nibble(char::from(byte).to_digit(16)));
    let digits: Vec<u8> = digits.collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

fn nibble(digit: Option<u32>) -> Option<u8> {
    digit.and_then(|digit| u8::try_from(digit).ok())
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}

fn files(target: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder(target)) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "hex"));
    files.sort();
    files
}

/// All inputs of a target, in the same order each time.
pub(crate) fn load(target: &str) -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for path in files(target) {
        let text = std::fs::read_to_string(&path).expect("the corpus can be read");
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            inputs.push(from_hex(line).unwrap_or_else(|| panic!("{}: a line is no hex", path.display())));
        }
    }
    if target == "kafka_request" {
        inputs.extend(captured());
    }
    inputs
}

pub(crate) fn bytes(target: &str) -> u64 {
    files(target).iter().map(|path| std::fs::metadata(path).expect("it was listed").len()).sum()
}

/// Requests as real clients send them.
pub(crate) fn captured() -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    let clients = std::fs::read_dir(workspace().join("tests/conformance/frames")).expect("the frames are committed");
    for client in clients.flatten().filter(|entry| entry.path().is_dir()) {
        paths.extend(std::fs::read_dir(client.path()).expect("it was listed").flatten().map(|entry| entry.path()));
    }
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("it was listed")).collect()
}

pub(crate) fn write(target: &str, file: &str, inputs: &[Vec<u8>]) {
    std::fs::create_dir_all(folder(target)).expect("the corpus can be written");
    let mut lines: Vec<String> = inputs.iter().map(|input| to_hex(input)).collect();
    lines.dedup();
    std::fs::write(folder(target).join(file), lines.join("\n") + "\n").expect("the corpus can be written");
}
