//! Golden streams, hostile streams, budgets and round trips of every codec.

use std::io::Write;

use base::SeededRandom;
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use proptest::prelude::*;

use super::*;

const COMPRESSED: [Codec; 4] = [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn decompress(codec: Codec, input: &[u8], budget: usize) -> Result<Vec<u8>, DecompressError> {
    Decompressor::new().decompress(codec, input, budget).map(<[u8]>::to_vec)
}

fn compress(codec: Codec, level: Option<i32>, input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Compressor::new().compress(codec, level, input, &mut out);
    out
}

/// Words that repeat, as log lines do, with some noise between them.
fn text(length: usize) -> Vec<u8> {
    let mut random = SeededRandom::new(7);
    let words: [&[u8]; 6] = [b"partition ", b"offset=", b"leader ", b"{\"user\":", b"GET /index ", b"200 OK\n"];
    let mut bytes = Vec::new();
    while bytes.len() < length {
        bytes.extend_from_slice(words[random.index(words.len())]);
        bytes.push(random.next_u64().to_le_bytes()[0]);
    }
    bytes.truncate(length);
    bytes
}

/// Streams written by hand with the least each codec needs to carry "hello".
#[test]
fn the_smallest_stream_of_each_framing_is_read() {
    let goldens = [
        // Magic, method deflate, no flags, no time, no level, unknown system; one last stored block of 5 bytes and its
        // complement; CRC-32; length.
        (Codec::Gzip, "1f8b 08 00 00000000 00 ff  01 0500 faff 68656c6c6f  86a61036 05000000", "hello"),
        // The same with an extra field of 2 bytes, a name, a comment and a CRC of the header, none of which matter.
        (
            Codec::Gzip,
            "1f8b 08 1e 00000000 00 ff 0200 aabb 6100 6200 cccc  01 0500 faff 68656c6c6f  86a61036 05000000",
            "hello",
        ),
        // Two members.
        (
            Codec::Gzip,
            "1f8b 08 00 00000000 00 ff  01 0500 faff 68656c6c6f  86a61036 05000000
             1f8b 08 00 00000000 00 ff  01 0500 faff 68656c6c6f  86a61036 05000000",
            "hellohello",
        ),
        // Raw: length 5, a literal of 4 + 1 bytes.
        (Codec::Snappy, "05 10 68656c6c6f", "hello"),
        // Raw and empty: length 0.
        (Codec::Snappy, "00", ""),
        // xerial: magic, version 1, readable by version 1, then blocks of 7 bytes.
        (
            Codec::Snappy,
            "82534e4150505900 00000001 00000001  00000007 05 10 68656c6c6f  00000007 05 10 68656c6c6f",
            "hellohello",
        ),
        // xerial: two streams.
        (
            Codec::Snappy,
            "82534e4150505900 00000001 00000001  00000007 05 10 68656c6c6f
             82534e4150505900 00000001 00000001  00000007 05 10 68656c6c6f",
            "hellohello",
        ),
        // Magic, version 1 with independent blocks, 64 KiB, header checksum; a stored block of 5 bytes; end mark.
        (Codec::Lz4, "04224d18 60 40 82  05000080 68656c6c6f  00000000", "hello"),
        // Dependent blocks: the second copies 5 bytes from 5 back, out of the first, and adds a literal.
        (Codec::Lz4, "04224d18 40 40 c0  05000080 68656c6c6f  05000000 01 0500 10 21  00000000", "hellohello!"),
        // Magic, single segment with a content size of one byte: 5; a last raw block of 5 bytes.
        (Codec::Zstd, "28b52ffd 20 05 290000 68656c6c6f", "hello"),
        // Two frames, the second of one repeated byte, with a skippable one between.
        (Codec::Zstd, "28b52ffd 20 05 290000 68656c6c6f  502a4d18 01000000 ff  28b52ffd 20 03 1b0000 21", "hello!!!"),
    ];
    for (codec, stream, content) in goldens {
        let stream = hex(stream);
        assert_eq!(
            decompress(codec, &stream, content.len()).as_deref(),
            Ok(content.as_bytes()),
            "{codec} {stream:02x?}"
        );
        // One byte short of what is in it.
        if let Some(budget) = content.len().checked_sub(1) {
            assert_eq!(decompress(codec, &stream, budget), Err(DecompressError::OverBudget { codec, budget }));
        }
        for end in 0..stream.len() {
            let cut = decompress(codec, &stream[..end], 64);
            // Cuts between two streams leave a whole one.
            assert!(cut.is_err() || cut.is_ok_and(|cut| content.as_bytes().starts_with(&cut)), "{codec} cut at {end}");
        }
    }
}

#[test]
fn damaged_streams_are_refused() {
    let damaged = [
        (Codec::Gzip, "", "too early"),
        (Codec::Gzip, "1f8c 08 00 00000000 00 ff  01 0500 faff 68656c6c6f  86a61036 05000000", "does not begin"),
        (Codec::Gzip, "1f8b 07 00 00000000 00 ff  01 0500 faff 68656c6c6f  86a61036 05000000", "method"),
        (Codec::Gzip, "1f8b 08 20 00000000 00 ff  01 0500 faff 68656c6c6f  86a61036 05000000", "method"),
        (Codec::Gzip, "1f8b 08 00 00000000 00 ff  01 0500 faff 68656c6c6f  86a61037 05000000", "checksum"),
        (Codec::Gzip, "1f8b 08 00 00000000 00 ff  01 0500 faff 68656c6c6f  86a61036 06000000", "length"),
        (Codec::Gzip, "1f8b 08 00 00000000 00 ff  01 0500 fafe 68656c6c6f  86a61036 05000000", "deflate"),
        (Codec::Gzip, "1f8b 08 00 00000000 00 ff  01 0500 faff 68656c6c6f  86a61036 05000000 00", "too early"),
        (Codec::Gzip, "1f8b 08 08 00000000 00 ff  68656c6c6f", "too early"),
        (Codec::Snappy, "", "empty"),
        (Codec::Snappy, "ffffffffff", "length"),
        // 4 GiB in two bytes.
        (Codec::Snappy, "ffffffff0f 00", "claims more"),
        (Codec::Snappy, "05 10 68656c6c", "decode"),
        // A copy from before the beginning.
        (Codec::Snappy, "04 01 01", "decode"),
        (Codec::Snappy, "82534e4150505900 00000002 00000002  00000007 05 10 68656c6c6f", "newer"),
        (Codec::Snappy, "82534e4150505900 00000001 00000001  00000000", "empty"),
        (Codec::Snappy, "82534e4150505900 00000001 00000001  ffffffff 05 10 68656c6c6f", "too early"),
        (Codec::Lz4, "", "too early"),
        (Codec::Lz4, "02214c18 60 40 82  05000080 68656c6c6f  00000000", "does not begin"),
        (Codec::Lz4, "04224d18 60 40 83  05000080 68656c6c6f  00000000", "header's checksum"),
        (Codec::Lz4, "04224d18 a0 40 82  05000080 68656c6c6f  00000000", "version"),
        (Codec::Lz4, "04224d18 60 30 82  05000080 68656c6c6f  00000000", "block size"),
        (Codec::Lz4, "04224d18 61 40 82 00000000 05000080 68656c6c6f  00000000", "dictionary"),
        (Codec::Lz4, "04224d18 60 40 82  05000080 68656c6c6f  00000000 00", "bytes follow"),
        (Codec::Lz4, "04224d18 60 40 82  05000080 68656c6c6f", "too early"),
        (Codec::Lz4, "04224d18 60 40 82  01000180 68656c6c6f  00000000", "larger"),
        // An independent block may not reach into the one before it; a dependent one not before the first.
        (Codec::Lz4, "04224d18 60 40 82  05000080 68656c6c6f  05000000 01 0500 10 21  00000000", "decode"),
        (Codec::Lz4, "04224d18 40 40 c0  05000080 68656c6c6f  05000000 01 0600 10 21  00000000", "decode"),
        (Codec::Lz4, "04224d18 40 40 c0  05000080 68656c6c6f  05000000 01 0000 10 21  00000000", "decode"),
        (Codec::Zstd, "", "too early"),
        (Codec::Zstd, "28b52ffe 20 05 290000 68656c6c6f", "malformed"),
        (Codec::Zstd, "28b52ffd 20 06 290000 68656c6c6f", "decode"),
        // The reserved type of block, and bytes that are no frame behind one.
        (Codec::Zstd, "28b52ffd 20 05 2f0000 68656c6c6f", "malformed"),
        (Codec::Zstd, "28b52ffd 20 05 290000 68656c6c6f 00", "malformed"),
    ];
    for (codec, stream, reason) in damaged {
        match decompress(codec, &hex(stream), 1 << 20) {
            Err(error @ DecompressError::Damaged { .. }) => {
                assert!(error.to_string().contains(reason), "{codec} {stream}: {error}");
            }
            other => panic!("{codec} {stream}: {other:?}"),
        }
    }
}

#[test]
fn what_is_compressed_is_read_back_at_every_size_and_level() {
    let (mut compressor, mut decompressor) = (Compressor::new(), Decompressor::new());
    for codec in COMPRESSED {
        let levels = match codec.levels() {
            Some(levels) => vec![None, Some(*levels.start()), Some(1), Some(5), Some(*levels.end()), Some(i32::MAX)],
            None => vec![None],
        };
        for level in levels {
            for length in [0, 1, 2, 100, 65_534, 65_535, 65_536, 65_537, 300_000] {
                for content in [text(length), vec![0; length]] {
                    let mut stream = b"before".to_vec();
                    compressor.compress(codec, level, &content, &mut stream);
                    let stream = stream.strip_prefix(b"before").expect("what was there stays");
                    let read = decompressor.decompress(codec, stream, length).unwrap();
                    assert!(read == content, "{codec} {level:?} {length}");
                    if let Some(budget) = length.checked_sub(1) {
                        let refused = decompressor.decompress(codec, stream, budget);
                        assert_eq!(refused, Err(DecompressError::OverBudget { codec, budget }));
                    }
                }
            }
        }
    }
}

#[test]
fn noise_grows_by_little_and_survives() {
    let mut random = SeededRandom::new(3);
    let noise: Vec<u8> = (0..200_000).map(|_| random.next_u64().to_le_bytes()[0]).collect();
    for codec in COMPRESSED {
        let stream = compress(codec, None, &noise);
        assert!(stream.len() < noise.len() + noise.len() / 500 + 64, "{codec}: {}", stream.len());
        assert_eq!(decompress(codec, &stream, noise.len()).as_deref(), Ok(&noise[..]));
    }
}

#[test]
fn lz4_frames_of_another_encoder_are_read_with_every_option() {
    let content = text(700_000);
    for mode in [BlockMode::Independent, BlockMode::Linked] {
        for size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB] {
            for (checks, content_size) in [(false, None), (true, Some(content.len() as u64))] {
                let info = FrameInfo::new()
                    .block_mode(mode)
                    .block_size(size)
                    .block_checksums(checks)
                    .content_checksum(checks)
                    .content_size(content_size);
                let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
                encoder.write_all(&content).unwrap();
                let stream = encoder.finish().unwrap();
                let read = decompress(Codec::Lz4, &stream, content.len()).unwrap();
                assert!(read == content, "{mode:?} {size:?} {checks}");
                let budget = content.len() - 1;
                let refused = decompress(Codec::Lz4, &stream, budget);
                assert_eq!(refused, Err(DecompressError::OverBudget { codec: Codec::Lz4, budget }));
                if checks {
                    for at in (20..stream.len()).step_by(997) {
                        let mut flipped = stream.clone();
                        flipped[at] ^= 0x10;
                        assert!(decompress(Codec::Lz4, &flipped, content.len()).is_err(), "flip at {at}");
                    }
                }
            }
        }
    }
}

