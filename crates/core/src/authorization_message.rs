//! Encoded authorization messages: what led to a denial, sealed, for whoever may decode it.
//!
//! Source: STS API Reference, DecodeAuthorizationMessage.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use iamd_policy::{DecidingStatement, Decision, Explanation, Request, Step, Verdict};
use minicbor::{Decode, Encode};

use crate::account_id::AccountId;
use crate::decision_keys::DecisionKeys;
use crate::draw::Draw;
use crate::ring::{self, HEADER_LENGTH, Parts, RingKey, SessionKeys};

/// Longest encoded message, in characters. STS API Reference, `EncodedMessage`.
pub const ENCODED_LENGTH_MAX: usize = 10_240;

/// What fits in an encoded message, in bytes: four characters hold three.
const CONTENT_LENGTH_MAX: usize = ENCODED_LENGTH_MAX / 4 * 3 - HEADER_LENGTH - 16;

/// Most steps that a message names.
// CHOICE: more do not fit beside the statements that they are about.
const STEPS_MAX: usize = 20;

/// What led to a denial.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AuthorizationMessage {
    /// The caller's account, which alone can decode the message.
    #[n(0)]
    account: AccountId,
    #[n(1)]
    pub(crate) is_explicit: bool,
    /// The type of policy that decided.
    #[n(2)]
    pub(crate) policy_type: Box<str>,
    /// The words of the denial.
    #[n(3)]
    pub(crate) reason: Box<str>,
    #[n(4)]
    pub(crate) principal: MessagePrincipal,
    #[n(5)]
    pub(crate) action: Box<str>,
    #[n(6)]
    pub(crate) resource: Box<str>,
    /// Statements that denied.
    #[n(7)]
    pub(crate) matched: Vec<MessageStatement>,
    /// Statements that would allow but for one thing.
    #[n(8)]
    pub(crate) near_misses: Vec<MessageNearMiss>,
    /// Keys that statements asked for and the request did not have.
    #[n(9)]
    pub(crate) missing_keys: Vec<Box<str>>,
    /// The condition keys of the request.
    #[n(10)]
    pub(crate) keys: Vec<MessageKey>,
    /// Whether something was left out because it did not fit.
    #[n(11)]
    pub(crate) is_cut: bool,
    /// What every type of policy said that was there.
    #[n(12)]
    #[cbor(default)]
    pub(crate) types: Vec<MessageType>,
    /// The smallest change that would allow it: all of these.
    #[n(13)]
    #[cbor(default)]
    pub(crate) steps: Vec<MessageStep>,
}

/// What the policies of one type said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct MessageType {
    #[n(0)]
    pub(crate) policy_type: Box<str>,
    /// `allows`, `explicitDeny`, `doesNotAllow` or `doesNotApply`.
    #[n(1)]
    pub(crate) says: Box<str>,
}

/// Something that stood in the way, and what would take it out of the way.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct MessageStep {
    #[n(0)]
    pub(crate) policy_type: Box<str>,
    /// Sentences, of which one is enough.
    #[n(1)]
    pub(crate) changes: Vec<Box<str>>,
}

/// Who was denied.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct MessagePrincipal {
    #[n(0)]
    pub(crate) id: Option<Box<str>>,
    #[n(1)]
    pub(crate) name: Option<Box<str>>,
    #[n(2)]
    pub(crate) arn: Option<Box<str>>,
}

impl MessagePrincipal {
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// A statement, as its document has it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct MessageStatement {
    #[n(0)]
    pub(crate) policy: Box<str>,
    #[n(1)]
    pub(crate) text: Box<str>,
}

/// A statement that would allow but for one thing.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct MessageNearMiss {
    #[n(0)]
    pub(crate) statement: MessageStatement,
    /// `resource`, `principal` or `conditions`.
    #[n(1)]
    pub(crate) obstacle: Box<str>,
    /// The keys of the conditions.
    #[n(2)]
    pub(crate) keys: Vec<Box<str>>,
}

/// A condition key and its values.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct MessageKey {
    #[n(0)]
    pub(crate) name: Box<str>,
    #[n(1)]
    pub(crate) values: Vec<Box<str>>,
}

