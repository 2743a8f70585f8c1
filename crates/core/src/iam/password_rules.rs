//! When a password conforms, and when it has expired.
//!
//! Source: IAM User Guide, "Set an account password policy for IAM users".

use iamd_wire::{ErrorCode, Secret, Timestamp};

use crate::refusal::Refusal;
use crate::state::{Account, AccountSettings, LoginProfile, PasswordPolicy};

/// What counts as a symbol. Same source.
const SYMBOLS: &str = "!@#$%^&*()_+-=[]{}|'";
/// Least length without a policy of the account's own, in characters. Same source.
const LENGTH_MIN_OF_AWS: u32 = 8;
/// How many of the four classes of characters AWS's own policy asks for. Same source.
const CLASSES_OF_AWS: usize = 3;
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Refuses a new password that the rules of the account do not allow.
///
/// # Errors
/// `PasswordPolicyViolation`
pub(super) fn require_conforming(account: &Account, password: &Secret) -> Result<(), Refusal> {
    let conforms = match account.password_policy() {
        Some(policy) => conforms_to(policy, password.expose()),
        None => conforms_to_aws(account.settings().map(|settings| &**settings), password.expose()),
    };
    if conforms { Ok(()) } else { Err(violation()) }
}

/// The refusal of a password.
pub(super) fn violation() -> Refusal {
    Refusal::new(
        ErrorCode::PasswordPolicyViolation,
        "Password does not conform to the account password policy.",
    )
}

/// When a password expires; never without a policy that says so.
pub fn expiry(account: &Account, profile: &LoginProfile) -> Option<Timestamp> {
    let days = account.password_policy()?.age_days_max?;
    let seconds = i64::from(days) * DAY_SECONDS;
    Some(Timestamp::from_seconds(profile.changed.seconds().saturating_add(seconds)))
}

/// What a right password lets its user do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// He may sign in.
    Good,
    /// He must set another one before he gets in.
    MustChange,
    /// An administrator must set another one: it has expired, and the account wants it so.
    MustBeReset,
}

/// What a right password lets its user do now: expiry holds at once, for passwords that were there
/// before the policy as well.
pub fn standing(account: &Account, profile: &LoginProfile, now: Timestamp) -> Standing {
    let has_expired = expiry(account, profile).is_some_and(|expiry| expiry <= now);
    let is_hard = account.password_policy().is_some_and(|policy| policy.hard_expiry == Some(true));
    match (has_expired, is_hard) {
        (true, true) => Standing::MustBeReset,
        (true, false) => Standing::MustChange,
        (false, _) if profile.reset_required => Standing::MustChange,
        (false, _) => Standing::Good,
    }
}

fn conforms_to(policy: &PasswordPolicy, password: &str) -> bool {
    let has = Classes::of(password);
    is_long_enough(policy.length_min, password)
        && (has.uppercase || !policy.require_uppercase)
        && (has.lowercase || !policy.require_lowercase)
        && (has.numbers || !policy.require_numbers)
        && (has.symbols || !policy.require_symbols)
}

/// The policy of accounts that have none of their own.
fn conforms_to_aws(settings: Option<&AccountSettings>, password: &str) -> bool {
    let Classes { uppercase, lowercase, numbers, symbols } = Classes::of(password);
    let classes = [uppercase, lowercase, numbers, symbols].into_iter().filter(|has| *has).count();
    let names = settings.map(|settings| {
        let alias = settings.alias.as_deref().unwrap_or_default();
        [alias.to_owned(), settings.account.to_string(), settings.root_email.to_string()]
    });
    let is_a_name = names.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(password));
    is_long_enough(LENGTH_MIN_OF_AWS, password) && classes >= CLASSES_OF_AWS && !is_a_name
}

fn is_long_enough(least: u32, password: &str) -> bool {
    password.chars().nth((least as usize).saturating_sub(1)).is_some()
}

/// Which classes of characters a password has. Letters are those of the basic Latin alphabet.
struct Classes {
    uppercase: bool,
    lowercase: bool,
    numbers: bool,
    symbols: bool,
}

impl Classes {
    fn of(password: &str) -> Classes {
        let has = |is: fn(char) -> bool| password.chars().any(is);
        Classes {
            uppercase: has(|character| character.is_ascii_uppercase()),
            lowercase: has(|character| character.is_ascii_lowercase()),
            numbers: has(|character| character.is_ascii_digit()),
            symbols: has(|character| SYMBOLS.contains(character)),
        }
    }
}
