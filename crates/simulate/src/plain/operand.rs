//! The two sides of a condition operator: numbers, dates, addresses, ARNs, bytes, truths, texts.
//!
//! Source: IAM User Guide, "IAM JSON policy elements: Condition operators".

use std::cmp::Ordering;
use std::net::IpAddr;

use super::pattern::{Mark, expand, matches};
use crate::case::Question;

/// How a value of the request and one of the policy compare, by an operator that is not negated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    Fits,
    Differs,
    /// The policy's value is none of the operator's type.
    Unreadable,
}

/// Whether a value of the request is one of the operator's type.
pub(super) fn is_readable(base: &str, value: &str) -> bool {
    match family(base) {
        Family::String => true,
        Family::Numeric => number(value).is_some(),
        Family::Date => date(value).is_some(),
        Family::Bool => truth(value).is_some(),
        Family::Binary => bytes(value).is_some(),
        Family::Address => value.parse::<IpAddr>().is_ok(),
        Family::Arn => value.starts_with("arn:") && value.split(':').count() >= 6,
    }
}

/// Compares a readable value of the request with one of the policy.
pub(super) fn compare(
    base: &str,
    value: &str,
    wanted: &str,
    variables: bool,
    question: &Question,
) -> Compared {
    // None: a variable without a value, which nothing equals.
    let expanded = || expand(wanted, variables, question);
    match family(base) {
        Family::String => {
            expanded().map_or(Compared::Differs, |wanted| told(string_fits(base, value, &wanted)))
        }
        Family::Arn => match expanded() {
            Some(wanted) => {
                arn(&wanted).map_or(Compared::Unreadable, |wanted| told(arn_fits(&wanted, value)))
            }
            None => Compared::Differs,
        },
        Family::Bool => match expanded() {
            Some(wanted) => read(truth(value), truth(&text(&wanted)), |own, wanted| own == wanted),
            None => Compared::Differs,
        },
        Family::Numeric => {
            let fits = |own, wanted| ordered(base, compare_numbers(&own, &wanted));
            read(number(value), number(wanted), fits)
        }
        Family::Date => {
            read(date(value), date(wanted), |own, wanted| ordered(base, own.cmp(&wanted)))
        }
        Family::Binary => read(bytes(value), bytes(wanted), |own, wanted| own == wanted),
        Family::Address => read(value.parse().ok(), network(wanted), |own, (base, length)| {
            contains(base, length, own)
        }),
    }
}

enum Family {
    String,
    Numeric,
    Date,
    Bool,
    Binary,
    Address,
    Arn,
}

fn family(base: &str) -> Family {
    match base {
        "Bool" => Family::Bool,
        "BinaryEquals" => Family::Binary,
        "IpAddress" => Family::Address,
        "ArnEquals" | "ArnLike" => Family::Arn,
        numeric if numeric.starts_with("Numeric") => Family::Numeric,
        date if date.starts_with("Date") => Family::Date,
        _ => Family::String,
    }
}

fn told(fits: bool) -> Compared {
    if fits { Compared::Fits } else { Compared::Differs }
}

fn read<O, W>(own: Option<O>, wanted: Option<W>, fits: impl Fn(O, W) -> bool) -> Compared {
    match (own, wanted) {
        (Some(own), Some(wanted)) => told(fits(own, wanted)),
        _ => Compared::Unreadable,
    }
}

fn string_fits(base: &str, value: &str, wanted: &[Mark]) -> bool {
    match base {
        "StringLike" => matches(wanted, value),
        // Wildcards are characters like others.
        "StringEquals" => text(wanted) == value,
        _ => folded(&text(wanted)) == folded(value),
    }
}

fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// The text of a pattern whose wildcards do not count.
fn text(marks: &[Mark]) -> String {
    let character = |mark: &Mark| match mark {
        Mark::Literal(character) => *character,
        Mark::AnyRun => '*',
        Mark::AnyOne => '?',
    };
    marks.iter().map(character).collect()
}

/// A pattern cut into the six fields of an ARN.
fn arn(pattern: &[Mark]) -> Option<Vec<Vec<Mark>>> {
    let fields: Vec<Vec<Mark>> =
        pattern.splitn(6, |mark| *mark == Mark::Literal(':')).map(<[Mark]>::to_vec).collect();
    (fields.len() == 6 && matches(&fields[0], "arn")).then_some(fields)
}

