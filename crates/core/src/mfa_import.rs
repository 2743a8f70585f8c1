//! Making hardware tokens known by their seeds. An operator's command: AWS gets them from the maker.

use std::collections::BTreeSet;

use iamd_wire::{ErrorCode, Secret};

use crate::draw::Draw;
use crate::iam::SERIAL_LENGTH_MAX;
use crate::quota::{MFA_DEVICES_PER_USER, Quotas};
use crate::refusal::Refusal;
use crate::state::{Account, AccountChanges, Change, Entity, MfaDevice, MfaDeviceId, MfaKind};
use crate::totp;

/// Shortest serial number that requests can name, in characters. IAM model, `serialNumberType`.
const SERIAL_LENGTH_MIN: usize = 9;

/// What a maker tells of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HardwareToken {
    /// The serial number that is printed on it.
    pub serial: String,
    /// Its seed in Base32.
    pub seed: Secret,
}

/// Plans that an account knows these tokens, all or none of them; they are nobody's at first.
///
/// # Errors
/// A refusal that names the serial number, and never a seed.
pub fn import(
    account: &Account,
    tokens: &[HardwareToken],
    quotas: &Quotas,
    draw: &mut Draw,
) -> Result<AccountChanges, Refusal> {
    // CHOICE: as many as all users together can have.
    let most = u64::from(quotas.users) * u64::from(MFA_DEVICES_PER_USER);
    let count = account.mfa_devices().hardware_count() + tokens.len();
    if u64::try_from(count).is_ok_and(|count| count > most) {
        return Err(Refusal::new(
            ErrorCode::LimitExceeded,
            format!("an account has at most {most} hardware MFA devices"),
        ));
    }
    let mut serials = BTreeSet::new();
    let mut changes = Vec::with_capacity(tokens.len());
    for token in tokens {
        require_serial(&token.serial)?;
        let is_known = account.mfa_devices().with_serial(&token.serial).is_some();
        if is_known || !serials.insert(token.serial.as_str()) {
            return Err(refused(&token.serial, "is known already"));
        }
        let seed = totp::normalized(&token.seed).map_err(|totp::NotASeed| {
            refused(&token.serial, "has no seed of 16 to 64 bytes in Base32")
        })?;
        changes.push(Change::Put(Entity::MfaDevice(MfaDevice {
            serial: token.serial.as_str().into(),
            kind: MfaKind::Hardware,
            id: MfaDeviceId(draw.bytes()),
            seed,
            created: draw.now(),
            tags: Vec::new(),
            last_step: None,
            assignment: None,
        })));
    }
    Ok(AccountChanges { account: account.id(), changes })
}

fn require_serial(serial: &str) -> Result<(), Refusal> {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=/:,.@-".contains(&byte);
    if serial.starts_with("arn:") {
        return Err(refused(serial, "is that of a virtual device"));
    }
    let has_length = (SERIAL_LENGTH_MIN..=SERIAL_LENGTH_MAX).contains(&serial.len());
    if has_length && serial.bytes().all(is_legal) {
        return Ok(());
    }
    Err(refused(serial, "does not have 9 to 256 letters, digits or any of _+=/:,.@-"))
}

fn refused(serial: &str, what: &str) -> Refusal {
    let serial: String = serial.chars().take(SERIAL_LENGTH_MAX).collect();
    Refusal::new(ErrorCode::InvalidInput, format!("the serial number `{serial}` {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{ACCOUNT, NOW, World};

    const SEED: &str = "gezd gnbv gy3t qojq gezd gnbv gy3t qojq";

    fn token(serial: &str, seed: &str) -> HardwareToken {
        HardwareToken { serial: serial.to_owned(), seed: Secret::from(seed.to_owned()) }
    }

    fn imported(world: &World, tokens: &[HardwareToken]) -> Result<AccountChanges, Refusal> {
        let account = world.state.account(ACCOUNT.parse().unwrap()).unwrap();
        import(account, tokens, &world.quotas, &mut Draw::new(NOW, [7; 32]))
    }

    #[test]
    fn all_tokens_are_taken_or_none() {
        let mut world = World::new();
        let good = [token("GAHT12345678", SEED), token("GAHT/1234=5", SEED)];
        let changes = imported(&world, &good).unwrap();
        world.commit(&[changes]);
        let account = world.state.account(ACCOUNT.parse().unwrap()).unwrap();
        let device = account.mfa_devices().with_serial("GAHT12345678").unwrap();
        assert_eq!(device.seed.expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (bad, what) in [
            (token("GAHT12345678", SEED), "is known already"),
            (token("short", SEED), "does not have 9 to 256"),
            (token("with a space", SEED), "does not have 9 to 256"),
            (token("arn:aws:iam::111122223333:mfa/x", SEED), "is that of a virtual device"),
            (token("GAHT87654321", "GEZDGNBV"), "has no seed"),
            (token("GAHT87654321", "not base32 at all!"), "has no seed"),
        ] {
            let refusal = imported(&world, &[token("GAHT00000000", SEED), bad]).unwrap_err();
            let message = refusal.message.unwrap();
            assert!(message.contains(what), "{message}");
            assert!(!message.contains("GEZDGNBV") && !message.contains("base32 at"), "{message}");
        }
        let twice = [token("GAHT00000000", SEED), token("GAHT00000000", SEED)];
        assert!(imported(&world, &twice).is_err());
        world.quotas.users = 0;
        assert!(imported(&world, &[token("GAHT00000000", SEED)]).is_err());
    }
}
