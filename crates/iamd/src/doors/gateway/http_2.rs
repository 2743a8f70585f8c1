//! What HTTP/2 says otherwise than HTTP/1.1: the host, which clients sign as the header `Host`.

use hyper::Version;
use hyper::header::{HOST, HeaderValue};
use hyper::http::request::Parts;
use iamd_wire::route::S3Error;

/// Makes the header `Host` of what stands in `:authority`.
///
/// Source: RFC 9113, section 8.3.1.
///
/// # Errors
/// `InvalidRequest` for a request that names two hosts, or none.
pub(super) fn name_host(parts: &mut Parts) -> Result<(), S3Error> {
    if parts.version != Version::HTTP_2 {
        return Ok(());
    }
    let authority = parts.uri.authority().map(|authority| authority.as_str().to_owned());
    let mut named = parts.headers.get_all(HOST).iter();
    match (authority, named.next(), named.next()) {
        (None, Some(_), None) => Ok(()),
        (Some(authority), None, None) if !authority.contains('@') => {
            let host = HeaderValue::try_from(authority).map_err(|_| two_hosts())?;
            parts.headers.insert(HOST, host);
            Ok(())
        }
        (Some(authority), Some(host), None) if authority.as_bytes() == host.as_bytes() => Ok(()),
        (_, _, _) => Err(two_hosts()),
    }
}

fn two_hosts() -> S3Error {
    S3Error::new("InvalidRequest", "The request must name one host.")
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn parts(uri: &str, hosts: &[&str], version: Version) -> Parts {
        let mut request = Request::builder().uri(uri).version(version);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_request_names_one_host() {
        for (uri, hosts, named) in [
            ("http://a:1/k", &[][..], Some("a:1")),
            ("http://a:1/k", &["a:1"], Some("a:1")),
            ("/k", &["a:1"], Some("a:1")),
            ("http://a:1/k", &["b:1"], None),
            ("http://a:1/k", &["a:1", "a:1"], None),
            ("/k", &["a:1", "a:1"], None),
            ("/k", &[], None),
            ("http://user@a:1/k", &[], None),
        ] {
            let mut parts = parts(uri, hosts, Version::HTTP_2);
            assert_eq!(name_host(&mut parts).is_ok(), named.is_some(), "{uri} {hosts:?}");
            if let Some(named) = named {
                let hosts: Vec<_> = parts.headers.get_all(HOST).iter().collect();
                assert_eq!(hosts, [named]);
            }
        }
        let mut one = parts("http://a:1/k", &["b:1"], Version::HTTP_11);
        assert!(name_host(&mut one).is_ok());
        assert_eq!(one.headers.get(HOST).unwrap(), "b:1");
    }
}
