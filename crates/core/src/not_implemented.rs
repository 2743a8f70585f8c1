//! What is not built yet: an honest answer for each, and a list that only shrinks.
//!
//! Taking an operation off this list breaks the build until its `impl Operation` exists.

use iamd_wire::{ErrorCode, NoOutput};

use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;

macro_rules! not_implemented {
    ($service:literal, $module:ident: $($operation:ident $request:ident,)*) => {
        $(
            impl Operation for iamd_wire::$module::$request {
                const ACTION: &'static str = concat!($service, ":", stringify!($operation));
                const EFFECT: Effect = Effect::Read;
                type Output = NoOutput;

                fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                    Ok(vec![Target::wildcard(Self::ACTION, None)])
                }

                fn plan(&self, _: &Scene<'_>, _: &mut Draw) -> Result<Planned<NoOutput>, Refusal> {
                    Err(refusal(Self::ACTION))
                }
            }
        )*
        #[cfg(test)]
        pub(crate) mod $module {
            /// The names on the list.
            pub(crate) const NAMES: &[&str] = &[$(stringify!($operation)),*];
        }
    };
}

fn refusal(action: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidAction, format!("{action} is not implemented by iamd yet"))
}

not_implemented! {
    "iam", iam:
}

not_implemented! {
    "sts", sts:
    AssumeRoleWithSAML AssumeRoleWithSAMLRequest,
    AssumeRoleWithWebIdentity AssumeRoleWithWebIdentityRequest,
    GetDelegatedAccessToken GetDelegatedAccessTokenRequest,
    GetFederationToken GetFederationTokenRequest,
    GetWebIdentityToken GetWebIdentityTokenRequest,
}
