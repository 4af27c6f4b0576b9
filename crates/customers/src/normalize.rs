//! The values of identities in the form in which they are compared.

use ken_base::desk::IdentityKind;

/// Longest value, in bytes.
pub const MAX_VALUE: usize = 256;

/// Returns a value in the form in which it is stored and compared: an e-mail address in lower case, a telephone number in
/// E.164 (`+` and 6 to 15 digits), any other id as it is.
///
/// # Errors
/// A message with the expected form and what was found.
pub fn normalized(kind: IdentityKind, value: &str) -> Result<String, String> {
    let value = value.trim();
    let wrong = |expected: &str| {
        let found: String = value.chars().take(80).collect();
        Err(format!("expected {expected}, found {found:?}"))
    };
    if value.is_empty() || value.len() > MAX_VALUE || value.chars().any(char::is_control) {
        return wrong("1 to 256 bytes without control characters");
    }
    match kind {
        IdentityKind::Email => {
            let address = value.to_lowercase();
            let is_address = address.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty() && host.contains('.') && !host.contains('@')
            });
            match is_address && !address.contains(char::is_whitespace) {
                true => Ok(address),
                false => wrong("an e-mail address"),
            }
        }
        IdentityKind::Phone => {
            let is_filler = |c: &char| matches!(c, ' ' | '-' | '.' | '(' | ')' | '/');
            let number: String = value.chars().filter(|c| !is_filler(c)).collect();
            let digits = number.strip_prefix('+').unwrap_or_default();
            let is_number = (6..=15).contains(&digits.len())
                && digits.bytes().all(|b| b.is_ascii_digit())
                && !digits.starts_with('0');
            match is_number {
                true => Ok(number),
                false => wrong("a number with its country code, such as +886912345678"),
            }
        }
        IdentityKind::ChannelUser | IdentityKind::ExternalId | IdentityKind::Anonymous => {
            Ok(value.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_normalized_or_refused() {
        for (kind, value, expected) in [
            (
                IdentityKind::Email,
                " Mei.Lin@Example.COM ",
                Some("mei.lin@example.com"),
            ),
            (IdentityKind::Email, "mei lin@example.com", None),
            (IdentityKind::Email, "mei@localhost", None),
            (IdentityKind::Email, "a@b@c.d", None),
            (
                IdentityKind::Phone,
                "+886 912-345-678",
                Some("+886912345678"),
            ),
            (IdentityKind::Phone, "0912345678", None),
            (IdentityKind::Phone, "+0912345678", None),
            (IdentityKind::Phone, "+8869123456789012", None),
            (IdentityKind::ChannelUser, "U4af49806", Some("U4af49806")),
            (IdentityKind::ExternalId, "a\u{0}b", None),
            (IdentityKind::ExternalId, "  ", None),
        ] {
            assert_eq!(normalized(kind, value).ok().as_deref(), expected, "{value}");
        }
    }
}
