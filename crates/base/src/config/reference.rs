//! What each setting means, read from the documentation of the configuration's source. The settings page of the
//! documentation and `GET /v1/config` both show it.

/// A section of the configuration with its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionDocs {
    /// Name in the file, as `http`; empty for settings outside of any section, `None` for the entries of a list.
    pub name: Option<String>,
    /// What the section is about.
    pub title: String,
    /// The settings, in the order of the source. Values that are not settings are among them.
    pub fields: Vec<FieldDocs>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDocs {
    /// Name in its section.
    pub name: String,
    /// Meaning, unit, default and variables.
    pub text: String,
    /// Whether its value is a secret.
    pub is_secret: bool,
}

/// Returns the sections in the order of the source.
pub fn sections() -> Vec<SectionDocs> {
    let source = include_str!("../config.rs");
    let (mut sections, mut docs) = (Vec::<SectionDocs>::new(), Vec::new());
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    for line in code.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            docs.push(text.trim());
            continue;
        }
        if line.starts_with("#[") {
            continue;
        }
        let text = docs.join(" ");
        docs.clear();
        if let Some(of) = line.strip_prefix("pub struct ") {
            sections.push(SectionDocs {
                name: section_name(of, &text),
                title: text,
                fields: Vec::new(),
            });
        } else if let Some((name, kind)) = line
            .strip_prefix("pub ")
            .and_then(|field| field.split_once(": "))
            && !name.contains(['(', ' '])
            && let Some(section) = sections.last_mut()
        {
            section.fields.push(FieldDocs {
                name: name.to_owned(),
                text,
                is_secret: kind.contains("Secret"),
            });
        }
    }
    sections
}

/// The name of a section, from the type's documentation, which begins with it in brackets.
fn section_name(of: &str, text: &str) -> Option<String> {
    if of.starts_with("Config ") {
        return Some(String::new());
    }
    let (name, _) = text.strip_prefix("`[")?.split_once(']')?;
    (!name.starts_with('[')).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_name_their_settings_and_secrets() {
        let sections = sections();
        let of = |name: &str| {
            let named = |section: &&SectionDocs| section.name.as_deref() == Some(name);
            sections.iter().find(named).unwrap()
        };
        let http: Vec<&str> = of("http").fields.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(http[..2], ["listen", "max_body_bytes"]);
        assert!(http.contains(&"tls_key"));
        assert!(of("").fields.iter().any(|field| field.name == "vectors"));
        let secrets = sections
            .iter()
            .flat_map(|section| section.fields.iter().map(move |field| (section, field)));
        let secrets: Vec<_> = secrets
            .filter(|(_, field)| field.is_secret)
            .map(|(section, field)| (section.name.as_deref().unwrap(), field.name.as_str()))
            .collect();
        let expected = [("auth", "client_secret"), ("qdrant", "key"), ("llm", "key")];
        assert_eq!(secrets, expected);
        let parts = |section: &SectionDocs| section.title.starts_with("`[[encoder.parts]]`");
        assert_eq!(sections.iter().find(|s| parts(s)).unwrap().name, None);
    }
}
