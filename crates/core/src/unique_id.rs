//! Unique ids and access key ids, which carry the account number.
//!
//! Source: IAM User Guide, "IAM identifiers" (prefixes); the place of the account number inside the
//! id follows public findings about ids issued since 2019.

use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

use crate::account_id::{ACCOUNT_NUMBER_MAX, AccountId};
use crate::draw::Draw;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// What is added to half the account number; ids below it carry no account.
const ACCOUNT_OFFSET: u64 = 0x80_0000_0000;
const UNIQUE_ID_LENGTH: usize = 21;
const ACCESS_KEY_ID_LENGTH: usize = 20;
/// Longest access key id. IAM model, `accessKeyIdType`.
pub const ACCESS_KEY_ID_LENGTH_MAX: usize = 128;
/// Shortest access key id. IAM model, `accessKeyIdType`.
pub const ACCESS_KEY_ID_LENGTH_MIN: usize = 16;

/// What a unique id identifies: its first four characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdPrefix {
    /// `AIDA`
    User,
    /// `AROA`
    Role,
    /// `AGPA`
    Group,
    /// `ANPA`
    ManagedPolicy,
    /// `AIPA`
    InstanceProfile,
    /// `APKA`
    SshPublicKey,
    /// `ASCA`
    ServerCertificate,
    /// `ACCA`
    ServiceCredential,
    /// `AKIA`
    LongTermKey,
    /// `ASIA`
    TemporaryKey,
    /// `OPER`; not of AWS.
    OperatorKey,
}

impl IdPrefix {
    /// The four characters.
    pub fn as_str(self) -> &'static str {
        match self {
            IdPrefix::User => "AIDA",
            IdPrefix::Role => "AROA",
            IdPrefix::Group => "AGPA",
            IdPrefix::ManagedPolicy => "ANPA",
            IdPrefix::InstanceProfile => "AIPA",
            IdPrefix::SshPublicKey => "APKA",
            IdPrefix::ServerCertificate => "ASCA",
            IdPrefix::ServiceCredential => "ACCA",
            IdPrefix::LongTermKey => "AKIA",
            IdPrefix::TemporaryKey => "ASIA",
            IdPrefix::OperatorKey => "OPER",
        }
    }
}

/// The id of an entity that outlives its name: 21 characters, never used twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UniqueId([u8; UNIQUE_ID_LENGTH]);

impl UniqueId {
    /// Draws a fresh id for an entity of `account`.
    pub fn draw(prefix: IdPrefix, account: AccountId, draw: &mut Draw) -> UniqueId {
        let random = draw.random();
        let mut characters = [b'A'; UNIQUE_ID_LENGTH];
        for (place, byte) in characters.iter_mut().zip(spell(prefix, account, random)) {
            *place = byte;
        }
        UniqueId(characters)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        // INVARIANT: only ASCII is ever stored; an empty text would match no entity.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The account that the id was issued in, if it carries one.
    pub fn account(&self) -> Option<AccountId> {
        carried_account(self.as_str())
    }
}

impl fmt::Debug for UniqueId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for UniqueId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The text is not a unique id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAUniqueId;

impl FromStr for UniqueId {
    type Err = NotAUniqueId;

    fn from_str(text: &str) -> Result<UniqueId, NotAUniqueId> {
        let characters: [u8; UNIQUE_ID_LENGTH] =
            text.as_bytes().try_into().map_err(|_| NotAUniqueId)?;
        if characters.iter().all(|byte| alphabet_index(*byte).is_some()) {
            Ok(UniqueId(characters))
        } else {
            Err(NotAUniqueId)
        }
    }
}

impl<C> minicbor::Encode<C> for UniqueId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.str(self.as_str())?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for UniqueId {
    fn decode(
        decoder: &mut minicbor::Decoder<'b>,
        _: &mut C,
    ) -> Result<UniqueId, minicbor::decode::Error> {
        decoder
            .str()?
            .parse()
            .map_err(|NotAUniqueId| minicbor::decode::Error::message("not a unique id"))
    }
}

/// The id of an access key: 20 characters when issued here, 16 to 128 when chosen by an operator.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessKeyId(SmolStr);

impl AccessKeyId {
    /// Draws a fresh key id for `account`.
    pub fn draw(prefix: IdPrefix, account: AccountId, draw: &mut Draw) -> AccessKeyId {
        AccessKeyId::from_entropy(prefix, account, draw.random())
    }

