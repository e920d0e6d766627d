//! zstd frames.
//!
//! Frames are decoded in one shot into the output buffer, which then is the window: a client's level 22 writes frames
//! that ask a streaming reader for a window of 128 MiB, however little is in them.

use std::ops::RangeInclusive;

use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode;
use zstd::zstd_safe::{self, CCtx, CParameter, DCtx, InBuffer, OutBuffer, ResetDirective};

use super::Fault;
use super::scratch::Scratch;

const LEVEL_DEFAULT: i32 = 3;
/// zstd's strongest: a block of 4 bytes, its header and one byte to repeat, holds up to 128 KiB.
pub(super) const RATIO_MAX: usize = 128 * 1024 / 4;

pub(super) fn levels() -> RangeInclusive<i32> {
    zstd_safe::min_c_level()..=zstd_safe::max_c_level()
}

pub(super) struct Encoder {
    context: CCtx<'static>,
    level: i32,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { context: CCtx::create(), level: 0 }
    }
}

impl Encoder {
    pub(super) fn compress(&mut self, level: Option<i32>, input: &[u8], out: &mut Vec<u8>) {
        let level = level.unwrap_or(LEVEL_DEFAULT).clamp(*levels().start(), *levels().end());
        self.context.reset(ResetDirective::SessionOnly).expect("a session can be reset at any time");
        if level != self.level {
            self.context.set_parameter(CParameter::CompressionLevel(level)).expect("the level is in range");
            self.level = level;
        }
        out.reserve(zstd_safe::compress_bound(input.len()));
        let written = out.len();
        let mut output = OutBuffer::around_pos(out, written);
        let mut input = InBuffer::around(input);
        let end = zstd_safe::zstd_sys::ZSTD_EndDirective::ZSTD_e_end;
        let left = self.context.compress_stream2(&mut output, &mut input, end).expect("there is memory for a context");
        assert_eq!(left, 0, "the worst case was reserved");
    }
}

pub(super) struct Decoder {
    context: DCtx<'static>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { context: DCtx::create() }
    }
}

impl Decoder {
    pub(super) fn decompress(&mut self, input: &[u8], scratch: &mut Scratch, budget: usize) -> Result<usize, Fault> {
        if input.is_empty() {
            return Err(Fault::Damaged("it ends too early"));
        }
        // Walks the blocks' headers; what a frame claims about its content counts only as far as blocks can hold it.
        let bound = zstd_safe::decompress_bound(input).map_err(|_| Fault::Damaged("its frames are malformed"))?;
        let blocks_bytes_max = input.len().saturating_mul(RATIO_MAX);
        let room_bytes = usize::try_from(bound).unwrap_or(usize::MAX).min(blocks_bytes_max).min(budget);
        let room = scratch.at_least(0, room_bytes);
        match self.context.decompress(&mut room[..room_bytes], input) {
            Ok(written) => Ok(written),
            Err(code) if is_out_of_room(code) && room_bytes == budget => Err(Fault::OverBudget),
            Err(_) => Err(Fault::Damaged("a frame does not decode")),
        }
    }
}

/// zstd's functions return the negated code of an error.
fn is_out_of_room(code: zstd_safe::ErrorCode) -> bool {
    0_usize.wrapping_sub(code) == ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall as usize
}
