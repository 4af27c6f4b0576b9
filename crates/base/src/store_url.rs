//! Where a store is, as a URL. Pure.

/// Whether a URL is of a PostgreSQL server rather than of an SQLite file.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// A URL without the password in it, for messages.
pub fn without_password(url: &str) -> String {
    if !is_postgres(url) {
        return url.to_owned();
    }
    match reqwest::Url::parse(url) {
        Ok(mut parsed) => {
            // It may stand in the query, too.
            parsed.set_query(None);
            if parsed.password().is_some() {
                let _ = parsed.set_password(Some("***"));
            }
            parsed.into()
        }
        Err(_) => "postgres://…".to_owned(),
    }
}
