//! `Authentication-Results`: the receiving server's own checks of a mail (RFC 8601). Pure.
//!
//! Anybody can write this field into a mail. It is believed only for the name of a server that an operator has configured,
//! and only at the top: a server puts its own field above those that came with the mail, and removes those that bear its name.

use crate::message::Mail;

/// One result: `dkim=pass header.d=mail.example`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The method in lower case: `dkim`, `spf`, `dmarc`.
    pub method: String,
    /// The result in lower case: `pass`, `fail`, `none` …
    pub result: String,
    /// Properties such as `header.d` with their values, in lower case.
    pub properties: Vec<(String, String)>,
}

impl Checked {
    /// The value of a property.
    pub fn property(&self, name: &str) -> Option<&str> {
        let found = self.properties.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The results that the server `id` noted: those of the topmost field of that name, and of its fields directly below.
/// `None` if the topmost `Authentication-Results` is of another server, or if there is none.
pub fn trusted(mail: &Mail, id: &str) -> Option<Vec<Checked>> {
    let mut fields = mail
        .headers
        .iter()
        .skip_while(|(name, _)| name != "authentication-results");
    let own = fields.by_ref().map_while(|(name, value)| {
        let parsed = (name == "authentication-results").then(|| parsed(value))?;
        parsed.filter(|(server, _)| server.eq_ignore_ascii_case(id))
    });
    let mut found = None;
    for (_, results) in own {
        found.get_or_insert_with(Vec::new).extend(results);
    }
    found
}

/// The domain that the server's checks vouch for as the sender's, `domain` itself: by DMARC, by a DKIM signature of exactly
/// that domain, or by SPF of exactly that domain.
pub fn vouches(results: &[Checked], domain: &str) -> bool {
    let of = |value: Option<&str>| {
        value.is_some_and(|value| {
            value.rsplit_once('@').map_or(value, |(_, domain)| domain) == domain
        })
    };
    let failed = |one: &Checked| {
        one.method == "dmarc" && !["pass", "none", "bestguesspass"].contains(&one.result.as_str())
    };
    let passed = |one: &Checked| match (one.method.as_str(), one.result.as_str()) {
        ("dmarc", "pass") => of(one.property("header.from")),
        ("dkim", "pass") => of(one
            .property("header.d")
            .or_else(|| one.property("header.i"))),
        ("spf", "pass") => of(one.property("smtp.mailfrom")),
        _ => false,
    };
    !results.iter().any(failed) && results.iter().any(passed)
}

/// A field's server and results; `None` if it cannot be read.
fn parsed(value: &str) -> Option<(String, Vec<Checked>)> {
    let tokens = tokens(value)?;
    let mut parts = tokens.split(|token| token == ";");
    // A version may follow the name.
    let server = parts.next()?.first()?.clone();
    let results = parts.filter_map(checked).collect();
    Some((server, results))
}

/// `method=result` and then `type.property=value` pairs, as tokens.
fn checked(tokens: &[String]) -> Option<Checked> {
    let triple = |at: usize| match tokens.get(at..at + 3) {
        Some([name, is, value]) if is == "=" => {
            Some((name.to_ascii_lowercase(), value.to_ascii_lowercase()))
        }
        _ => None,
    };
    let (method, result) = triple(0)?;
    // `dkim/1=pass` names a version of the method.
    let method = method.split('/').next().unwrap_or_default().to_owned();
    let mut properties = Vec::new();
    let mut at = 3;
    while at < tokens.len() {
        match triple(at) {
            Some(pair) => {
                properties.push(pair);
                at += 3;
            }
            None => at += 1,
        }
    }
    Some(Checked {
        method,
        result,
        properties,
    })
}

/// The words, quoted texts, `;` and `=` of a field, without comments. `None` if a quote or a comment does not end.
fn tokens(value: &str) -> Option<Vec<String>> {
    let mut tokens: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '(' => skip_comment(&mut letters)?,
            '"' => loop {
                match letters.next()? {
                    '"' => break,
                    '\\' => word.push(letters.next()?),
                    other => word.push(other),
                }
            },
            ';' | '=' => {
                tokens.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
                tokens.push(letter.to_string());
            }
            letter if letter.is_whitespace() => {
                tokens.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
            }
            letter => word.push(letter),
        }
    }
    tokens.extend(Some(word).filter(|word| !word.is_empty()));
    Some(tokens)
}

