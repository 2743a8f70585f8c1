//! What values of condition keys can be read as.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;

use super::date::Date;
use super::number::Number;

/// What the values of a condition key are, as requests of the simulator tell it.
///
/// Source: IAM API Reference, ContextEntry, `ContextKeyType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// Any text.
    String,
    /// A number.
    Numeric,
    /// `true` or `false`.
    Boolean,
    /// An address, or a network in CIDR form.
    Ip,
    /// Bytes in Base64.
    Binary,
    /// A date with or without a time, or seconds since 1970.
    Date,
}

impl ValueKind {
    /// Whether conditions can read a value as this.
    ///
    /// ```
    /// use iamd_policy::ValueKind;
    ///
    /// assert!(ValueKind::Date.reads("2026-01-31T12:00:00Z"));
    /// assert!(!ValueKind::Date.reads("yesterday"));
    /// ```
    pub fn reads(self, value: &str) -> bool {
        match self {
            ValueKind::String => true,
            ValueKind::Numeric => Number::parse(value).is_some(),
            ValueKind::Boolean => ["true", "false"].iter().any(|it| it.eq_ignore_ascii_case(value)),
            ValueKind::Ip => value.parse::<IpAddr>().is_ok() || value.parse::<IpNet>().is_ok(),
            ValueKind::Binary => STANDARD.decode(value).is_ok(),
            ValueKind::Date => Date::parse(value).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_conditions_read_them() {
        for (kind, fits, misses) in [
            (ValueKind::Numeric, "-1.5e3", "one"),
            (ValueKind::Boolean, "True", "yes"),
            (ValueKind::Ip, "10.0.0.0/8", "10.0.0"),
            (ValueKind::Ip, "::1", ""),
            (ValueKind::Binary, "AQI=", "AQI"),
            (ValueKind::Date, "1769860800", "2026-13-01"),
        ] {
            assert!(kind.reads(fits) && !kind.reads(misses), "{kind:?} {fits} {misses}");
            assert!(ValueKind::String.reads(misses));
        }
    }
}