/// What a Java producer of level 22 sends: the frame asks a streaming reader for a window of 128 MiB.
#[test]
fn a_zstd_frame_with_a_window_of_128_mib_is_read_within_a_small_budget() {
    let content = text(100_000);
    let mut encoder = ::zstd::stream::Encoder::new(Vec::new(), 22).unwrap();
    for part in content.chunks(16 * 1024) {
        encoder.write_all(part).unwrap();
    }
    let stream = encoder.finish().unwrap();
    let window_descriptor = stream[5];
    assert_eq!(window_descriptor >> 3, 27 - 10, "the window's logarithm, less 10");
    let mut decompressor = Decompressor::new();
    assert!(decompressor.decompress(Codec::Zstd, &stream, content.len()).unwrap() == content);
    assert!(decompressor.retained_bytes() <= content.len());
}

#[test]
fn a_refused_stream_leaves_the_contexts_usable() {
    let content = text(50_000);
    let mut decompressor = Decompressor::new();
    for codec in COMPRESSED {
        let stream = compress(codec, None, &content);
        for end in [1, 8, 30, stream.len() / 2, stream.len() - 1] {
            assert!(decompressor.decompress(codec, &stream[..end], content.len()).is_err(), "{codec} cut at {end}");
            assert!(decompressor.decompress(codec, &stream, content.len()).unwrap() == content, "{codec} after {end}");
        }
    }
}

