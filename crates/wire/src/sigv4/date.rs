//! The times of requests.

use std::borrow::Cow;

use crate::Timestamp;

/// Reads `YYYYMMDDTHHMMSSZ`.
pub(super) fn parse_basic(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 16] = text.as_bytes().try_into().ok()?;
    let [y1, y2, y3, y4, m1, m2, d1, d2, b'T', h1, h2, n1, n2, s1, s2, b'Z'] = *bytes else {
        return None;
    };
    let [year, month, day] = [number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?];
    let [hour, minute, second] = [number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?];
    moment(year, month, day, hour, minute, second)
}

/// Reads the value of a `Date` header, `Sun, 30 Aug 2015 12:36:00 GMT` or the basic form, and
/// gives the basic form beside it.
pub(super) fn parse_date_header(text: &str) -> Option<(Timestamp, Cow<'_, str>)> {
    if let Some(time) = parse_basic(text) {
        return Some((time, Cow::Borrowed(text)));
    }
    let time = parse_rfc_1123(text)?;
    Some((time, Cow::Owned(basic(time.seconds()))))
}

/// Writes `YYYYMMDDTHHMMSSZ`.
pub(super) fn basic(seconds: i64) -> String {
    let mut text = Timestamp::from_seconds(seconds).to_string();
    text.retain(|character| !matches!(character, '-' | ':'));
    text
}

/// Source: RFC 9110 section 5.6.7, IMF-fixdate. The day of the week is not checked against the date.
fn parse_rfc_1123(text: &str) -> Option<Timestamp> {
    let (weekday, rest) = text.split_once(", ")?;
    if !WEEKDAYS.contains(&weekday) {
        return None;
    }
    let mut parts = rest.split(' ');
    let day = digits(parts.next()?, 2)?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| *month == name)?;
    let year = digits(parts.next()?, 4)?;
    let mut clock = parts.next()?.split(':');
    let [hour, minute, second] =
        [digits(clock.next()?, 2)?, digits(clock.next()?, 2)?, digits(clock.next()?, 2)?];
    if clock.next().is_some() || parts.next()? != "GMT" || parts.next().is_some() {
        return None;
    }
    let month = i16::try_from(month + 1).ok()?;
    moment(year, month, day, hour, minute, second)
}

fn moment(
    year: i16,
    month: i16,
    day: i16,
    hour: i16,
    minute: i16,
    second: i16,
) -> Option<Timestamp> {
    let small = |number: i16| i8::try_from(number).ok();
    let date = jiff::civil::Date::new(year, small(month)?, small(day)?).ok()?;
    let time = jiff::civil::Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    let instant = jiff::tz::TimeZone::UTC.to_timestamp(date.to_datetime(time)).ok()?;
    Some(Timestamp::from_seconds(instant.as_second()))
}

fn digits(text: &str, length: usize) -> Option<i16> {
    (text.len() == length).then(|| number(text.as_bytes()))?
}

/// The number of at most four decimal digits.
fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0_i16, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| i16::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
