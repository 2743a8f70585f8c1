//! Server certificates of IAM that a listener serves: chosen by the name that a client asks for, and
//! taken up anew when another certificate gets the ARN.
//!
//! Settings name ARNs. Whichever certificate has one is served under it; while none has, the last one
//! goes on. A certificate is known again by its unique id, which it keeps when it is renamed.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use iamd_core::account_id::AccountId;
use iamd_core::arn::{self, IamArn};
use iamd_core::state::{Account, ServerCertificate, State};
use iamd_core::unique_id::UniqueId;
use iamd_wire::Timestamp;
use rustls::SignatureScheme;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use zeroize::Zeroizing;

use super::{Pair, loaded};
use crate::fault::Fault;

/// The type of resource in the ARN of a server certificate.
const KIND: &str = "server-certificate";
/// Most certificates of one listener.
// CHOICE: as many as an Application Load Balancer takes beside its default one.
const CERTIFICATES_MAX: usize = 25;
/// Most names of a certificate that are looked at.
// CHOICE: what public authorities issue has 100 or fewer.
const NAMES_MAX: usize = 1_000;
/// From how long before its end on a certificate is warned of, in seconds.
const WARNED_SECONDS: i64 = 30 * 24 * 60 * 60;

/// The certificates of a listener.
#[derive(Debug)]
pub struct ServedCertificates {
    /// Who serves them, in the words of a refusal to delete one.
    listener: Box<str>,
    /// In the order of the settings; the first is for clients that ask for no name, or another.
    named: Vec<Named>,
}

/// An ARN of the settings.
#[derive(Debug)]
struct Named {
    arn: Box<str>,
    account: AccountId,
    name: Box<str>,
    taken: ArcSwap<Taken>,
    said: Mutex<Said>,
}

/// What was said of an ARN, so that nothing is said twice.
#[derive(Debug, Default)]
struct Said {
    unusable: Option<UniqueId>,
    end: Option<(UniqueId, End)>,
    is_gone: bool,
}

/// How far a certificate is from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Far,
    Near,
    Past,
}

/// A certificate that is served.
#[derive(Debug)]
struct Taken {
    id: UniqueId,
    certified: Arc<CertifiedKey>,
    /// In lower case.
    names: Vec<Box<str>>,
    end: Timestamp,
}

/// A certificate that is served, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedFacts {
    /// The ARN in the settings.
    pub arn: String,
    /// The unique id of the certificate.
    pub id: String,
    /// When it ends.
    pub end: Timestamp,
    /// Whether the account still has a certificate of this ARN.
    pub is_there: bool,
}

impl ServedCertificates {
    /// Finds and loads the certificates of these ARNs.
    ///
    /// # Errors
    /// [`Fault::Refused`] that says which one cannot be served, and why.
    pub fn find(
        arns: &[String],
        listener: &str,
        state: &State,
    ) -> Result<ServedCertificates, Fault> {
        if arns.len() > CERTIFICATES_MAX {
            let count = arns.len();
            let message =
                format!("a gateway has at most {CERTIFICATES_MAX} certificates, not {count}");
            return Err(Fault::Refused(message));
        }
        let mut named: Vec<Named> = Vec::with_capacity(arns.len());
        for arn in arns {
            if named.iter().any(|other| *other.arn == **arn) {
                return Err(Fault::Refused(format!("the certificate {arn} is named twice")));
            }
            named.push(Named::find(arn, state)?);
        }
        Ok(ServedCertificates { listener: listener.into(), named })
    }

    /// Takes up what the accounts have now, and says what an operator has to know.
    pub fn refresh(&self, state: &State, now: Timestamp) {
        for named in &self.named {
            named.refresh(state);
            named.warn(state, now);
        }
    }

    /// The certificate for a client that asks for this name and can check these signatures.
    ///
    /// Of those for the name, one with a key that the client can check counts before others, then one in
    /// force, then a whole name before a wildcard, and then the order of the settings.
    pub(super) fn choose(
        &self,
        asked: Option<&str>,
        schemes: &[SignatureScheme],
        now: Timestamp,
    ) -> Option<Arc<CertifiedKey>> {
        let asked = asked.map(str::to_ascii_lowercase);
        let mut best: Option<((bool, bool, u8), Arc<Taken>)> = None;
        for named in &self.named {
            let taken = named.taken.load_full();
            let fit = asked.as_deref().map_or(0, |asked| taken.fit(asked));
            let is_usable = taken.certified.key.choose_scheme(schemes).is_some();
            let rank = (is_usable, now <= taken.end, fit);
            if fit > 0 && best.as_ref().is_none_or(|(known, _)| rank > *known) {
                best = Some((rank, taken));
            }
        }
        let chosen = best.map(|(_, taken)| taken);
        let chosen = chosen.or_else(|| Some(self.named.first()?.taken.load_full()))?;
        Some(Arc::clone(&chosen.certified))
    }

    /// Who serves a certificate of an account as it is in this state of it, if anybody does.
    pub fn user_of(&self, account: &Account, certificate: &ServerCertificate) -> Option<Box<str>> {
        let is_served = self.named.iter().any(|named| match named.present(account) {
            Some(present) => present.id == certificate.id,
            None => named.account == account.id() && named.taken.load().id == certificate.id,
        });
        is_served.then(|| self.listener.clone())
    }

    /// What is served.
    pub fn facts(&self, state: &State) -> Vec<ServedFacts> {
        let facts = self.named.iter().map(|named| {
            let taken = named.taken.load();
            ServedFacts {
                arn: named.arn.to_string(),
                id: taken.id.to_string(),
                end: taken.end,
                is_there: named.found(state).is_some(),
            }
        });
        facts.collect()
    }
}

