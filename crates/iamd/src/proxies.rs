//! Where a request came from, when proxies stand between its client and iamd.
//!
//! Only named proxies are believed, and of `X-Forwarded-For` only what the nearest of them wrote:
//! everything to the left of it can be made up by anybody.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use hyper::header::HeaderName;
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Most addresses in `X-Forwarded-For`.
// CHOICE: each is a proxy on the way; nobody has a tenth of this.
const ADDRESSES_MAX: usize = 32;

/// The named proxies.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<IpNet>);

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The client's address.
    pub ip: IpAddr,
    /// Whether TLS protected the whole way that is known.
    pub is_secure: bool,
}

/// A proxy wrote something that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl Proxies {
    /// The proxies of these ranges.
    pub fn new(ranges: Vec<IpNet>) -> Proxies {
        Proxies(ranges)
    }

    /// Whether an address is one of them.
    pub fn include(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|range| range.contains(&ip))
    }

    /// Whether a request from `peer` says that it was forwarded, and nobody believes it.
    pub fn is_forwarded_by_stranger(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        headers.contains_key(FORWARDED_FOR) && !self.include(peer)
    }

    /// The source of a request that came over a connection from `peer`.
    ///
    /// # Errors
    /// [`Malformed`] names the header.
    pub fn source(
        &self,
        peer: IpAddr,
        is_tls: bool,
        headers: &HeaderMap,
    ) -> Result<Source, Malformed> {
        let peer = peer.to_canonical();
        if !self.include(peer) {
            return Ok(Source { ip: peer, is_secure: is_tls });
        }
        let is_forwarded = headers.contains_key(FORWARDED_FOR);
        let ip = if is_forwarded { self.client(headers)? } else { peer };
        let is_secure = match is_https(headers)? {
            Some(is_https) => is_https,
            // CHOICE: a proxy that passes a request on and does not say how it came: not secure.
            None => is_tls && !is_forwarded,
        };
        Ok(Source { ip, is_secure })
    }

    /// The right-most address that is no named proxy; if all are, the left-most.
    fn client(&self, headers: &HeaderMap) -> Result<IpAddr, Malformed> {
        let malformed = || Malformed("X-Forwarded-For");
        let mut last = None;
        // Several lines are one list, in their order.
        let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
        let mut count = 0;
        for line in lines.into_iter().rev() {
            let line = line.to_str().map_err(|_| malformed())?;
            for text in line.rsplit(',') {
                count += 1;
                let ip = address(text.trim()).ok_or_else(malformed)?;
                if !self.include(ip) {
                    return Ok(ip);
                }
                if count == ADDRESSES_MAX {
                    return Err(malformed());
                }
                last = Some(ip);
            }
        }
        last.ok_or_else(malformed)
    }
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let ip = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|both| both.ip()));
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let ip = ip.ok().or_else(|| bare?.parse().ok().map(IpAddr::V6));
    ip.map(|ip| ip.to_canonical())
}