impl AuthorizationMessage {
    /// What is to be said of a denial to whoever of `account`, the caller's, may know it.
    pub fn new(
        account: AccountId,
        request: &Request<'_>,
        keys: &DecisionKeys<'_>,
        explained: &Explanation,
    ) -> AuthorizationMessage {
        let principal = request.principal;
        let near_misses = explained.near_misses.iter().map(|miss| MessageNearMiss {
            statement: MessageStatement::of(&miss.statement),
            obstacle: miss.obstacle.as_str().into(),
            keys: miss.obstacle.keys().iter().map(|key| key.as_str().into()).collect(),
        });
        let of_principal = |key| principal.value(key).map(Box::from);
        let key = |(name, values): (String, Vec<String>)| MessageKey {
            name: name.into(),
            values: values.into_iter().map(Box::from).collect(),
        };
        AuthorizationMessage {
            account,
            is_explicit: matches!(explained.decision, Decision::DenyExplicitly(_)),
            policy_type: explained.decision.decided_by().as_str().into(),
            reason: explained.message().into(),
            principal: MessagePrincipal {
                id: of_principal("aws:userid"),
                name: of_principal("aws:username"),
                arn: principal.arn().map(Box::from),
            },
            action: request.action.into(),
            resource: request.resource.into(),
            matched: explained.statements.iter().map(MessageStatement::of).collect(),
            near_misses: near_misses.collect(),
            missing_keys: explained.missing_keys.iter().map(|key| key.as_str().into()).collect(),
            keys: keys.all().into_iter().map(key).collect(),
            is_cut: false,
            types: types(explained),
            steps: explained.steps.iter().take(STEPS_MAX).map(MessageStep::of).collect(),
        }
    }

    /// The same, with less said, until it fits; none if even the least does not.
    fn fitting(mut self) -> Option<Vec<u8>> {
        loop {
            let content = minicbor::to_vec(&self).ok()?;
            if content.len() <= CONTENT_LENGTH_MAX {
                return Some(content);
            }
            self.is_cut = true;
            // What helps least goes first.
            let is_shorter = self.near_misses.pop().is_some()
                || self.steps.pop().is_some()
                || self.keys.pop().is_some()
                || self.matched.pop().is_some()
                || self.missing_keys.pop().is_some();
            if !is_shorter {
                return None;
            }
        }
    }
}

fn types(explained: &Explanation) -> Vec<MessageType> {
    let present = explained.types.iter().filter(|it| it.verdict != Verdict::Absent);
    let told = present.map(|it| MessageType {
        policy_type: it.policy_type.as_str().into(),
        says: it.verdict.as_str().into(),
    });
    told.collect()
}

impl MessageStep {
    fn of(step: &Step) -> MessageStep {
        let place = |statement: &DecidingStatement| {
            let sid = statement.sid.as_ref().map(|sid| format!(" (Sid {sid})")).unwrap_or_default();
            let DecidingStatement { policy, line, column, .. } = statement;
            format!("{policy}:{line}:{column}{sid}")
        };
        let changes = step.changes.iter().map(|change| change.sentence(place).into());
        MessageStep { policy_type: step.policy_type.as_str().into(), changes: changes.collect() }
    }
}

impl MessageStatement {
    fn of(statement: &DecidingStatement) -> MessageStatement {
        MessageStatement { policy: (*statement.policy).into(), text: statement.text().into() }
    }
}

