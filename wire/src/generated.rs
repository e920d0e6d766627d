//! What the FlatBuffers compiler made of `schemas/*.fbs`. Renew it with `schemas/flatbuffers.sh generate`.

#[rustfmt::skip]
#[allow(
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    dead_code,
    deprecated,
    mismatched_lifetime_syntaxes,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    unused_extern_crates,
    unused_imports,
    unused_qualifications,
    reason = "the compiler's output is taken as it comes"
)]
mod native_generated;

#[rustfmt::skip]
#[allow(
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    dead_code,
    deprecated,
    mismatched_lifetime_syntaxes,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    unused_extern_crates,
    unused_imports,
    unused_qualifications,
    reason = "the compiler's output is taken as it comes"
)]
mod internal_generated;

pub(crate) use internal_generated::corelane::internal;
pub(crate) use native_generated::corelane::native;