#[test]
fn an_unusually_large_scratch_can_be_given_back() {
    let stream = compress(Codec::Zstd, None, &vec![0; 1 << 20]);
    let mut decompressor = Decompressor::new();
    decompressor.decompress(Codec::Zstd, &stream, 1 << 20).unwrap();
    decompressor.trim(1 << 20);
    assert_eq!(decompressor.retained_bytes(), 1 << 20);
    decompressor.trim(1 << 10);
    assert_eq!(decompressor.retained_bytes(), 0);
}

#[test]
fn bytes_that_are_not_compressed_are_given_back_as_they_are() {
    assert_eq!(decompress(Codec::None, b"hello", 5).as_deref(), Ok(&b"hello"[..]));
    let codec = Codec::None;
    assert_eq!(decompress(codec, b"hello", 4), Err(DecompressError::OverBudget { codec, budget: 4 }));
    assert_eq!(compress(codec, None, b"hello"), b"hello");
}

#[test]
fn codecs_have_kafkas_numbers_and_names() {
    let named: Vec<_> = Codec::ALL.iter().map(|codec| (codec.bits(), codec.name())).collect();
    assert_eq!(named, [(0, "none"), (1, "gzip"), (2, "snappy"), (3, "lz4"), (4, "zstd")]);
    for codec in Codec::ALL {
        assert_eq!(Codec::from_bits(codec.bits()), Some(codec));
        assert_eq!(Codec::from_name(codec.name()), Some(codec));
    }
    assert!((5..=255).all(|bits| Codec::from_bits(bits).is_none()));
    assert_eq!(Codec::from_name("brotli"), None);
}

