//! URLs of stores. Pure.

/// Whether a URL names a PostgreSQL database rather than an SQLite file.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// The URL for messages: a PostgreSQL URL without its password and query.
pub fn without_password(url: &str) -> String {
    if !is_postgres(url) {
        return url.to_owned();
    }
    match reqwest::Url::parse(url) {
        Ok(mut parsed) => {
            // The query may contain a password, too.
            parsed.set_query(None);
            if parsed.password().is_some() {
                let _ = parsed.set_password(Some("***"));
            }
            parsed.into()
        }
        Err(_) => "postgres://…".to_owned(),
    }
}
