//! Judging certificates: whether they are good, for how long, and for which names.

use std::path::{Path, PathBuf};

use iamd_wire::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::X509Certificate;

use super::finding::Finding;
use crate::config::Config;
use crate::tls::{self, Validity, authority};

/// From how many days before its end on a certificate is worth a warning.
// CHOICE: own certificates are renewed 30 days before.
const DAYS_MIN: i64 = 14;
/// The same for the authority, which every client has to be told of.
const AUTHORITY_DAYS_MIN: i64 = 365;
const DAY_SECONDS: i64 = 86_400;

/// The certificates of a node.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// What connections see, or why it cannot be read; none where TLS is off or nothing is issued.
    server: Option<Result<Chain, String>>,
    /// The own authority, where it is used.
    authority: Option<Result<Chain, String>>,
    /// Whether a given key fits its certificate, and what is wrong if not.
    pair_problem: Option<String>,
    /// Names that the settings promise.
    names: Vec<String>,
    /// Whether somebody else renews the certificate.
    is_given: bool,
}

/// A file of certificates.
#[derive(Debug, Clone)]
struct Chain {
    path: PathBuf,
    links: Vec<Link>,
}

/// A certificate.
#[derive(Debug, Clone)]
struct Link {
    subject: String,
    issuer: String,
    names: Vec<String>,
    validity: Validity,
}

impl Facts {
    /// Looks at the certificates of these settings.
    pub(super) fn gather(config: &Config) -> Facts {
        let (tls, data) = (&config.tls, &config.data);
        let mut facts = Facts {
            server: None,
            authority: None,
            pair_problem: None,
            names: tls.hostnames.clone(),
            is_given: !tls.certificate.as_os_str().is_empty(),
        };
        if !tls.enabled {
            return facts;
        }
        if facts.is_given {
            facts.server = Some(Chain::read(&tls.certificate));
            let text =
                |path: &Path| std::fs::read_to_string(path).map_err(|error| error.to_string());
            let pair =
                text(&tls.certificate).and_then(|chain| tls::check_pair(&chain, &text(&tls.key)?));
            facts.pair_problem = pair.err();
        } else {
            // Before the first start there is none.
            let path = authority::server_certificate_path(data);
            facts.server = path.exists().then(|| Chain::read(&path));
            facts.authority = Some(Chain::read(&authority::certificate_path(data)));
        }
        facts
    }
}

impl Chain {
    fn read(path: &Path) -> Result<Chain, String> {
        let failed = |reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))?;
        let mut links = Vec::new();
        for certificate in certificates {
            let certificate = certificate.map_err(|error| failed(&error))?;
            links.push(Link::of(&certificate).map_err(|reason| failed(&reason))?);
        }
        if links.is_empty() {
            return Err(failed(&"there is no certificate"));
        }
        Ok(Chain { path: path.to_owned(), links })
    }
}

impl Link {
    fn of(certificate: &CertificateDer<'_>) -> Result<Link, String> {
        let validity = tls::validity(certificate)?;
        let (_, parsed) =
            x509_parser::parse_x509_certificate(certificate).map_err(|error| error.to_string())?;
        Ok(Link {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            names: names(&parsed),
            validity,
        })
    }
}

/// The names that a certificate is for, in lower case.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => ip(bytes),
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).collect()
}

fn ip(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(four).to_string());
    }
    let sixteen = <[u8; 16]>::try_from(bytes).ok()?;
    Some(std::net::Ipv6Addr::from(sixteen).to_string())
}

