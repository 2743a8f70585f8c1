//! Temporary credentials: sealed into their own session token, stored nowhere.
//!
//! Token key, access key id and secret key derive by HKDF from a ring key and a salt of the token,
//! so that every node opens every token, and no nonce is ever used twice under one key.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_wire::{Secret, Timestamp};
use minicbor::{Decode, Encode};

use crate::account_id::AccountId;
use crate::draw::Draw;
use crate::record;
use crate::ring::{self, HEADER_LENGTH, Parts, RingKey, SessionKeys};
use crate::state::{PolicyDocument, Tag};
use crate::unique_id::{AccessKeyId, IdPrefix, UniqueId};

/// Longest session token that is looked at, in characters.
///
/// AWS names no limit; this is four times what a token with every member at its limit takes.
pub const TOKEN_LENGTH_MAX: usize = 64 * 1024;

/// What a temporary credential stands for.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Session {
    /// The account of the session's principal.
    #[n(0)]
    pub account: AccountId,
    /// Whose session it is.
    #[n(1)]
    pub subject: Subject,
    /// When it was issued: `aws:TokenIssueTime`.
    #[cbor(n(2), with = "record::timestamp")]
    pub issued: Timestamp,
    /// When it ends.
    #[cbor(n(3), with = "record::timestamp")]
    pub expires: Timestamp,
    /// Session policies; absent when none were passed.
    #[n(4)]
    pub policies: Option<SessionPolicies>,
    /// Session tags, inherited ones included.
    #[n(5)]
    pub tags: Vec<SessionTag>,
    /// Source identity, once set.
    #[n(6)]
    pub source_identity: Option<Box<str>>,
    /// When a second factor was shown, if one was.
    #[cbor(n(7), with = "record::optional_timestamp")]
    pub mfa: Option<Timestamp>,
}

/// Whose session it is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Subject {
    /// The root user, through GetSessionToken.
    #[n(0)]
    Root,
    /// An IAM user, through GetSessionToken.
    #[n(1)]
    User(#[n(0)] UniqueId),
    /// Whoever assumed a role.
    #[n(2)]
    Role {
        /// The role.
        #[n(0)]
        role: UniqueId,
        /// The name of the session.
        #[n(1)]
        session_name: Box<str>,
    },
}

/// What narrows a session.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct SessionPolicies {
    /// The document passed with the request.
    #[n(0)]
    pub inline: Option<PolicyDocument>,
    /// Managed policies named in the request.
    #[n(1)]
    pub managed: Vec<Box<str>>,
}

/// A tag of a session.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SessionTag {
    /// Key and value.
    #[n(0)]
    pub tag: Tag,
    /// Whether sessions made with this session inherit it.
    #[n(1)]
    pub transitive: bool,
}

/// A temporary credential as its holder gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct IssuedCredential {
    /// The key id, `ASIA...`.
    pub access_key_id: AccessKeyId,
    /// The secret key.
    pub secret_access_key: Secret,
    /// The session token.
    pub session_token: Secret,
}

/// A session token that opened.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenedToken {
    /// The only key id that goes with the token.
    pub access_key_id: AccessKeyId,
    /// The secret key that its holder signs with.
    pub secret_access_key: Secret,
    /// What the credential stands for.
    pub session: Session,
}

/// The token was not sealed here, or was altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotASessionToken;

impl fmt::Display for NotASessionToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not a session token of this server")
    }
}

impl std::error::Error for NotASessionToken {}

