//! Requests to other servers: only to addresses that an operator has configured, and never to link-local addresses,
//! where clouds serve credentials.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A client that follows no redirects, uses no proxy, and never connects to a [forbidden](is_forbidden) address that a
/// host name resolves to. `connect` limits the time to connect, `silence` the time between two reads.
///
/// # Errors
/// The client cannot be built; the message says why.
pub fn client(connect: Duration, silence: Duration) -> Result<reqwest::Client, String> {
    choose_cryptography();
    reqwest::Client::builder()
        // The operator configured this address only; a redirect could send the key elsewhere.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(connect)
        .read_timeout(silence)
        .dns_resolver(GuardedResolver)
        .build()
        .map_err(|error| error.to_string())
}

/// Installs ring as the cryptography provider of rustls in this process. A second call has no effect.
pub fn choose_cryptography() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Checks a URL that the service is to call: `http` or `https`, and no literal [forbidden](is_forbidden) address.
///
/// # Errors
/// A message that says what is wrong with it.
pub fn check(address: &str) -> Result<(), String> {
    let url = Url::parse(address).map_err(|error| error.to_string())?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err("expected a URL starting with http:// or https://".to_owned());
    }
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
    match literal.is_ok_and(is_forbidden) {
        true => Err(format!("{host} is a forbidden address")),
        false => Ok(()),
    }
}

/// Whether the service must not call an address: link-local addresses, where clouds serve credentials, and addresses of
/// no single host (unspecified, broadcast, multicast). Private networks are allowed, since chat servers run there.
pub fn is_forbidden(address: IpAddr) -> bool {
    // Amazon's metadata service over IPv6.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast()
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast() || v6 == METADATA
        }
    }
}

/// Resolves names as the system does and drops forbidden addresses.
struct GuardedResolver;

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|address| !is_forbidden(address.ip()))
                .collect();
            match allowed.is_empty() {
                true => Err(format!("{} has no permitted address", name.as_str()).into()),
                false => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cloud_metadata_address_is_rejected() {
        for address in [
            "http://169.254.169.254/latest/meta-data",
            "http://[fe80::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fd00:ec2::254]/",
            "http://0.0.0.0:80/",
            "http://2852039166/",
            "http://0xA9FEA9FE/",
            "file:///etc/passwd",
            "gopher://x",
            "nonsense",
        ] {
            assert!(check(address).is_err(), "{address}");
        }
        for address in [
            "http://127.0.0.1:8081/v1",
            "http://10.0.0.5/v1",
            "https://api.example.com/v1",
            "http://[::1]:8081/v1",
        ] {
            assert_eq!(check(address), Ok(()), "{address}");
        }
    }

    #[tokio::test]
    async fn name_resolving_to_metadata_address_is_rejected() {
        let name: Name = "169.254.169.254".parse().unwrap();
        assert!(GuardedResolver.resolve(name).await.is_err());
        let name: Name = "localhost".parse().unwrap();
        assert!(GuardedResolver.resolve(name).await.unwrap().count() > 0);
    }
}
