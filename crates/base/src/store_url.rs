//! URLs of stores and of other servers. Pure.

/// Whether a URL names a PostgreSQL database rather than an SQLite file.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Any URL for display: without its password, and for servers other than databases also without user name and query,
/// which may be tokens.
pub fn without_credentials(url: &str) -> String {
    if is_postgres(url) || !url.contains("://") || url.starts_with("sqlite:") {
        return without_password(url);
    }
    match reqwest::Url::parse(url.trim()) {
        Ok(mut parsed) => {
            let has_user = !parsed.username().is_empty() || parsed.password().is_some();
            if !has_user && parsed.query().is_none() {
                return url.to_owned();
            }
            parsed.set_query(None);
            let _ = parsed.set_username("");
            let _ = parsed.set_password(None);
            parsed.into()
        }
        Err(_) => "…".to_owned(),
    }
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
