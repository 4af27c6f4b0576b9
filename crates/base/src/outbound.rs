//! Requests to other servers: only to addresses that an operator has configured, and never to link-local addresses,
//! where clouds serve credentials.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use std::sync::Arc;

use ipnet::IpNet;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A client that follows no redirects, uses no proxy, and never connects to a [forbidden](is_forbidden) address that a
/// host name resolves to. `connect` limits the time to connect, `silence` the time between two reads.
///
/// # Errors
/// The client cannot be built; the message says why.
pub fn client(connect: Duration, silence: Duration) -> Result<reqwest::Client, String> {
    built(connect, silence, GuardedResolver(is_permitted))
}

fn built<R: Resolve + 'static>(
    connect: Duration,
    silence: Duration,
    resolver: R,
) -> Result<reqwest::Client, String> {
    choose_cryptography();
    reqwest::Client::builder()
        // The operator configured this address only; a redirect could send the key elsewhere.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(connect)
        .read_timeout(silence)
        .dns_resolver(resolver)
        .build()
        .map_err(|error| error.to_string())
}

fn is_permitted(address: IpAddr) -> bool {
    !is_forbidden(address)
}

/// Where requests to addresses may go that somebody else than the operator chose: to public addresses, and to the private
/// networks that the operator names.
#[derive(Debug, Clone, Default)]
pub struct Destinations(Arc<[IpNet]>);

impl Destinations {
    /// Public addresses, and these private networks.
    pub fn new(private: &[IpNet]) -> Self {
        Self(private.into())
    }

    /// Whether an address may be called.
    pub fn allow(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        !is_forbidden(address)
            && (is_public(address) || self.0.iter().any(|network| network.contains(&address)))
    }

    /// Checks a URL as [`check`] does, and that its host, if it is an address, may be called.
    ///
    /// # Errors
    /// A message that says what is wrong with it.
    pub fn check(&self, address: &str) -> Result<(), String> {
        check(address)?;
        let url = Url::parse(address).map_err(|error| error.to_string())?;
        let host = url.host_str().unwrap_or_default();
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
        match literal.is_ok_and(|address| !self.allow(address)) {
            true => Err(format!(
                "{host} is in a private network that outbound.private_networks does not name"
            )),
            false => Ok(()),
        }
    }

    /// Like [`client`], and connects to these destinations only.
    ///
    /// # Errors
    /// As of [`client`].
    pub fn client(&self, connect: Duration, silence: Duration) -> Result<reqwest::Client, String> {
        let these = self.clone();
        let resolver = GuardedResolver(move |address| these.allow(address));
        built(connect, silence, resolver)
    }
}

/// Whether an address is reachable for everybody: not one of the special-purpose addresses of RFC 6890 that networks use
/// among themselves.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            let is_reserved = a == 0 || a >= 240 || (a, b, c) == (192, 0, 0);
            let is_benchmark = a == 198 && (b == 18 || b == 19);
            !(v4.is_private() || v4.is_loopback() || is_shared || is_reserved || is_benchmark)
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            // Addresses of IPv4 in those of IPv6 lead to any network: NAT64 and 6to4.
            let is_translated = (first, second) == (0x0064, 0xff9b) || first == 0x2002;
            !(v6.is_loopback() || v6.is_unique_local() || is_translated)
        }
    }
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

/// Resolves names as the system does and drops addresses that may not be called.
struct GuardedResolver<F>(F);

impl<F: Fn(IpAddr) -> bool + Clone + Send + Sync + 'static> Resolve for GuardedResolver<F> {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| allow(address.ip())).collect();
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

    #[test]
    fn private_networks_are_called_only_if_named() {
        let none = Destinations::default();
        for address in [
            "https://127.0.0.1/",
            "https://10.1.2.3/",
            "https://192.168.0.1/",
            "https://172.16.0.9/",
            "https://100.64.0.1/",
            "https://198.18.0.1/",
            "https://0.1.2.3/",
            "https://255.0.0.1/",
            "https://[::1]/",
            "https://[fd12::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
            "https://[2002:a00:1::]/",
            "https://2130706433/",
        ] {
            assert!(none.check(address).is_err(), "{address}");
        }
        for address in [
            "https://example.com/",
            "https://8.8.8.8/",
            "https://[2606:4700::1]/",
        ] {
            assert_eq!(none.check(address), Ok(()), "{address}");
        }
        let some = Destinations::new(&["127.0.0.0/8".parse().unwrap()]);
        assert_eq!(some.check("http://127.0.0.1:9/hook"), Ok(()));
        assert!(some.check("http://10.0.0.1/").is_err());
    }

    #[tokio::test]
    async fn name_resolving_to_private_network_is_rejected() {
        let allow = |destinations: Destinations| move |address| destinations.allow(address);
        let none = GuardedResolver(allow(Destinations::default()));
        assert!(none.resolve("localhost".parse().unwrap()).await.is_err());
        let networks = ["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let some = GuardedResolver(allow(Destinations::new(&networks)));
        assert!(some.resolve("localhost".parse().unwrap()).await.is_ok());
    }

    #[tokio::test]
    async fn name_resolving_to_metadata_address_is_rejected() {
        let name: Name = "169.254.169.254".parse().unwrap();
        assert!(GuardedResolver(is_permitted).resolve(name).await.is_err());
        let name: Name = "localhost".parse().unwrap();
        assert!(
            GuardedResolver(is_permitted)
                .resolve(name)
                .await
                .unwrap()
                .count()
                > 0
        );
    }
}
