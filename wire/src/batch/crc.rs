//! CRC-32C (Castagnoli), the checksum of batches, and arithmetic on checksums.

use crc_fast::{CrcAlgorithm, Digest};

/// The checksum of `bytes`.
#[inline]
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// The checksum of some bytes, whose checksum is `crc`, and `more` after them.
pub fn append(crc: u32, more: &[u8]) -> u32 {
    let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc32Iscsi, u64::from(!crc));
    digest.update(more);
    u32::try_from(digest.finalize()).expect("a CRC-32 has 32 bits")
}

/// The checksum of a whole after its first bytes were replaced by as many others, from the checksum of the whole
/// before; `rest_len` bytes follow the replaced ones.
///
/// Takes the logarithm of `rest_len`, not a pass over the bytes. And where the old checksum did not match the bytes,
/// the new one does not either: a change never makes damaged bytes look sound.
pub fn replace_front(whole: u32, front_before: &[u8], front_after: &[u8], rest_len: usize) -> u32 {
    debug_assert_eq!(front_before.len(), front_after.len(), "a replacement keeps the length");
    // Checksums are linear: the whole's is the front's, moved past the rest, plus the rest's.
    whole ^ shift(crc32c(front_before) ^ crc32c(front_after), rest_len)
}

/// Castagnoli's polynomial, lowest power in the highest bit, as the checksum itself.
const POLYNOMIAL: u32 = 0x82f6_3b78;
/// The polynomial 1 in the same order of bits.
const ONE: u32 = 1 << 31;

/// `POWERS[k]` is x^(8 * 2^k): what 2^k bytes multiply a checksum by.
const POWERS: [u32; usize::BITS as usize] = {
    let mut powers = [0; usize::BITS as usize];
    // x^8.
    let mut power = ONE >> 8;
    let mut k = 0;
    while k < powers.len() {
        powers[k] = power;
        power = multiply(power, power);
        k += 1;
    }
    powers
};

/// `crc` times x^(8 * bytes), modulo the polynomial.
fn shift(mut crc: u32, mut bytes: usize) -> u32 {
    while bytes != 0 {
        let k = bytes.trailing_zeros() as usize;
        crc = multiply(crc, POWERS[k]);
        bytes &= bytes - 1;
    }
    crc
}

/// The product of two polynomials modulo the checksum's.
const fn multiply(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    let mut bit = ONE;
    while bit != 0 {
        // All ones or all zeros instead of branches, which random bits would mispredict.
        product ^= b & 0_u32.wrapping_sub((a & bit != 0) as u32);
        b = (b >> 1) ^ (POLYNOMIAL & 0_u32.wrapping_sub(b & 1));
        bit >>= 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn checksums_are_those_of_rfc_3720() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
        assert_eq!(crc32c(b""), 0);
    }

    proptest! {
        #[test]
        fn a_checksum_grows_with_its_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600), at in any::<prop::sample::Index>()) {
            let (front, rest) = bytes.split_at(at.index(bytes.len() + 1));
            prop_assert_eq!(append(crc32c(front), rest), crc32c(&bytes));
        }

        #[test]
        fn a_replaced_front_changes_the_checksum_as_a_second_pass_would(
            before in any::<[u8; 40]>(),
            after in any::<[u8; 40]>(),
            rest in prop::collection::vec(any::<u8>(), 0..5_000),
            damage in any::<u32>(),
        ) {
            let whole = crc32c(&[&before[..], &rest].concat());
            let expected = crc32c(&[&after[..], &rest].concat());
            prop_assert_eq!(replace_front(whole, &before, &after, rest.len()), expected);
            // A checksum that is wrong stays wrong by the same bits.
            prop_assert_eq!(replace_front(whole ^ damage, &before, &after, rest.len()), expected ^ damage);
        }
    }
}
