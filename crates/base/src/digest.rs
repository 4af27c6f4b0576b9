//! SHA-256. Pure.

use std::io::Read;

use sha2::{Digest, Sha256};

/// SHA-256 of `parts` in lower-case hexadecimal. The length of each of several parts is hashed before it, so that the
/// boundaries between parts matter.
pub fn sha256_hex<const N: usize>(parts: [&[u8]; N]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        if N > 1 {
            hash.update((part.len() as u64).to_le_bytes());
        }
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-256 of all bytes of `reader`, equal to [`sha256_hex`] of one part.
///
/// # Errors
/// The reader fails.
pub fn sha256_hex_of(mut reader: impl Read) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// `bytes` in lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_of_parts_depends_on_part_boundaries() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex([b"abc"]), abc);
        assert_eq!(sha256_hex_of(&b"abc"[..]).unwrap(), abc);
        assert_ne!(sha256_hex([b"ab", b"c"]), sha256_hex([b"a", b"bc"]));
    }
}