impl SessionKeys {
    /// Seals a session into a fresh credential whose token has at least `size_min` characters; none
    /// if the ring is empty.
    pub fn seal(
        &self,
        session: &Session,
        size_min: usize,
        draw: &mut Draw,
    ) -> Option<IssuedCredential> {
        let (key, mut token) = self.header(draw)?;
        let derived = Derived::of(key, ring::salt(&token)?, session.account)?;
        let mut content = minicbor::to_vec(session).ok()?;
        // Zeros behind the record are padding: a reader stops where the record ends.
        let unpadded = HEADER_LENGTH + content.len() + AES_256_GCM.tag_len();
        let padding = (size_min.div_ceil(4) * 3).saturating_sub(unpadded);
        content.resize(content.len() + padding, 0);
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        derived.token_key.seal_in_place_append_tag(nonce, Aad::from(&token), &mut content).ok()?;
        token.extend_from_slice(&content);
        Some(IssuedCredential {
            access_key_id: derived.access_key_id,
            secret_access_key: derived.secret_access_key,
            session_token: Secret::from(STANDARD.encode(token)),
        })
    }

    /// Opens a token. Whether the session is over, and whether its principal still exists, is the
    /// caller's question.
    ///
    /// # Errors
    /// [`NotASessionToken`] for everything but an unaltered token of a key in the ring.
    pub fn open(
        &self,
        token: &str,
        claimed: &AccessKeyId,
    ) -> Result<OpenedToken, NotASessionToken> {
        self.opened(token, claimed).ok_or(NotASessionToken)
    }

    /// The access key id that goes with a token, and when the credential ends, whoever holds it.
    ///
    /// # Errors
    /// As [`SessionKeys::open`].
    pub fn identify(&self, token: &str) -> Result<(AccessKeyId, Timestamp), NotASessionToken> {
        self.identified(token).ok_or(NotASessionToken)
    }

    fn identified(&self, token: &str) -> Option<(AccessKeyId, Timestamp)> {
        if token.len() > TOKEN_LENGTH_MAX {
            return None;
        }
        let mut bytes = STANDARD.decode(token).ok()?;
        let Parts { key, header, content } = self.parts(&mut bytes)?;
        // No key depends on the account, which is known once the token is open.
        let derived = Derived::of(key, ring::salt(header)?, AccountId::DIRECTORY)?;
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let content = derived.token_key.open_in_place(nonce, Aad::from(header), content).ok()?;
        let session: Session = minicbor::decode(content).ok()?;
        let derived = Derived::of(key, ring::salt(header)?, session.account)?;
        Some((derived.access_key_id, session.expires))
    }

    fn opened(&self, token: &str, claimed: &AccessKeyId) -> Option<OpenedToken> {
        if token.len() > TOKEN_LENGTH_MAX {
            return None;
        }
        let mut bytes = STANDARD.decode(token).ok()?;
        let Parts { key, header, content } = self.parts(&mut bytes)?;
        // The key id carries the account, which the derivation needs before the token is open.
        let derived = Derived::of(key, ring::salt(header)?, claimed.account()?)?;
        if derived.access_key_id != *claimed {
            return None;
        }
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let content = derived.token_key.open_in_place(nonce, Aad::from(header), content).ok()?;
        let session: Session = minicbor::decode(content).ok()?;
        (session.account == claimed.account()?).then_some(OpenedToken {
            access_key_id: derived.access_key_id,
            secret_access_key: derived.secret_access_key,
            session,
        })
    }
}

/// What one salt gives.
struct Derived {
    token_key: LessSafeKey,
    access_key_id: AccessKeyId,
    secret_access_key: Secret,
}

const DERIVED_LENGTH: usize = 32 + 16 + 30;

