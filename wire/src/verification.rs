//! How far a FlatBuffer from outside is looked at before it is believed.

use base::TopicId;
use flatbuffers::{Follow, InvalidFlatbuffer, Verifiable, VerifierOptions};

/// Tables nest no deeper than this in any of our schemas, with room for later ones.
const DEPTH_MAX: usize = 16;

/// Verifies a whole buffer and gives its root.
///
/// Offsets may point anywhere, so a small buffer can describe a huge tree by sharing its parts, and the library's default
/// limits let a few kilobytes keep a core busy for tens of milliseconds. Here the work is bounded by the buffer's length:
/// a table takes at least 8 bytes unless it is shared, and no honest buffer looks more than four times as large as it is.
pub(crate) fn root<'a, T>(buffer: &'a [u8]) -> Result<T::Inner, InvalidFlatbuffer>
where
    T: Follow<'a> + Verifiable + 'a,
{
    flatbuffers::root_with_opts::<T>(&options(buffer.len()), buffer)
}

pub(crate) fn options(buffer_bytes: usize) -> VerifierOptions {
    VerifierOptions {
        max_depth: DEPTH_MAX,
        max_tables: (buffer_bytes / 8).max(1),
        max_apparent_size: buffer_bytes.saturating_mul(4).saturating_add(4_096),
        ignore_missing_null_terminator: false,
    }
}

/// The halves of a topic's id, as schemas have it. Both zero is none.
pub(crate) fn topic_id(high: u64, low: u64) -> Option<TopicId> {
    TopicId::from_u128(u128::from(high) << 64 | u128::from(low))
}

pub(crate) fn halves(id: TopicId) -> (u64, u64) {
    let bits = id.as_u128();
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).expect("masked to 64 bits");
    (half(bits >> 64), half(bits))
}
