//! Records of the metadata's log, and settings.

use broker::config::{Gathered, SETTINGS};
use wire::internal::{decode_metadata_record, encode_metadata_record};

use crate::target::{Target, Verdict, bounded, unsealed};

pub(crate) const METADATA_RECORD: Target =
    Target { run: metadata_record, seal: unsealed, input_bytes_max: 16 << 10, inputs: 60_000 };
pub(crate) const CONFIG: Target = Target { run: config, seal: unsealed, input_bytes_max: 4 << 10, inputs: 10_000 };
/// Number of a setting, then its value as text.
pub(crate) const SETTING: Target = Target { run: setting, seal: unsealed, input_bytes_max: 256, inputs: 20_000 };

fn metadata_record(input: &[u8]) -> Verdict {
    let read = bounded(input.len(), 4 << 10, 24, || decode_metadata_record(input));
    let Ok(record) = read else { return Verdict::Refused };
    let again = decode_metadata_record(&encode_metadata_record(&record));
    assert_eq!(again.as_ref(), Ok(&record));
    Verdict::Accepted
}

fn config(input: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(input);
    let mut gathered = Gathered::default();
    // The parser's tables for each key are large.
    let read = bounded(input.len(), 256 << 10, 512, || gathered.file("fuzz.toml", &text));
    if let Err(error) = read {
        assert!(!error.to_string().is_empty());
        return Verdict::Refused;
    }
    match gathered.finish() {
        Ok(_) => written_back(&gathered),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    Verdict::Accepted
}

/// Values as they are shown give the same values.
fn written_back(gathered: &Gathered) {
    let mut again = Gathered::default();
    for (name, value) in gathered.values() {
        again
            .set(name, &value.to_string())
            .unwrap_or_else(|error| panic!("{name} = {value} is not read back: {error}"));
    }
    for ((name, value), (_, read)) in gathered.values().zip(again.values()) {
        assert_eq!(read, value, "{name}: {value} is shown and read back as another");
    }
}

fn setting(input: &[u8]) -> Verdict {
    let Some((number, text)) = input.split_first() else { return Verdict::Refused };
    let setting = &SETTINGS[usize::from(*number) % SETTINGS.len()];
    let text = String::from_utf8_lossy(text);
    let mut gathered = Gathered::default();
    let read = bounded(input.len(), 16 << 10, 64, || gathered.set(setting.name, &text));
    if let Err(error) = read {
        assert!(error.to_string().contains(setting.name));
        return Verdict::Refused;
    }
    written_back(&gathered);
    Verdict::Accepted
}
