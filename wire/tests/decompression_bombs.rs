//! Small streams that hold gigabytes are refused, and the memory that this takes is measured.

use std::io::Write;

use wire::{Codec, DecompressError, Decompressor};

#[path = "support/counting_allocator.rs"]
mod counting_allocator;

#[global_allocator]
static ALLOCATOR: counting_allocator::CountingAllocator = counting_allocator::CountingAllocator;

/// The process's peak resident bytes, which unlike the counter see what C code allocates.
fn resident_bytes_max() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux has it");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<usize>().ok()).expect("a number of KiB") * 1_024
}

const MIB: usize = 1 << 20;
const CONTENT_BYTES: usize = 256 * MIB;
const BUDGET: usize = 4 * MIB;
/// zlib's window and tables, zstd's context, a block of lz4 or snappy.
const CONSTANT_BYTES: usize = 512 * 1024;

fn write_zeros(mut out: impl Write) {
    let zeros = vec![0; MIB];
    for _ in 0..CONTENT_BYTES / MIB {
        out.write_all(&zeros).unwrap();
    }
    out.flush().unwrap();
}

fn gzip_bomb() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    write_zeros(&mut encoder);
    encoder.finish().unwrap()
}

fn zstd_bomb() -> Vec<u8> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 19).unwrap();
    write_zeros(&mut encoder);
    encoder.finish().unwrap()
}

fn lz4_bomb() -> Vec<u8> {
    let info = lz4_flex::frame::FrameInfo::new().block_size(lz4_flex::frame::BlockSize::Max4MB);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    write_zeros(&mut encoder);
    encoder.finish().unwrap()
}

/// Each block is as large as a raw one may be in xerial's framing.
fn snappy_bomb() -> Vec<u8> {
    let block = snap::raw::Encoder::new().compress_vec(&vec![0; MIB]).unwrap();
    let mut stream = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    for _ in 0..CONTENT_BYTES / MIB {
        stream.extend_from_slice(&u32::try_from(block.len()).unwrap().to_be_bytes());
        stream.extend_from_slice(&block);
    }
    stream
}

/// One frame whose header claims 60 MiB of content that does not follow.
fn zstd_claim() -> Vec<u8> {
    let mut stream = vec![0x28, 0xb5, 0x2f, 0xfd, 0b1010_0000];
    stream.extend_from_slice(&(60_u32 << 20).to_le_bytes());
    stream.extend_from_slice(&[0x29, 0, 0, b'h', b'e', b'l', b'l', b'o']);
    stream
}

// One test, so that nothing else makes the process grow meanwhile.
#[test]
fn bombs_are_refused_within_the_budget_and_a_constant() {
    let bombs = [
        (Codec::Gzip, gzip_bomb(), 1_000),
        (Codec::Zstd, zstd_bomb(), 10_000),
        (Codec::Lz4, lz4_bomb(), 250),
        (Codec::Snappy, snappy_bomb(), 20),
    ];
    for (codec, bomb, ratio) in bombs {
        assert!(bomb.len() * ratio <= CONTENT_BYTES, "{codec}: {} bytes are no bomb", bomb.len());
        let resident = resident_bytes_max();
        let (refused, _, allocated) =
            counting_allocator::measure(|| Decompressor::new().decompress(codec, &bomb, BUDGET).map(<[u8]>::len));
        assert_eq!(refused, Err(DecompressError::OverBudget { codec, budget: BUDGET }));
        // A buffer that grows exists twice for a moment: the old half and the new whole.
        let allowed = BUDGET + BUDGET / 2 + CONSTANT_BYTES;
        assert!(allocated <= allowed, "{codec}: {allocated} bytes were allocated, {allowed} allowed");
        let grown = resident_bytes_max() - resident;
        assert!(grown <= allowed + MIB, "{codec}: the process grew by {grown} bytes");
    }

    let (refused, _, allocated) =
        counting_allocator::measure(|| Decompressor::new().decompress(Codec::Zstd, &zstd_claim(), 64 * MIB).is_err());
    assert!(refused && allocated <= MIB, "a claim alone made {allocated} bytes be allocated");
}
