//! Values of header fields. Pure.

/// A text in one line, control characters as spaces.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

/// An address with its domain in lower case. Spaces, which old programs put around `@` and dots (RFC 5322, section 4.4), are
/// removed outside quotes.
pub(crate) fn normal_address(address: &str) -> String {
    let spaceless = match address.contains('"') {
        true => address.trim().to_owned(),
        false => address.split_whitespace().collect(),
    };
    match spaceless.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.trim().to_lowercase()),
        None => spaceless,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_loses_spaces_and_capital_letters_of_its_domain() {
        for (address, normal) in [
            (" Mei@Mail.EXAMPLE ", "Mei@mail.example"),
            ("mei @ mail . example", "mei@mail.example"),
            ("\"mei lin\"@Mail.example", "\"mei lin\"@mail.example"),
            ("nobody", "nobody"),
        ] {
            assert_eq!(normal_address(address), normal);
        }
        assert_eq!(one_line("a\r\n\tb\0 c"), "a b c");
    }
}