/// What is wrong with certificates.
pub(super) fn findings(facts: &Facts, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &facts.server {
        Some(Ok(chain)) => {
            findings.extend(validity(chain, now, DAYS_MIN, facts.is_given));
            findings.extend(order(chain));
            findings.extend(missing_names(chain, &facts.names, facts.is_given));
        }
        Some(Err(reason)) => findings.push(unreadable(reason)),
        None => {}
    }
    match &facts.authority {
        Some(Ok(chain)) => findings.extend(validity(chain, now, AUTHORITY_DAYS_MIN, true)),
        Some(Err(reason)) => findings.push(unreadable(reason)),
        None => {}
    }
    // What cannot be read is said already, and what has ended.
    if let (Some(problem), true) = (&facts.pair_problem, findings.is_empty()) {
        findings.push(Finding::error(
            "tls",
            format!("the certificate and its key cannot be used: {problem}"),
            "a start would fail, and a running node keeps the old ones",
            "set `tls.certificate` and `tls.key` to a pair that belongs together",
        ));
    }
    findings
}

/// How long the certificates of a chain are good, the first of them that matters.
fn validity(
    chain: &Chain,
    now: Timestamp,
    days_min: i64,
    is_renewed_by_hand: bool,
) -> Option<Finding> {
    let todo = if is_renewed_by_hand {
        "renew it; the file is read again by itself"
    } else {
        "start the node, which issues a new one"
    };
    let why = "clients refuse to connect with a certificate that is not good now";
    let path = chain.path.display();
    chain.links.iter().find_map(|link| {
        let Validity { start, end } = link.validity;
        let left = (end.seconds().saturating_sub(now.seconds())) / DAY_SECONDS;
        let subject = &link.subject;
        if end < now {
            let what = format!("the certificate of {subject} in {path} ended at {end}");
            return Some(Finding::error("tls", what, why, todo));
        }
        if start > now {
            let what = format!("the certificate of {subject} in {path} begins at {start}");
            return Some(Finding::error("tls", what, why, "set the clock, or wait"));
        }
        (left < days_min).then(|| {
            let what = format!("the certificate of {subject} in {path} ends in {left} days");
            Finding::warning("tls", what, why, todo)
        })
    })
}

/// Each certificate is followed by the one that issued it.
fn order(chain: &Chain) -> Option<Finding> {
    let next = chain.links.iter().skip(1);
    let wrong = chain.links.iter().zip(next).find(|(link, next)| link.issuer != next.subject)?;
    Some(Finding::warning(
        "tls",
        format!(
            "in {} the certificate of {} is followed by that of {}, which did not issue it",
            chain.path.display(),
            wrong.0.subject,
            wrong.1.subject
        ),
        "many clients cannot put such a chain together",
        "put the certificate first, then the one that issued it, and so on",
    ))
}

fn missing_names(chain: &Chain, wanted: &[String], is_given: bool) -> Option<Finding> {
    let first = chain.links.first()?;
    let is_covered = |wanted: &String| {
        let wanted = wanted.to_ascii_lowercase();
        let parent = wanted.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        first.names.iter().any(|name| *name == wanted || Some(name) == parent.as_ref())
    };
    let missing: Vec<&str> =
        wanted.iter().filter(|name| !is_covered(name)).map(String::as_str).collect();
    let todo = if is_given {
        "get a certificate for all names, or take those away from `tls.hostnames`"
    } else {
        "restart the node, which issues one for all names in `tls.hostnames`"
    };
    (!missing.is_empty()).then(|| {
        Finding::warning(
            "tls",
            format!(
                "the certificate in {} is not for {}",
                chain.path.display(),
                missing.join(", ")
            ),
            "clients that use these names refuse to connect",
            todo,
        )
    })
}