impl SessionKeys {
    /// Seals a message, in at most [`ENCODED_LENGTH_MAX`] characters; none if the ring is empty.
    pub fn seal_message(&self, message: AuthorizationMessage, draw: &mut Draw) -> Option<String> {
        let (key, mut sealed) = self.header(draw)?;
        let message_key = message_key(key, ring::salt(&sealed)?)?;
        let mut content = message.fitting()?;
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        message_key.seal_in_place_append_tag(nonce, Aad::from(&sealed), &mut content).ok()?;
        sealed.extend_from_slice(&content);
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a message; none for everything but an unaltered one that was sealed for this account
    /// with a key of the ring.
    pub fn open_message(&self, encoded: &str, account: AccountId) -> Option<AuthorizationMessage> {
        if encoded.len() > ENCODED_LENGTH_MAX {
            return None;
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let Parts { key, header, content } = self.parts(&mut bytes)?;
        let message_key = message_key(key, ring::salt(header)?)?;
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let content = message_key.open_in_place(nonce, Aad::from(header), content).ok()?;
        let message: AuthorizationMessage = minicbor::decode(content).ok()?;
        (message.account == account).then_some(message)
    }
}

/// Each message has a key of its own, so that no nonce is used twice under one key.
fn message_key(key: &RingKey, salt: &[u8]) -> Option<LessSafeKey> {
    let mut material = zeroize::Zeroizing::new([0_u8; 32]);
    key.expand(b"iamd authorization message 1", salt, &mut *material)?;
    Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*material).ok()?))
}

#[cfg(test)]
mod tests {
    use iamd_wire::Timestamp;

    use super::*;
    use crate::ring::RingKeyTime;

    const ACCOUNT: &str = "111122223333";

    fn message() -> AuthorizationMessage {
        AuthorizationMessage {
            account: ACCOUNT.parse().unwrap(),
            is_explicit: true,
            policy_type: "identity".into(),
            reason: "because".into(),
            principal: MessagePrincipal {
                id: Some("AIDA".into()),
                name: None,
                arn: Some("arn".into()),
            },
            action: "iam:GetUser".into(),
            resource: "*".into(),
            matched: vec![MessageStatement { policy: "p".into(), text: "{}".into() }],
            near_misses: Vec::new(),
            missing_keys: vec!["aws:SourceVpc".into()],
            keys: vec![MessageKey { name: "aws:SourceIp".into(), values: vec!["::1".into()] }],
            is_cut: false,
            types: vec![MessageType {
                policy_type: "identity".into(),
                says: "explicitDeny".into(),
            }],
            steps: vec![MessageStep {
                policy_type: "identity".into(),
                changes: vec!["remove it".into()],
            }],
        }
    }

    fn draw() -> Draw {
        Draw::new(Timestamp::from_seconds(0), [1; 32])
    }

    #[test]
    fn only_the_account_that_it_is_for_opens_an_unaltered_message() {
        let keys = SessionKeys::new([(2, RingKeyTime::ALWAYS, &[9; 32])]);
        let account = ACCOUNT.parse().unwrap();
        let sealed = keys.seal_message(message(), &mut draw()).unwrap();
        assert_eq!(keys.open_message(&sealed, account), Some(message()));
        assert_eq!(keys.open_message(&sealed, "444455556666".parse().unwrap()), None);
        assert_eq!(
            SessionKeys::new([(2, RingKeyTime::ALWAYS, &[8; 32])]).open_message(&sealed, account),
            None
        );
        assert_eq!(
            SessionKeys::new([(3, RingKeyTime::ALWAYS, &[9; 32])]).open_message(&sealed, account),
            None
        );
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for place in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[place] ^= 1;
            assert_eq!(keys.open_message(&URL_SAFE_NO_PAD.encode(&altered), account), None);
            let cut = URL_SAFE_NO_PAD.encode(&bytes[..place]);
            assert_eq!(keys.open_message(&cut, account), None);
        }
        assert_eq!(keys.open_message(&"A".repeat(ENCODED_LENGTH_MAX + 1), account), None);
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_that_is_said() {
        let keys = SessionKeys::new([(2, RingKeyTime::ALWAYS, &[9; 32])]);
        let mut long = message();
        let text: Box<str> = "x".repeat(3_000).into();
        long.matched = vec![MessageStatement { policy: "p".into(), text }; 4];
        let sealed = keys.seal_message(long, &mut draw()).unwrap();
        assert!(sealed.len() <= ENCODED_LENGTH_MAX);
        let opened = keys.open_message(&sealed, ACCOUNT.parse().unwrap()).unwrap();
        assert!(opened.is_cut);
        assert_eq!((opened.matched.len(), opened.keys.len()), (2, 0));
        let mut longest = message();
        longest.resource = "x".repeat(ENCODED_LENGTH_MAX).into();
        assert_eq!(keys.seal_message(longest, &mut draw()), None);
    }
}