/// Whether every hop says `https`; none if none says anything.
fn is_https(headers: &HeaderMap) -> Result<Option<bool>, Malformed> {
    let mut answer = None;
    for line in headers.get_all(FORWARDED_PROTO) {
        for scheme in line.to_str().unwrap_or_default().split(',').map(str::trim) {
            let is_https = match scheme {
                scheme if scheme.eq_ignore_ascii_case("https") => true,
                scheme if scheme.eq_ignore_ascii_case("http") => false,
                _ => return Err(Malformed("X-Forwarded-Proto")),
            };
            answer = Some(answer.unwrap_or(true) && is_https);
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(
        peer: &str,
        is_tls: bool,
        lines: &[(&str, &str)],
    ) -> Result<(String, bool), Malformed> {
        let ranges = ["10.0.0.0/8", "192.0.2.1/32", "2001:db8:1::/48"];
        let proxies = Proxies::new(ranges.iter().map(|range| range.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, value.parse().unwrap());
        }
        let source = proxies.source(peer.parse().unwrap(), is_tls, &headers)?;
        Ok((source.ip.to_string(), source.is_secure))
    }

    fn client(peer: &str, forwarded_for: &[&str]) -> Result<String, Malformed> {
        let lines: Vec<_> = forwarded_for.iter().map(|value| ("x-forwarded-for", *value)).collect();
        source(peer, false, &lines).map(|(ip, _)| ip)
    }

    #[test]
    fn the_right_most_address_that_is_no_proxy_is_the_client() {
        let cases: [(&str, &[&str], &str); 14] = [
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.2.3.4, 192.0.2.1"], "203.0.113.9"),
            // Several lines are one list.
            ("10.0.0.1", &["1.1.1.1", "203.0.113.9", "10.2.3.4"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9", "1.1.1.1"], "1.1.1.1"),
            // What stands left of the client may be anything.
            ("10.0.0.1", &["unknown, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["10.9.9.9, 10.2.3.4"], "10.9.9.9"),
            ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["1.1.1.1, ::ffff:203.0.113.9, ::ffff:10.1.1.1"], "203.0.113.9"),
            ("2001:db8:1::7", &["2001:db8:2::1"], "2001:db8:2::1"),
            ("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("10.0.0.1", &["[2001:db8:2::1]:443"], "2001:db8:2::1"),
            ("10.0.0.1", &["[2001:db8:2::1]"], "2001:db8:2::1"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ];
        for (peer, lines, ip) in cases {
            assert_eq!(client(peer, lines).as_deref(), Ok(ip), "{peer} {lines:?}");
        }
    }

    #[test]
    fn nobody_else_is_believed() {
        let forged = [("x-forwarded-for", "10.0.0.7"), ("x-forwarded-proto", "https")];
        for peer in ["203.0.113.9", "192.0.2.2", "11.0.0.0", "2001:db8:2::1"] {
            assert_eq!(source(peer, false, &forged), Ok((peer.to_owned(), false)));
            assert_eq!(source(peer, true, &forged), Ok((peer.to_owned(), true)));
            // Not even read.
            let garbage = [("x-forwarded-for", "?"), ("x-forwarded-proto", "?")];
            assert_eq!(source(peer, true, &garbage), Ok((peer.to_owned(), true)));
        }
        assert_eq!(
            source("::ffff:203.0.113.9", true, &forged),
            Ok(("203.0.113.9".to_owned(), true))
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let long = ["10.0.0.2"; 33].join(",");
        let wrong = [
            "",
            " ",
            "unknown",
            "203.0.113.9,",
            "203.0.113.256",
            "1.1.1.1 2.2.2.2",
            "a, 10.0.0.1",
            "_x",
            &long,
        ];
        for wrong in wrong {
            assert_eq!(client("10.0.0.1", &[wrong]), Err(Malformed("X-Forwarded-For")), "{wrong}");
        }
        assert!(client("10.0.0.1", &[&["10.0.0.2"; 31].join(",")]).is_ok());
    }

    #[test]
    fn the_proxy_says_whether_the_way_was_secure() {
        let with = |is_tls, proto: &[&str]| {
            let mut lines = vec![("x-forwarded-for", "203.0.113.9")];
            lines.extend(proto.iter().map(|value| ("x-forwarded-proto", *value)));
            source("10.0.0.1", is_tls, &lines).map(|(_, is_secure)| is_secure)
        };
        assert_eq!(with(false, &["https"]), Ok(true));
        assert_eq!(with(false, &["HTTPS"]), Ok(true));
        assert_eq!(with(true, &["http"]), Ok(false));
        assert_eq!(with(true, &["https, http"]), Ok(false));
        assert_eq!(with(true, &["http", "https"]), Ok(false));
        assert_eq!(with(true, &[]), Ok(false), "the way to the proxy is not known");
        for wrong in ["", "wss", "https,", "on"] {
            assert_eq!(with(true, &[wrong]), Err(Malformed("X-Forwarded-Proto")), "{wrong}");
        }
        assert_eq!(source("10.0.0.1", true, &[]), Ok(("10.0.0.1".to_owned(), true)));
        assert_eq!(source("10.0.0.1", false, &[]), Ok(("10.0.0.1".to_owned(), false)));
    }
}
