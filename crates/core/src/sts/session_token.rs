//! GetSessionToken. Source: STS API Reference.

use iamd_wire::sts::{GetSessionTokenRequest, GetSessionTokenResponse};
use iamd_wire::{ErrorCode, Timestamp};

use super::credentials::issue;
use super::mfa;
use crate::caller::Identity;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::preparation::CodeUse;
use crate::refusal::Refusal;
use crate::session::{Session, Subject};

/// Length of a session when the request does not say, in seconds.
const SECONDS_DEFAULT: i32 = 43_200;
/// Longest session of root, in seconds; a longer request is cut, not refused.
const ROOT_SECONDS_MAX: i32 = 3_600;

/// Gives a user or root temporary credentials of his own; needs no permission.
impl Operation for GetSessionTokenRequest {
    const ACTION: &'static str = "sts:GetSessionToken";
    const EFFECT: Effect = Effect::Read;
    type Output = GetSessionTokenResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn is_prepared(&self) -> bool {
        self.serial_number.is_some() || self.token_code.is_some()
    }

    fn shown_code(&self, scene: &Scene<'_>) -> Result<Option<CodeUse>, Refusal> {
        self.permit(scene)?;
        mfa::shown_code(scene, self.serial_number.as_deref(), self.token_code.as_deref())
    }

    fn permit(&self, scene: &Scene<'_>) -> Result<(), Refusal> {
        match scene.caller.session() {
            None => Ok(()),
            Some(_) => Err(refused_to_sessions()),
        }
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let code = self.shown_code(scene)?;
        code.iter().try_for_each(|code| mfa::require_claimed(scene, code))?;
        let seconds = self.duration_seconds.unwrap_or(SECONDS_DEFAULT);
        let (subject, seconds) = match &scene.caller.identity {
            Identity::Root => (Subject::Root, seconds.min(ROOT_SECONDS_MAX)),
            Identity::User(id) => (Subject::User(*id), seconds),
            // Roles have no long-term keys.
            Identity::RoleSession { .. } => return Err(refused_to_sessions()),
        };
        let session = Session {
            account: scene.account.id(),
            issued: scene.account.issue_time(&subject, draw.now()),
            subject,
            expires: Timestamp::from_seconds(draw.now().seconds() + i64::from(seconds)),
            policies: None,
            tags: Vec::new(),
            source_identity: None,
            mfa: code.map(|code| code.at),
        };
        let issued = issue(scene, &session, self.minimum_session_token_size, draw)?;
        Ok(Planned::read(GetSessionTokenResponse {
            credentials: Some(issued.credentials),
            session_token_utilization: issued.token_utilization,
            session_token_size: issued.token_size,
        }))
    }
}

fn refused_to_sessions() -> Refusal {
    Refusal::new(ErrorCode::AccessDenied, "Cannot call GetSessionToken with session credentials")
}