fn arn_fits(pattern: &[Vec<Mark>], value: &str) -> bool {
    pattern.iter().zip(value.splitn(6, ':')).all(|(field, own)| matches(field, own))
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn ordered(base: &str, ordering: Ordering) -> bool {
    match base.trim_start_matches("Numeric").trim_start_matches("Date") {
        "Equals" => ordering.is_eq(),
        "LessThan" => ordering.is_lt(),
        "LessThanEquals" => ordering.is_le(),
        "GreaterThan" => ordering.is_gt(),
        _ => ordering.is_ge(),
    }
}

/// A decimal number: its sign, and its digits before and after the point without needless zeros.
struct Number {
    negative: bool,
    whole: String,
    fraction: String,
}

/// Digits with a point, a sign and an exponent, each of which may be absent; JSON writes numbers so.
fn number(text: &str) -> Option<Number> {
    /// Zeros are spelt out, so not too many of them.
    const EXPONENT_MAX: i64 = 10_000;
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, exponent) = match rest.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = !(whole.is_empty() && fraction.is_empty())
        && whole.chars().chain(fraction.chars()).all(|c| c.is_ascii_digit())
        && exponent.abs() <= EXPONENT_MAX;
    if !is_number {
        return None;
    }
    // The point goes where the exponent says, between as many zeros as that takes.
    let zeros = "0".repeat(usize::try_from(exponent.abs()).ok()?);
    let all = format!("{zeros}{whole}{fraction}{zeros}");
    let point = i64::try_from(zeros.len() + whole.len()).ok()? + exponent;
    let (whole, fraction) = all.split_at(usize::try_from(point).ok()?);
    Some(Number {
        negative,
        whole: whole.trim_start_matches('0').to_owned(),
        fraction: fraction.trim_end_matches('0').to_owned(),
    })
}

fn compare_numbers(one: &Number, other: &Number) -> Ordering {
    let is_zero = |number: &Number| number.whole.is_empty() && number.fraction.is_empty();
    let by_size = one.whole.len().cmp(&other.whole.len());
    let size = by_size.then(one.whole.cmp(&other.whole)).then(one.fraction.cmp(&other.fraction));
    match (one.negative && !is_zero(one), other.negative && !is_zero(other)) {
        (false, false) => size,
        (true, true) => size.reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

/// Nanoseconds since 1970: from seconds, or from one of the forms of the W3C's profile of ISO 8601;
/// `2024` is seconds. A time without a zone is in UTC.
fn date(text: &str) -> Option<i128> {
    const SECOND: i128 = 1_000_000_000;
    if is_digits(text) {
        return text.parse::<i64>().ok().map(|seconds| i128::from(seconds) * SECOND);
    }
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let days = days_since_1970(day, time.is_some())?;
    let Some(time) = time else { return Some(days * 86_400 * SECOND) };
    let zone_at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    Some(days * 86_400 * SECOND + nanoseconds(clock)? - zone_seconds(zone)? * SECOND)
}

/// `2024-02`, `2024-02-29`, before a time only the latter; the year may have a sign and more digits.
fn days_since_1970(day: &str, whole: bool) -> Option<i128> {
    /// IAM User Guide: the greatest year that a policy may name.
    const YEAR_MAX: i128 = 292_278_993;
    let (sign, unsigned) = match day.strip_prefix('-') {
        Some(unsigned) => (-1, unsigned),
        None => (1, day.strip_prefix('+').unwrap_or(day)),
    };
    let parts: Vec<&str> = unsigned.split('-').collect();
    let (year, month, day) = match parts.as_slice() {
        [year, month] if !whole => (year, digits(month, 2)?, 1),
        [year, month, day] => (year, digits(month, 2)?, digits(day, 2)?),
        _ => return None,
    };
    let year = sign * year.parse::<i128>().ok().filter(|_| is_digits(year) && year.len() >= 4)?;
    let february = if is_leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let index = usize::try_from(month - 1).ok()?;
    let fits = (1..=*months.get(index)?).contains(&day) && year.abs() <= YEAR_MAX;
    let before: i128 = months[..index].iter().sum();
    fits.then(|| days_before(year) - days_before(1970) + before + day - 1)
}

fn is_leap(year: i128) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

/// Days of all years from the year 1 on, up to the one before this.
fn days_before(year: i128) -> i128 {
    let full = year - 1;
    full * 365 + full.div_euclid(4) - full.div_euclid(100) + full.div_euclid(400)
}

/// `23:59`, `23:59:59`, `23:59:59.5`.
fn nanoseconds(clock: &str) -> Option<i128> {
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (clock, None),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] => (digits(hour, 2)?, digits(minute, 2)?, 0),
        [hour, minute, second] => (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?),
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = match fraction {
        Some(fraction) if is_digits(fraction) => format!("{fraction:0<9}")[..9].parse().ok()?,
        Some(_) => return None,
        None => 0,
    };
    Some((hour * 3_600 + minute * 60 + second) * 1_000_000_000 + fraction)
}

/// `Z`, `+01:00`, `-0100`, or nothing.
fn zone_seconds(zone: &str) -> Option<i128> {
    if ["", "Z", "z"].contains(&zone) {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let clock = zone.get(1..)?;
    let (hour, minute) = clock.split_once(':').or_else(|| clock.split_at_checked(2))?;
    let (hour, minute) = (digits(hour, 2)?, digits(minute, 2)?);
    (hour <= 18 && minute <= 59).then_some(sign * (hour * 3_600 + minute * 60))
}

fn digits(text: &str, count: usize) -> Option<i128> {
    text.parse().ok().filter(|_| is_digits(text) && text.len() == count)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// A network and how many bits of it count: all of them if nothing is said.
fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        Some(length) if length.chars().all(|c| c.is_ascii_digit()) => length.parse().ok()?,
        Some(_) => return None,
        None => most,
    };
    (length <= most).then_some((address, length))
}

/// Whether the first bits are the same, in the same family.
fn contains(base: IpAddr, length: u32, address: IpAddr) -> bool {
    let bits = |address: IpAddr| -> Vec<u8> {
        match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        }
    };
    let (base, address) = (bits(base), bits(address));
    let bit = |bytes: &[u8], at: u32| bytes[at as usize / 8] >> (7 - at % 8) & 1;
    base.len() == address.len() && (0..length).all(|at| bit(&base, at) == bit(&address, at))
}