impl Named {
    fn find(arn: &str, state: &State) -> Result<Named, Fault> {
        let refused = |what: String| Fault::Refused(format!("the TLS certificate {arn} {what}"));
        let parsed = IamArn::parse(arn).filter(|parsed| parsed.resource_type == KIND);
        let account = parsed.and_then(|parsed| parsed.account.parse::<AccountId>().ok());
        let (Some(parsed), Some(account)) = (parsed, account) else {
            return Err(refused(
                "is none of a server certificate, such as arn:aws:iam::111122223333:server-certificate/www"
                    .to_owned(),
            ));
        };
        let of_account = state.account(account);
        let of_account = of_account
            .ok_or_else(|| refused("belongs to an account that is not there".to_owned()))?;
        let named = of_account.server_certificates().named(parsed.name);
        let certificate = named.filter(|certificate| arn_of(of_account, certificate) == arn);
        let certificate = certificate.ok_or_else(|| {
            refused(match named {
                Some(other) => {
                    format!("is not there; there is {}", arn_of(of_account, other))
                }
                None => {
                    "is not there; upload it with `aws iam upload-server-certificate`".to_owned()
                }
            })
        })?;
        let taken = Taken::load(certificate).map_err(|why| refused(format!("is no use: {why}")))?;
        Ok(Named {
            arn: arn.into(),
            account,
            name: parsed.name.into(),
            taken: ArcSwap::from_pointee(taken),
            said: Mutex::default(),
        })
    }

    /// The certificate that has the ARN in this state of the account.
    fn present<'a>(&self, account: &'a Account) -> Option<&'a ServerCertificate> {
        if account.id() != self.account {
            return None;
        }
        let certificate = account.server_certificates().named(&self.name)?;
        (arn_of(account, certificate) == *self.arn).then_some(&**certificate)
    }

    fn found<'a>(&self, state: &'a State) -> Option<&'a ServerCertificate> {
        self.present(state.account(self.account)?)
    }

    /// Takes up another certificate of the ARN. One that cannot be used changes nothing.
    fn refresh(&self, state: &State) {
        let Some(present) = self.found(state) else { return };
        if self.taken.load().id == present.id {
            return;
        }
        let arn = &self.arn;
        match Taken::load(present) {
            Ok(taken) => {
                tracing::info!(%arn, id = %taken.id, end = %taken.end, "a new TLS certificate is in force");
                self.taken.store(Arc::new(taken));
            }
            Err(why) => {
                let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
                if said.unusable.replace(present.id) != Some(present.id) {
                    tracing::error!(%arn, "the TLS certificate in force stays: {why}");
                }
            }
        }
    }

    /// Says once what is wrong, and once when it is not any more.
    fn warn(&self, state: &State, now: Timestamp) {
        let taken = self.taken.load();
        let (arn, left) = (&self.arn, taken.end.seconds().saturating_sub(now.seconds()));
        let end = match left {
            ..0 => End::Past,
            0..WARNED_SECONDS => End::Near,
            _ => End::Far,
        };
        let is_gone = self.found(state).is_none();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.end.replace((taken.id, end)) != Some((taken.id, end)) {
            match end {
                End::Past => {
                    tracing::error!(%arn, "the TLS certificate ended at {}; clients refuse it", taken.end);
                }
                End::Near => tracing::warn!(%arn, "the TLS certificate ends at {}", taken.end),
                End::Far => {}
            }
        }
        if is_gone && !said.is_gone {
            tracing::warn!(
                %arn,
                "the account has no certificate of this name any more; the last one is served until iamd ends"
            );
        }
        said.is_gone = is_gone;
    }
}

impl Taken {
    /// # Errors
    /// What is wrong with it.
    fn load(certificate: &ServerCertificate) -> Result<Taken, String> {
        let mut chain = certificate.body.to_string();
        if let Some(issuers) = &certificate.chain {
            chain.push('\n');
            chain.push_str(issuers);
        }
        let key = Zeroizing::new(certificate.private_key.expose().to_owned());
        let certified = loaded(&Pair { chain, key })?;
        let first = certified.cert.first().ok_or("there is no certificate")?;
        let names = names(first)?;
        let end = super::validity(first)?.end;
        Ok(Taken { id: certificate.id, certified: Arc::new(certified), names, end })
    }

    /// How well the certificate fits a name: 2 for one of its own, 1 for a wildcard of one label.
    ///
    /// Source: RFC 9525, section 6.3.
    fn fit(&self, asked: &str) -> u8 {
        let parent = asked.split_once('.').filter(|(label, _)| !label.is_empty());
        let is_below = |name: &str| match (name.strip_prefix("*."), parent) {
            (Some(domain), Some((_, parent))) => domain == parent,
            _ => false,
        };
        match () {
            () if self.names.iter().any(|name| **name == *asked) => 2,
            () if self.names.iter().any(|name| is_below(name)) => 1,
            () => 0,
        }
    }
}

fn arn_of(account: &Account, certificate: &ServerCertificate) -> String {
    arn::iam(account.id(), KIND, &certificate.path, &certificate.name)
}

/// The names of hosts that a certificate is for.
fn names(certificate: &CertificateDer<'_>) -> Result<Vec<Box<str>>, String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
        .map_err(|error| format!("the certificate cannot be read: {error}"))?;
    let extension = parsed.subject_alternative_name();
    let extension = extension.map_err(|error| format!("its names cannot be read: {error}"))?;
    let names = extension.iter().flat_map(|extension| &extension.value.general_names);
    let hosts = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase().into()),
        _ => None,
    });
    Ok(hosts.take(NAMES_MAX).collect())
}

#[cfg(test)]
#[path = "served_tests.rs"]
mod tests;
