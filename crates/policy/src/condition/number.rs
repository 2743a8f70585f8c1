//! Decimal numbers of any length, compared exactly.

use std::cmp::Ordering;

/// Greatest power of ten, up or down. Beyond it a text is no number.
const EXPONENT_MAX: i64 = 10_000;

/// A decimal number: 0.`digits` times ten to the power of `point`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Number {
    negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: Box<[u8]>,
    point: i64,
}

impl Number {
    /// Reads an integer or decimal, with or without sign and exponent.
    pub(crate) fn parse(text: &str) -> Option<Number> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_number =
            all_digits(whole) && all_digits(fraction) && whole.len() + fraction.len() > 0;
        if !is_number || exponent.abs() > EXPONENT_MAX {
            return None;
        }
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        let trimmed = digits.get(leading..).unwrap_or_default();
        let trailing = trimmed.iter().rev().take_while(|digit| **digit == b'0').count();
        let digits: Box<[u8]> = trimmed.get(..trimmed.len() - trailing).unwrap_or_default().into();
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()? + exponent;
        if digits.is_empty() {
            return Some(Number { negative: false, digits, point: 0 });
        }
        Some(Number { negative, digits, point })
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        let sign = |number: &Number| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let signs = sign(self).cmp(&sign(other));
        if signs.is_ne() || self.digits.is_empty() {
            return signs;
        }
        let sizes = self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits));
        if self.negative { sizes.reverse() } else { sizes }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_value() {
        let ascending =
            ["-10", "-9.99", "-0.1", "0", "0.0999", "0.1", "1", "9", "10", "10.01", "1e3"];
        for pair in ascending.windows(2) {
            let (less, more) = (Number::parse(pair[0]).unwrap(), Number::parse(pair[1]).unwrap());
            assert!(less < more, "{pair:?}");
        }
        for (left, right) in [
            ("1", "1.0"),
            ("0", "-0.00"),
            ("1e2", "100"),
            ("+5", "05"),
            (".5", "0.50"),
            ("1.", "1"),
        ] {
            assert_eq!(Number::parse(left), Number::parse(right), "{left} {right}");
        }
        assert!(Number::parse("9007199254740993") > Number::parse("9007199254740992"));
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in
            ["", "-", ".", "1a", "0x10", "1e", "1e99999", " 1", "1,5", "NaN", "--1", "1.2.3"]
        {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }
}
