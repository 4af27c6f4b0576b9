//! Validation of the settings: ranges, URLs, and settings that depend on each other.

use super::{Config, ConfigError, VectorBackend};
use crate::outbound;
use crate::store_url::{is_postgres, without_password};

impl Config {
    /// Checks every value against its range.
    ///
    /// # Errors
    /// All faults together.
    pub fn checked(self) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let mut require = |holds: bool, fault: String| {
            if !holds {
                faults.push(fault);
            }
        };
        for (name, url) in [
            ("store.url", &self.store.url),
            ("store.vault_url", &self.store.vault_url),
        ] {
            require(
                url.starts_with("sqlite:") || is_postgres(url),
                format!(
                    "{name}: expected sqlite://<path> or postgres://<user>@<host>/<database>, found {:?}",
                    without_password(url)
                ),
            );
        }
        let qdrant = &self.qdrant;
        for (name, found) in [
            ("replication", qdrant.replication),
            ("shards", qdrant.shards),
        ] {
            require(
                found >= 1,
                format!("qdrant.{name}: expected at least 1, found {found}"),
            );
        }
        if self.vectors == VectorBackend::Qdrant {
            let addresses: Vec<&str> = qdrant.url.split(',').map(str::trim).collect();
            for address in addresses {
                if let Err(detail) = outbound::check(address) {
                    require(false, format!("qdrant.url: {detail}"));
                }
            }
        }
        let least = self.answer.min_confidence.unwrap_or_default();
        require(
            (0.0..=1.0).contains(&least),
            format!("answer.min_confidence: expected 0 to 1, found {least}"),
        );
        let llm = &self.llm;
        let auth = &self.auth;
        for (name, address) in [
            ("llm.url", Some(&llm.url)),
            ("auth.issuer", Some(&auth.issuer)),
            ("log.otlp_url", Some(&self.log.otlp_url)),
            ("auth.jwks_url", auth.jwks_url.as_ref()),
        ] {
            let address = address.filter(|address| !address.is_empty());
            if let Some(Err(detail)) = address.map(|address| outbound::check(address)) {
                require(false, format!("{name}: {detail}"));
            }
        }
        require(
            auth.issuer.is_empty() || !auth.audience.is_empty(),
            "auth.audience: expected the `aud` claim of the provider's tokens, found none"
                .to_owned(),
        );
        require(
            self.http.tls_cert.is_some() == self.http.tls_key.is_some(),
            "http.tls_cert, http.tls_key: expected both or neither".to_owned(),
        );
        require(
            auth.client_id.is_empty() || !auth.issuer.is_empty(),
            "auth.issuer: expected the provider's issuer because auth.client_id is set".to_owned(),
        );
        let public_url = Some(&self.http.public_url).filter(|url| !url.is_empty());
        for (name, origin) in public_url
            .map(|url| ("public_url", url))
            .into_iter()
            .chain(self.http.cors_origins.iter().map(|of| ("cors_origins", of)))
        {
            let is_origin = outbound::check(origin).is_ok() && origin.matches('/').count() == 2;
            let fault = format!(
                "http.{name}: expected scheme and host, for example https://help.example.com, found {origin:?}"
            );
            require(is_origin, fault);
        }
        require(
            llm.url.is_empty() || !llm.model.is_empty(),
            "llm.model: expected a model name because llm.url is set".to_owned(),
        );
        let shares = [self.retrieve.keyword_share, self.retrieve.proximity_share];
        require(
            shares.iter().all(|share| (0.0..=1.0).contains(share)) && shares[0] + shares[1] < 1.0,
            format!(
                "retrieve.keyword_share, retrieve.proximity_share: expected 0 to 1 and together below 1, found {shares:?}"
            ),
        );
        for part in &self.encoder.parts {
            let fault = format!(
                "encoder.parts: expected a share above 0, found {}",
                part.share
            );
            require(part.share.is_finite() && part.share > 0.0, fault);
        }
        for (name, value, range) in [
            ("http.max_concurrent", self.http.max_concurrent, 1..=100_000),
            (
                "http.max_body_bytes",
                self.http.max_body_bytes,
                1_024..=1 << 30,
            ),
            ("encoder.threads", self.encoder.threads, 1..=1_024),
            (
                "reader.budget_ms",
                self.reader.budget_ms as usize,
                1..=60_000,
            ),
            (
                "http.max_wait_ms",
                self.http.max_wait_ms as usize,
                1..=3_600_000,
            ),
            (
                "encoder.max_wait_ms",
                self.encoder.max_wait_ms as usize,
                1..=3_600_000,
            ),
            ("llm.timeout_ms", llm.timeout_ms as usize, 1..=600_000),
            (
                "http.timeout_ms",
                self.http.timeout_ms as usize,
                1..=3_600_000,
            ),
        ] {
            require(
                range.contains(&value),
                format!(
                    "{name}: expected {} to {}, found {value}",
                    range.start(),
                    range.end()
                ),
            );
        }
        match faults.is_empty() {
            true => Ok(self),
            false => Err(ConfigError(faults)),
        }
    }
}