    /// The key id that these random bits give for `account`.
    pub fn from_entropy(prefix: IdPrefix, account: AccountId, entropy: u128) -> AccessKeyId {
        let text: String =
            spell(prefix, account, entropy).take(ACCESS_KEY_ID_LENGTH).map(char::from).collect();
        AccessKeyId(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account that the id was issued in, if it carries one.
    pub fn account(&self) -> Option<AccountId> {
        carried_account(&self.0)
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<C> minicbor::Encode<C> for AccessKeyId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.str(self.as_str())?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for AccessKeyId {
    fn decode(
        decoder: &mut minicbor::Decoder<'b>,
        _: &mut C,
    ) -> Result<AccessKeyId, minicbor::decode::Error> {
        decoder.str().map(|text| AccessKeyId(text.into()))
    }
}

/// The text cannot be the id of an access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAnAccessKeyId;

impl fmt::Display for NotAnAccessKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an access key id has 16 to 128 letters, digits or underscores")
    }
}

impl std::error::Error for NotAnAccessKeyId {}

impl FromStr for AccessKeyId {
    type Err = NotAnAccessKeyId;

    fn from_str(text: &str) -> Result<AccessKeyId, NotAnAccessKeyId> {
        let length_fits =
            (ACCESS_KEY_ID_LENGTH_MIN..=ACCESS_KEY_ID_LENGTH_MAX).contains(&text.len());
        if length_fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            Ok(AccessKeyId(text.into()))
        } else {
            Err(NotAnAccessKeyId)
        }
    }
}

/// The account number inside an id, if the id carries one.
pub fn carried_account(id: &str) -> Option<AccountId> {
    let mut indices = id.bytes().skip(4).map(alphabet_index);
    let mut half = 0_u64;
    for _ in 0..8 {
        half = (half << 5) | indices.next()??;
    }
    let odd = u64::from(indices.next()?? >= 16);
    let number = half.checked_sub(ACCOUNT_OFFSET)?.checked_mul(2)?.checked_add(odd)?;
    AccountId::from_number(number)
}

fn alphabet_index(character: u8) -> Option<u64> {
    match character {
        b'A'..=b'Z' => Some(u64::from(character - b'A')),
        b'2'..=b'7' => Some(u64::from(character - b'2') + 26),
        _ => None,
    }
}

/// The characters of an id: prefix, account number, random tail; 21 of them.
fn spell(prefix: IdPrefix, account: AccountId, random: u128) -> impl Iterator<Item = u8> {
    let number = account.number().min(ACCOUNT_NUMBER_MAX);
    let half = number / 2 + ACCOUNT_OFFSET;
    let odd = number % 2;
    let account_part = (0..8).rev().map(move |place| (half >> (place * 5)) & 31);
    let tail = (0..9).map(move |place| {
        let index = ((random >> (place * 5)) & 31) as u64;
        // The first character of the tail says whether the account number is odd.
        if place == 0 { (index & 15) + odd * 16 } else { index }
    });
    prefix.as_str().bytes().chain(account_part.chain(tail).map(letter)).take(UNIQUE_ID_LENGTH)
}

fn letter(index: u64) -> u8 {
    usize::try_from(index).ok().and_then(|index| ALPHABET.get(index)).copied().unwrap_or(b'A')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_ids_give_their_accounts() {
        for (id, account) in [
            ("AROA3XFRBF535PLBIFPI4", Some("805677641591")),
            ("ASIAY34FZKBOKMUTVV7A", Some("609629065308")),
            ("ASIAQNZGKIQY56JQ7WML", Some("029608264753")),
            ("AKIAIOSFODNN7EXAMPLE", None),
            ("AKIA", None),
            ("AKIAqqqqqqqqqqqqqqqq", None),
        ] {
            assert_eq!(carried_account(id).map(|account| account.to_string()).as_deref(), account);
        }
    }

    #[test]
    fn every_account_survives_the_round_trip() {
        let mut draw = Draw::new(crate::test_support::NOW, [7; 32]);
        for number in [0, 1, 2, 3, 111_111_111_111, 123_456_789_012, ACCOUNT_NUMBER_MAX] {
            let account = AccountId::from_number(number).unwrap();
            for _ in 0..50 {
                let id = UniqueId::draw(IdPrefix::User, account, &mut draw);
                assert_eq!(id.account(), Some(account), "{id}");
                assert_eq!(id.as_str().parse(), Ok(id));
                let key = AccessKeyId::draw(IdPrefix::LongTermKey, account, &mut draw);
                assert_eq!(key.account(), Some(account), "{key}");
                assert_eq!(key.as_str().len(), 20);
            }
        }
    }
}
