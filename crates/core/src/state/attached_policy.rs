//! Managed policies as their holders name them.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use minicbor::{Decode, Encode};

/// A managed policy attached to a user, group or role, by its ARN.
///
/// Managed policies cannot be renamed, and cannot be deleted while attached, so the ARN is stable. All
/// who have the same policy attached share its text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttachedPolicy(Arc<str>);

impl AttachedPolicy {
    /// The policy of this ARN.
    pub fn of(arn: &str) -> AttachedPolicy {
        let known = texts().read().unwrap_or_else(PoisonError::into_inner).known.get(arn).cloned();
        AttachedPolicy(
            known.unwrap_or_else(|| {
                texts().write().unwrap_or_else(PoisonError::into_inner).added(arn)
            }),
        )
    }

    /// The ARN.
    pub fn arn(&self) -> &str {
        &self.0
    }
}

/// Maps of policies are asked by ARN: who only asks leaves nothing behind.
impl Borrow<str> for AttachedPolicy {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The ARNs in use. Memory of a pure function, not state.
fn texts() -> &'static RwLock<Texts> {
    static TEXTS: OnceLock<RwLock<Texts>> = OnceLock::new();
    TEXTS.get_or_init(RwLock::default)
}

/// Fewer texts are never cleared out.
const TEXTS_MIN: usize = 1_024;

#[derive(Default)]
struct Texts {
    known: HashSet<Arc<str>>,
    /// How many there may be before those that nobody uses are cleared out.
    texts_max: usize,
}

impl Texts {
    fn added(&mut self, arn: &str) -> Arc<str> {
        if let Some(known) = self.known.get(arn) {
            return Arc::clone(known);
        }
        if self.known.len() >= self.texts_max.max(TEXTS_MIN) {
            self.known.retain(|text| Arc::strong_count(text) > 1);
            self.texts_max = self.known.len() * 2;
        }
        let text: Arc<str> = arn.into();
        self.known.insert(Arc::clone(&text));
        text
    }
}

impl<C> Encode<C> for AttachedPolicy {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for AttachedPolicy {
    fn decode(
        decoder: &mut minicbor::Decoder<'b>,
        _: &mut C,
    ) -> Result<AttachedPolicy, minicbor::decode::Error> {
        decoder.str().map(AttachedPolicy::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_arn_has_one_text() {
        let arn = "arn:aws:iam::111122223333:policy/shared";
        let (one, other) = (AttachedPolicy::of(arn), AttachedPolicy::of(arn));
        assert!(Arc::ptr_eq(&one.0, &other.0));
        assert_eq!(one.arn(), arn);
        assert_ne!(one, AttachedPolicy::of("arn:aws:iam::111122223333:policy/other"));
    }

    #[test]
    fn what_nobody_uses_is_forgotten() {
        let mut texts = Texts::default();
        let kept = texts.added("kept");
        for number in 0..5_000 {
            texts.added(&number.to_string());
        }
        assert!(texts.known.len() <= TEXTS_MIN);
        assert!(Arc::ptr_eq(&texts.added("kept"), &kept));
    }
}