/// Bytes in Base64. RFC 4648, section 4.
fn bytes(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bits = String::new();
    for digit in digits.chars() {
        bits += &format!("{:06b}", ALPHABET.find(digit)?);
    }
    // What is left over is padding, and must be zero.
    let (whole, rest) = bits.split_at(bits.len() / 8 * 8);
    if rest.contains('1') {
        return None;
    }
    let byte = |at| u8::from_str_radix(&whole[at..at + 8], 2).ok();
    (0..whole.len()).step_by(8).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_numbers_networks_and_bytes_are_read() {
        assert_eq!(date("1970-01-02T01:00:00.5+01:00"), Some(86_400_500_000_000));
        assert_eq!(date("1969-12-31"), Some(-86_400_000_000_000));
        assert_eq!(date("2024-02-29"), date("1709164800"));
        for text in ["2023-02-29", "2024-2-9", "2024-01-01T00Z", "2024-01T00:00Z", "", "x", "-1"] {
            assert_eq!(date(text), None, "{text}");
        }
        let order = |one, other| Some(compare_numbers(&number(one)?, &number(other)?));
        assert_eq!(order("1.50", "01.5"), Some(Ordering::Equal));
        assert_eq!(order("-0", "0.0"), Some(Ordering::Equal));
        assert_eq!(order("-2", "-10"), Some(Ordering::Greater));
        assert_eq!(order("1.5e1", "15"), Some(Ordering::Equal));
        assert_eq!(order("15e-3", ".015"), Some(Ordering::Equal));
        assert_eq!(order("9", "10"), Some(Ordering::Less));
        assert!(number("").is_none() && number(".").is_none() && number("1,5").is_none());
        assert!(network("10.0.0.0/33").is_none() && network("::/129").is_none());
        let inside = |net, address: &str| {
            let (base, length) = network(net).unwrap();
            contains(base, length, address.parse().unwrap())
        };
        assert!(inside("10.9.9.9/8", "10.1.1.1") && !inside("10.0.0.0/9", "10.128.0.0"));
        assert!(inside("2001:db8::/33", "2001:db8:1::") && !inside("0.0.0.0/0", "::1"));
        assert_eq!(bytes("YWI="), Some(b"ab".to_vec()));
        assert!(bytes("YWI").is_none() && bytes("YWJ=").is_none() && bytes("Y===").is_none());
    }
}
