//! What `AllowUsersToChangePassword` grants to every user of an account.

use std::sync::LazyLock;

use iamd_policy::{Grammar, PolicySet};

use super::document;
use crate::caller::Identity;
use crate::operation::Scene;

/// What the setting grants, as a policy. A user's ChangePassword has one target, himself.
///
/// Source: IAM User Guide, "Set an account password policy for IAM users", "Allow users to change
/// their own password".
const GRANT: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:ChangePassword","iam:GetAccountPasswordPolicy"],"Resource":"*"}}"#;

static GRANT_SET: LazyLock<PolicySet> = LazyLock::new(|| {
    let document = document::checked(GRANT, Grammar::Identity).ok();
    let named =
        document.map(|document| ("account-password-policy".into(), document.compiled().clone()));
    named.into_iter().collect()
});

/// What the account grants to its users beside their own policies; to nobody else.
// CHOICE: it counts like one more identity-based policy: an explicit deny, a boundary and a session
// policy hold against it. AWS says that it applies "at the account level" and no more.
pub(super) fn grant(scene: &Scene<'_>) -> Option<&'static PolicySet> {
    let is_user = matches!(scene.caller.identity, Identity::User(_));
    let policy = scene.account.password_policy()?;
    (is_user && policy.users_may_change).then_some(&*GRANT_SET)
}
