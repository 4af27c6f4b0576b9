//! Detection of a text's encoding.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

/// Why bytes are not text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes contain NUL, so the file is binary.
    #[error("binary file, expected text (NUL byte at offset {offset}); supported formats: {known}", known = super::FORMATS)]
    Binary {
        /// The position of the NUL byte.
        offset: usize,
    },
    /// No encoding fits.
    #[error(
        "unknown text encoding: invalid UTF-8 at offset {offset}, and no other encoding (such as Big5 or GB18030) detected; save the file as UTF-8"
    )]
    Unknown {
        /// The position of the first invalid byte.
        offset: usize,
    },
}

/// Decodes text as UTF-8 (with or without byte-order mark), UTF-16 with its mark, or in a detected encoding: Big5,
/// GB18030, Shift_JIS, EUC-JP, EUC-KR, or a single-byte one. Line ends become `\n`.
pub fn decode(bytes: &[u8]) -> Result<String, DecodeError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, malformed) = encoding.decode_without_bom_handling(&bytes[mark..]);
        return match malformed {
            true => Err(DecodeError::Unknown { offset: mark }),
            false => match text.find('\0') {
                Some(offset) => Err(DecodeError::Binary { offset }),
                None => Ok(unify_line_ends(&text)),
            },
        };
    }
    if let Some(offset) = bytes.iter().position(|b| *b == 0) {
        return Err(DecodeError::Binary { offset });
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(unify_line_ends(text)),
        Err(error) => decode_legacy(bytes, error.valid_up_to()),
    }
}

fn decode_legacy(bytes: &[u8], offset: usize) -> Result<String, DecodeError> {
    const EAST_ASIAN: [&Encoding; 5] = [
        encoding_rs::BIG5,
        encoding_rs::GBK,
        encoding_rs::SHIFT_JIS,
        encoding_rs::EUC_JP,
        encoding_rs::EUC_KR,
    ];
    // UTF-8 with a few broken bytes is damaged UTF-8; any other encoding would garble all of it.
    let (mut n_letters, mut n_broken) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        n_letters += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        n_broken += usize::from(!chunk.invalid().is_empty());
    }
    if n_letters > n_broken {
        return Err(DecodeError::Unknown { offset });
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    // GB18030 extends GBK, which the detector returns.
    let encoding = if guess == encoding_rs::GBK {
        encoding_rs::GB18030
    } else {
        guess
    };
    let (text, malformed) = encoding.decode_without_bom_handling(bytes);
    // Single-byte encodings accept any byte, but text has hardly any control characters.
    let n_controls = text
        .chars()
        .filter(|c| c.is_control() && !c.is_whitespace())
        .count();
    let is_text = EAST_ASIAN.contains(&guess) || n_controls * 100 < text.len();
    match malformed || !is_text {
        true => Err(DecodeError::Unknown { offset }),
        false => Ok(unify_line_ends(&text)),
    }
}

fn unify_line_ends(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "商品到貨後七天內，可以申請退貨；退款會在十四個工作天內退回原付款方式。";

    #[test]
    fn decode_accepts_utf8_utf16_big5_and_gb18030() {
        assert_eq!(decode(TEXT.as_bytes()).unwrap(), TEXT);
        assert_eq!(decode(format!("\u{FEFF}{TEXT}").as_bytes()).unwrap(), TEXT);
        assert_eq!(decode(b"a\r\nb\rc").unwrap(), "a\nb\nc");
        let utf16: Vec<u8> = [0xFF, 0xFE]
            .into_iter()
            .chain(TEXT.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(decode(&utf16).unwrap(), TEXT);
        assert_eq!(decode(&encoding_rs::BIG5.encode(TEXT).0).unwrap(), TEXT);
        let simplified = "商品到货后七天内，可以申请退货；退款会在十四个工作日内退回原付款方式。";
        assert_eq!(
            decode(&encoding_rs::GB18030.encode(simplified).0).unwrap(),
            simplified
        );
    }

    #[test]
    fn decode_rejects_binary_and_unknown_encoding() {
        assert_eq!(decode(b"PNG\0\x01"), Err(DecodeError::Binary { offset: 3 }));
        assert_eq!(
            decode(b"ok \xFF\xFE\x01\x02\x03"),
            Err(DecodeError::Unknown { offset: 3 })
        );
    }
}
