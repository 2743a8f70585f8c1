//! Things that count once: one-time codes, whose steps are claimed in the store.

use iamd_core::account_id::AccountId;
use iamd_core::preparation::{CodeOutcome, CodeUse};
use iamd_core::state::MfaDeviceId;
use iamd_core::totp::Step;
use iamd_store::{ClaimKey, Claimed, StoreError};

use super::Node;
use super::load::store_fault;
use crate::fault::Fault;

impl Node {
    /// Uses the codes up, durably, whichever node they are shown to.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the store takes no writes: the codes must not count then.
    pub async fn use_up(&self, code: &CodeUse) -> Result<CodeOutcome, Fault> {
        let outcome = self.claims(code).await;
        self.metrics().claimed(&outcome);
        outcome
    }

    async fn claims(&self, code: &CodeUse) -> Result<CodeOutcome, Fault> {
        // A code that was used later makes those before it worthless: they go first, so that none
        // of them can come after it.
        for step in &code.passed {
            let _ = self.claim(code, *step).await?;
        }
        let mut outcome = if code.is_right() { CodeOutcome::Claim } else { CodeOutcome::Refuse };
        for step in &code.steps {
            match self.claim(code, *step).await? {
                Claimed::First => {}
                Claimed::Already => outcome = CodeOutcome::Refuse,
            }
        }
        Ok(outcome)
    }

    async fn claim(&self, code: &CodeUse, step: Step) -> Result<Claimed, Fault> {
        let key = claim_key(code.account, code.device, step).map_err(store_fault)?;
        let now = self.clock().now().seconds();
        self.store().claim(&key, code.expires.seconds(), now).await.map_err(store_fault)
    }
}

/// All parts but the word have one length, so that no two claims share a key.
fn claim_key(account: AccountId, device: MfaDeviceId, step: Step) -> Result<ClaimKey, StoreError> {
    let mut key = b"totp".to_vec();
    key.extend_from_slice(&account.number().to_be_bytes());
    key.extend_from_slice(&device.0);
    key.extend_from_slice(&step.to_be_bytes());
    ClaimKey::new(key)
}
