//! Account numbers.

use std::fmt;
use std::str::FromStr;

/// The number of an account: twelve decimal digits, or the number of a pseudo-account.
///
/// Pseudo-accounts hold what crosses accounts; their numbers lie beyond twelve digits, so that no
/// client can name one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(u64);

/// Greatest account number: twelve nines.
pub const ACCOUNT_NUMBER_MAX: u64 = 999_999_999_999;

impl AccountId {
    /// The pseudo-account that holds account aliases and root e-mail addresses.
    pub const DIRECTORY: AccountId = AccountId(ACCOUNT_NUMBER_MAX + 1);

    /// The pseudo-account that holds the stored keys.
    pub const KEYS: AccountId = AccountId(ACCOUNT_NUMBER_MAX + 2);

    /// The pseudo-account that holds the credentials of operators.
    pub const OPERATORS: AccountId = AccountId(ACCOUNT_NUMBER_MAX + 3);

    /// The account of this number, if it has at most twelve digits.
    pub fn from_number(number: u64) -> Option<AccountId> {
        (number <= ACCOUNT_NUMBER_MAX).then_some(AccountId(number))
    }

    /// The number as the store knows it, pseudo-accounts included.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The account that the store knows under this number, pseudo-accounts included.
    pub fn from_stored(number: u64) -> Option<AccountId> {
        (number <= Self::OPERATORS.0).then_some(AccountId(number))
    }
}

impl AccountId {
    /// Appends the number, or the name of a pseudo-account.
    pub fn push_to(self, text: &mut String) {
        match self.pseudonym() {
            Some(name) => text.push_str(name),
            None => text.push_str(std::str::from_utf8(&self.digits()).unwrap_or_default()),
        }
    }

    /// The name of a pseudo-account.
    fn pseudonym(self) -> Option<&'static str> {
        match self {
            AccountId::DIRECTORY => Some("directory"),
            AccountId::KEYS => Some("keys"),
            AccountId::OPERATORS => Some("operators"),
            AccountId(_) => None,
        }
    }

    fn digits(self) -> [u8; 12] {
        let mut digits = [b'0'; 12];
        let mut rest = self.0;
        for place in digits.iter_mut().rev() {
            // The remainder is below ten.
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        digits
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pseudonym() {
            Some(name) => formatter.write_str(name),
            None => formatter.write_str(std::str::from_utf8(&self.digits()).unwrap_or_default()),
        }
    }
}

/// The text is not an account number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAnAccountId;

impl fmt::Display for NotAnAccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an account id has exactly 12 digits")
    }
}

impl std::error::Error for NotAnAccountId {}

impl FromStr for AccountId {
    type Err = NotAnAccountId;

    fn from_str(text: &str) -> Result<AccountId, NotAnAccountId> {
        if text.len() != 12 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAnAccountId);
        }
        text.parse().map(AccountId).map_err(|_| NotAnAccountId)
    }
}

impl<C> minicbor::Encode<C> for AccountId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.u64(self.0)?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for AccountId {
    fn decode(
        decoder: &mut minicbor::Decoder<'b>,
        _: &mut C,
    ) -> Result<AccountId, minicbor::decode::Error> {
        let number = decoder.u64()?;
        AccountId::from_stored(number)
            .ok_or_else(|| minicbor::decode::Error::message("account number out of range"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_twelve_digits() {
        assert_eq!("000000000042".parse(), Ok(AccountId(42)));
        assert_eq!(AccountId(42).to_string(), "000000000042");
        for wrong in ["", "42", "1234567890123", "12345678901a", "+12345678901", "１２３４"] {
            assert_eq!(wrong.parse::<AccountId>(), Err(NotAnAccountId), "{wrong}");
        }
        assert_eq!(AccountId::from_number(ACCOUNT_NUMBER_MAX + 1), None);
    }
}
