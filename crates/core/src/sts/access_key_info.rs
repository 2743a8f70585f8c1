//! GetAccessKeyInfo. Source: STS API Reference.

use iamd_wire::ErrorCode;
use iamd_wire::sts::{GetAccessKeyInfoRequest, GetAccessKeyInfoResponse};

use crate::account_id::AccountId;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::unique_id::{AccessKeyId, IdPrefix};

/// Tells the account of an access key, whatever the key's state.
impl Operation for GetAccessKeyInfoRequest {
    const ACTION: &'static str = "sts:GetAccessKeyInfo";
    const EFFECT: Effect = Effect::Read;
    type Output = GetAccessKeyInfoResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let account = account_of(scene, &self.access_key_id).ok_or_else(|| {
            // CHOICE: AWS documents no error for a key that does not exist.
            Refusal::new(
                ErrorCode::ValidationError,
                format!("The Access Key with id {} cannot be found.", self.access_key_id),
            )
        })?;
        Ok(Planned::read(GetAccessKeyInfoResponse { account: Some(account.to_string()) }))
    }
}

/// Long-term keys must exist. Temporary ones are stored nowhere: their id carries the account,
/// which must exist.
fn account_of(scene: &Scene<'_>, id: &str) -> Option<AccountId> {
    let key: AccessKeyId = id.parse().ok()?;
    if let Some((account, _)) = scene.state.access_key(&key) {
        return Some(account.id());
    }
    if !id.starts_with(IdPrefix::TemporaryKey.as_str()) {
        return None;
    }
    scene.state.account(key.account()?).map(|account| account.id())
}
