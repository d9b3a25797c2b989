//! The recovery key: shown once, written down by a person, typed back years later.

use super::{Key, derive};
use crate::error::{Result, StoreError};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 160 random bits that open the database key.
///
/// Printed as nine groups of four characters of Crockford's base 32 (no I, L, O, U), the
/// last group being a checksum, so that a slip of the pen is told apart from a wrong key.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RecoveryKey([u8; 20]);

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const KEY_CHARS: usize = 32;
const CHECK_CHARS: usize = 4;

impl RecoveryKey {
    pub(crate) fn new(bytes: [u8; 20]) -> RecoveryKey {
        RecoveryKey(bytes)
    }

    /// Reads a key as a person typed it: any case, with or without dashes and blanks, O
    /// for 0, I or L for 1.
    ///
    /// # Errors
    /// `vault.not_a_recovery_key` when characters are missing, foreign or mistyped.
    pub fn parse(typed: &str) -> Result<RecoveryKey> {
        let mut values = Vec::with_capacity(KEY_CHARS + CHECK_CHARS);
        for c in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            };
            let value = ALPHABET.iter().position(|a| char::from(*a) == c).ok_or(StoreError::NotARecoveryKey)?;
            values.push(value as u8);
        }
        if values.len() != KEY_CHARS + CHECK_CHARS {
            return Err(StoreError::NotARecoveryKey);
        }
        // Eight characters of five bits are five bytes.
        let mut bytes = [0; 20];
        for (chunk, out) in values[..KEY_CHARS].chunks(8).zip(bytes.chunks_mut(5)) {
            let bits = chunk.iter().fold(0u64, |bits, v| bits << 5 | u64::from(*v));
            out.copy_from_slice(&bits.to_be_bytes()[3..]);
        }
        values.drain(..KEY_CHARS);
        let key = RecoveryKey(bytes);
        if values == key.checksum() { Ok(key) } else { Err(StoreError::NotARecoveryKey) }
    }

    pub(super) fn wrapping_key(&self) -> Key {
        let mut wide = [0; 32];
        wide[..20].copy_from_slice(&self.0);
        let key = Key::new(wide);
        wide.zeroize();
        derive(&key, "hilum vault: recovery")
    }

    /// The first 20 bits of SHA-256, as four characters.
    fn checksum(&self) -> [u8; CHECK_CHARS] {
        let hash = Sha256::digest(self.0);
        let bits = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) >> 12;
        [15, 10, 5, 0].map(|shift| (bits >> shift & 31) as u8)
    }
}

/// The printed form. Showing it is showing the secret.
impl fmt::Display for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let five_bits = |chunk: &[u8]| {
            let bits = chunk.iter().fold(0u64, |bits, b| bits << 8 | u64::from(*b));
            (0..8).map(move |i| (bits >> (35 - 5 * i) & 31) as u8)
        };
        let values = self.0.chunks(5).flat_map(five_bits).chain(self.checksum());
        for (i, value) in values.enumerate() {
            if i > 0 && i % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(ALPHABET[usize::from(value)]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_key_reads_back_however_it_is_typed() {
        let key = RecoveryKey::new(std::array::from_fn(|i| (i * 37 + 11) as u8));
        let printed = key.to_string();
        assert_eq!(printed.len(), 9 * 4 + 8);
        let check = |typed: &str| assert_eq!(RecoveryKey::parse(typed).ok(), Some(key.clone()), "{typed}");
        check(&printed);
        check(&printed.to_lowercase());
        check(&printed.replace('-', ""));
        check(&printed.replace('-', " "));
        check(&printed.replace('0', "o").replace('1', "l"));
    }

    #[test]
    fn slips_of_the_pen_are_noticed() {
        let printed = RecoveryKey::new([7; 20]).to_string();
        let check = |typed: &str| {
            let code = RecoveryKey::parse(typed).err().map(|e| e.code());
            assert_eq!(code, Some("vault.not_a_recovery_key"), "{typed}");
        };
        check("");
        check(&printed[1..]);
        check(&format!("{printed}0"));
        check(&printed.replacen(|c: char| c != '-', "U", 1));
        // Each single wrong character but the checksum's own luck of 1 in a million.
        for (i, c) in printed.char_indices().filter(|(_, c)| *c != '-') {
            let other = if c == '2' { '3' } else { '2' };
            let mut typed = printed.clone();
            typed.replace_range(i..=i, &other.to_string());
            check(&typed);
        }
    }
}