fn skip_comment(letters: &mut std::str::Chars<'_>) -> Option<()> {
    let mut depth = 1;
    while depth > 0 {
        match letters.next()? {
            '(' => depth += 1,
            ')' => depth -= 1,
            '\\' => drop(letters.next()?),
            _ => (),
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::parse;

    fn vouched(fields: &str) -> Option<bool> {
        let raw = format!("{fields}From: a@mail.example\r\n\r\nx");
        let mail = parse(raw.as_bytes()).unwrap();
        trusted(&mail, "mx.shop.example").map(|results| vouches(&results, "mail.example"))
    }

    #[test]
    fn fields_of_real_servers_are_read() {
        for field in [
            // Shapes of Gmail, Microsoft 365, OpenDKIM with OpenDMARC, rspamd.
            "Authentication-Results: mx.shop.example;\r\n       dkim=pass header.i=@mail.example header.s=20230601 header.b=abc;\r\n       spf=pass (mx: domain of a@mail.example designates 192.0.2.1 as permitted sender) smtp.mailfrom=a@mail.example;\r\n       dmarc=pass (p=NONE sp=QUARANTINE dis=NONE) header.from=mail.example\r\n",
            "Authentication-Results: MX.shop.example 1; dkim=pass (2048-bit key; unprotected) header.d=mail.example header.i=@mail.example header.a=rsa-sha256; dkim-atps=neutral\r\n",
            "Authentication-Results: mx.shop.example; dmarc=pass header.from=Mail.Example\r\n",
            "Authentication-Results: mx.shop.example; auth=pass smtp.auth=x\r\nAuthentication-Results: mx.shop.example;\r\n\tdkim=pass header.d=mail.example\r\n",
            "Received: by mx.shop.example\r\nAuthentication-Results: \"mx.shop.example\"; spf=pass smtp.mailfrom=\"a@mail.example\"\r\n",
        ] {
            assert_eq!(vouched(field), Some(true), "{field}");
        }
    }

    #[test]
    fn other_results_do_not_vouch() {
        for field in [
            "Authentication-Results: mx.shop.example; none\r\n",
            "Authentication-Results: mx.shop.example; dkim=fail header.d=mail.example\r\n",
            "Authentication-Results: mx.shop.example; dkim=pass header.d=other.example\r\n",
            "Authentication-Results: mx.shop.example; dkim=pass header.d=xmail.example\r\n",
            "Authentication-Results: mx.shop.example; dkim=pass (header.d=mail.example) header.d=other.example\r\n",
            "Authentication-Results: mx.shop.example; dkim=pass header.i=mail.example@other.example\r\n",
            "Authentication-Results: mx.shop.example; dkim=pass reason=\"x; dmarc=pass header.from=mail.example\" header.d=other.example\r\n",
            "Authentication-Results: mx.shop.example; dmarc=fail header.from=mail.example; dkim=pass header.d=mail.example\r\n",
            "Authentication-Results: mx.shop.example; iprev=pass policy.iprev=192.0.2.1\r\n",
        ] {
            assert_eq!(vouched(field), Some(false), "{field}");
        }
    }

    #[test]
    fn fields_of_others_are_not_trusted() {
        let good = "Authentication-Results: mx.shop.example; dkim=pass header.d=mail.example\r\n";
        for fields in [
            String::new(),
            "Authentication-Results: mx.attacker.example; dkim=pass header.d=mail.example\r\n".to_owned(),
            // Below the field of another server: it came with the mail.
            format!("Authentication-Results: mx.other.example; none\r\n{good}"),
            "Authentication-Results: mx.shop.example.attacker.example; dkim=pass header.d=mail.example\r\n".to_owned(),
            "Authentication-Results: (mx.shop.example) x.example; dkim=pass header.d=mail.example\r\n".to_owned(),
            "Authentication-Results: mx.shop.example; dkim=pass header.d=\"mail.example\r\n".to_owned(),
            "Authentication-Results: (mx.shop.example; dkim=pass\r\n".to_owned(),
        ] {
            assert_eq!(vouched(&fields), None, "{fields}");
        }
        // The server's own says nothing; one that came with the mail, below another field, is not read.
        let own = "Authentication-Results: mx.shop.example; none\r\n";
        assert_eq!(
            vouched(&format!("{own}Received: by x\r\n{good}")),
            Some(false)
        );
    }
}