fn unreadable(reason: &str) -> Finding {
    Finding::error(
        "tls",
        format!("a certificate cannot be read: {reason}"),
        "a start would fail",
        "put the file back, or make a new authority with `iamd init --new-authority`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_769_860_800);

    fn days(count: i64) -> Timestamp {
        Timestamp::from_seconds(NOW.seconds() + count * DAY_SECONDS)
    }

    fn link(subject: &str, issuer: &str) -> Link {
        Link {
            subject: subject.to_owned(),
            issuer: issuer.to_owned(),
            names: vec!["iam.example.com".to_owned(), "*.a.example.com".to_owned()],
            validity: Validity { start: days(-1), end: days(1_000) },
        }
    }

    fn chain(links: Vec<Link>) -> Option<Result<Chain, String>> {
        Some(Ok(Chain { path: "/c.pem".into(), links }))
    }

    fn healthy() -> Facts {
        Facts {
            server: chain(vec![link("a", "b"), link("b", "c")]),
            authority: chain(vec![link("c", "c")]),
            pair_problem: None,
            names: vec!["IAM.example.com".to_owned(), "x.a.example.com".to_owned()],
            is_given: false,
        }
    }

    /// The one finding after a change; the healthy certificates have none.
    fn found(change: impl FnOnce(&mut Facts)) -> String {
        assert_eq!(findings(&healthy(), NOW), []);
        let mut facts = healthy();
        change(&mut facts);
        let findings = findings(&facts, NOW);
        let [finding] = &findings[..] else { panic!("{findings:?}") };
        format!("{:?} {}", finding.severity, finding.what)
    }

    fn ending(in_days: i64) -> Option<Result<Chain, String>> {
        let validity = Validity { start: days(-1), end: days(in_days) };
        chain(vec![Link { validity, ..link("a", "b") }])
    }

    #[test]
    fn ends_and_beginnings() {
        assert!(found(|facts| facts.server = ending(-1)).starts_with("Error"));
        assert!(found(|facts| facts.server = ending(13)).contains("ends in 13 days"));
        assert!(found(|facts| facts.authority = ending(364)).contains("ends in 364 days"));
        let validity = Validity { start: days(1), end: days(100) };
        let early = chain(vec![Link { validity, ..link("a", "b") }]);
        assert!(found(|facts| facts.server = early).contains("begins at"));
        for fine in [ending(14), ending(90), None] {
            assert_eq!(findings(&Facts { server: fine, ..healthy() }, NOW), []);
        }
    }

    #[test]
    fn chains_names_and_files() {
        let shuffled = chain(vec![link("a", "b"), link("c", "c"), link("b", "c")]);
        assert!(found(|facts| facts.server = shuffled).contains("which did not issue it"));
        for name in ["example.com", "a.example.com", "x.y.a.example.com"] {
            let names = vec![name.to_owned()];
            let what = found(|facts| facts.names = names);
            assert!(what.ends_with(&format!("is not for {name}")), "{what}");
        }
        let gone = || Some(Err("gone".to_owned()));
        assert!(found(|facts| facts.server = gone()).ends_with("cannot be read: gone"));
        assert!(found(|facts| facts.authority = gone()).starts_with("Error"));
        let problem = Some("they do not belong together".to_owned());
        assert!(found(|facts| facts.pair_problem = problem).contains("cannot be used"));
    }

    #[test]
    fn what_an_authority_issues_is_healthy() {
        let folder = tempfile::tempdir().unwrap();
        let now = crate::clock::Clock::default().now();
        let mut config = Config { data: folder.path().to_owned(), ..Config::default() };
        config.tls.hostnames = vec!["iam.example.com".to_owned(), "10.0.0.5".to_owned()];
        authority::Authority::create(folder.path(), now).unwrap();
        assert_eq!(findings(&Facts::gather(&config), now), []);
        let own = authority::Authority::open(folder.path()).unwrap();
        own.issue(&config.tls.hostnames, now).unwrap();
        assert_eq!(findings(&Facts::gather(&config), now), []);
        config.tls.hostnames.push("other.example.com".to_owned());
        assert_eq!(findings(&Facts::gather(&config), now).len(), 1);
        let late = Timestamp::from_seconds(now.seconds() + 80 * DAY_SECONDS);
        config.tls.hostnames.pop();
        assert_eq!(findings(&Facts::gather(&config), late).len(), 1, "nobody has renewed it");
    }
}