proptest! {
    #[test]
    fn random_bytes_never_panic_and_never_exceed_the_budget(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        budget in 0_usize..2_000,
        magic in any::<bool>(),
    ) {
        let mut decompressor = Decompressor::new();
        for (codec, prefix) in [
            (Codec::Gzip, "1f8b 08 00 00000000 00 ff"),
            (Codec::Snappy, "82534e4150505900 00000001 00000001"),
            (Codec::Lz4, "04224d18 60 40 82"),
            (Codec::Lz4, "04224d18 40 40 c0"),
            (Codec::Zstd, "28b52ffd"),
        ] {
            let mut stream = if magic { hex(prefix) } else { Vec::new() };
            stream.extend_from_slice(&bytes);
            if let Ok(content) = decompressor.decompress(codec, &stream, budget) {
                prop_assert!(content.len() <= budget);
            }
            prop_assert!(decompressor.retained_bytes() <= 4_096.max(budget));
        }
    }

    #[test]
    fn flipped_bits_never_panic(length in 0_usize..20_000, at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let content = text(length);
        for codec in COMPRESSED {
            let mut stream = compress(codec, None, &content);
            let at = at.index(stream.len());
            stream[at] ^= 1_u8 << bit;
            if let Ok(content) = decompress(codec, &stream, 2 * length) {
                prop_assert!(content.len() <= 2 * length);
            }
        }
    }
}