impl Derived {
    fn of(ring_key: &RingKey, salt: &[u8], account: AccountId) -> Option<Derived> {
        let mut material = zeroize::Zeroizing::new([0_u8; DERIVED_LENGTH]);
        ring_key.expand(b"iamd session token 1", salt, &mut *material)?;
        let (token_key, rest) = material.split_at_checked(32)?;
        let (entropy, secret) = rest.split_at_checked(16)?;
        let entropy = u128::from_be_bytes(entropy.try_into().ok()?);
        Some(Derived {
            token_key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, token_key).ok()?),
            access_key_id: AccessKeyId::from_entropy(IdPrefix::TemporaryKey, account, entropy),
            secret_access_key: Secret::from(STANDARD.encode(secret)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::RingKeyTime;
    use crate::test_support::NOW;

    fn session() -> Session {
        Session {
            account: AccountId::from_number(123_456_789_012).unwrap(),
            subject: Subject::Role {
                role: "AROA3XFRBF535PLBIFPI4".parse().unwrap(),
                session_name: "ana".into(),
            },
            issued: NOW,
            expires: Timestamp::from_seconds(NOW.seconds() + 3600),
            policies: None,
            tags: vec![SessionTag {
                tag: Tag { key: "team".into(), value: "blue".into() },
                transitive: true,
            }],
            source_identity: Some("ana@example.com".into()),
            mfa: None,
        }
    }

    #[test]
    fn a_token_opens_to_what_was_sealed() {
        let keys = SessionKeys::new([(2, RingKeyTime::ALWAYS, &[9; 32])]);
        let issued = keys.seal(&session(), 0, &mut Draw::new(NOW, [1; 32])).unwrap();
        assert_eq!(issued.access_key_id.account(), Some(session().account));
        assert_eq!(issued.secret_access_key.expose().len(), 40);
        let opened = keys.open(issued.session_token.expose(), &issued.access_key_id).unwrap();
        assert_eq!(opened.session, session());
        assert_eq!(opened.secret_access_key, issued.secret_access_key);
    }

    #[test]
    fn padding_fills_up_to_the_asked_size_and_changes_nothing_else() {
        let keys = SessionKeys::new([(2, RingKeyTime::ALWAYS, &[9; 32])]);
        for size in [0, 1, 500, 501, 4_095, 4_096] {
            let issued = keys.seal(&session(), size, &mut Draw::new(NOW, [1; 32])).unwrap();
            assert!(issued.session_token.expose().len() >= size);
            let opened = keys.open(issued.session_token.expose(), &issued.access_key_id).unwrap();
            assert_eq!(opened.session, session());
        }
    }

    #[test]
    fn every_altered_byte_and_every_length_is_refused() {
        let keys = SessionKeys::new([(2, RingKeyTime::ALWAYS, &[9; 32])]);
        let issued = keys.seal(&session(), 0, &mut Draw::new(NOW, [1; 32])).unwrap();
        let bytes = STANDARD.decode(issued.session_token.expose()).unwrap();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut altered = bytes.clone();
                altered[place] ^= 1 << bit;
                let token = STANDARD.encode(&altered);
                assert_eq!(keys.open(&token, &issued.access_key_id), Err(NotASessionToken));
            }
        }
        for length in 0..bytes.len() {
            let token = STANDARD.encode(&bytes[..length]);
            assert_eq!(keys.open(&token, &issued.access_key_id), Err(NotASessionToken));
        }
    }

    #[test]
    fn a_token_goes_with_its_own_key_id_and_ring_key_only() {
        let keys = SessionKeys::new([(2, RingKeyTime::ALWAYS, &[9; 32])]);
        let mut draw = Draw::new(NOW, [1; 32]);
        let first = keys.seal(&session(), 0, &mut draw).unwrap();
        let second = keys.seal(&session(), 0, &mut draw).unwrap();
        assert_ne!(first.access_key_id, second.access_key_id);
        let token = first.session_token.expose();
        assert!(keys.open(token, &second.access_key_id).is_err());
        for other in [
            SessionKeys::new([(2, RingKeyTime::ALWAYS, &[8; 32])]),
            SessionKeys::new([(3, RingKeyTime::ALWAYS, &[9; 32])]),
        ] {
            assert!(other.open(token, &first.access_key_id).is_err());
        }
        let rotated = SessionKeys::new([
            (3, RingKeyTime::ALWAYS, &[8; 32]),
            (2, RingKeyTime::ALWAYS, &[9; 32]),
        ]);
        assert!(rotated.open(token, &first.access_key_id).is_ok());
    }
}
