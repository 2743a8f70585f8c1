//! Dates: the W3C profile of ISO 8601, or seconds since 1970.

/// Greatest year, before or after the epoch. IAM refuses more on write.
const YEAR_MAX: i64 = 292_278_993;
const NANOSECONDS: i128 = 1_000_000_000;

/// A moment, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date(i128);

impl Date {
    /// Reads `2024`-style epoch seconds, `2024-01`, `2024-01-31`, `2024-01-31T12:00Z`,
    /// `2024-01-31T12:00:00.5+01:00`; without an offset the time is UTC.
    pub(crate) fn parse(text: &str) -> Option<Date> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse::<i64>().ok().map(|seconds| Date(i128::from(seconds) * NANOSECONDS));
        }
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let days = days(date)?;
        let nanoseconds = match time {
            // A time needs a whole date before it.
            Some(_) if date.trim_start_matches('-').matches('-').count() != 2 => return None,
            Some(time) => time_of_day(time)?,
            None => 0,
        };
        Some(Date(i128::from(days) * 86_400 * NANOSECONDS + nanoseconds))
    }
}

fn days(date: &str) -> Option<i64> {
    let (negative, rest) = match date.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, date.strip_prefix('+').unwrap_or(date)),
    };
    let mut fields = rest.split('-');
    let year_text = fields.next().filter(|year| year.len() >= 4)?;
    let year = digits(year_text)?;
    let year = if negative { -year } else { year };
    let month = two_digits(fields.next())?;
    let day = match fields.next() {
        Some(day) => two_digits(Some(day))?,
        None => 1,
    };
    let fits = year.abs() <= YEAR_MAX
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && fields.next().is_none();
    fits.then(|| days_since_1970(year, month, day))
}

fn time_of_day(text: &str) -> Option<i128> {
    let (clock, offset_seconds) = split_offset(text)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut fields = clock.split(':');
    let hour = two_digits(fields.next())?;
    let minute = two_digits(fields.next())?;
    let second = match fields.next() {
        Some(second) => two_digits(Some(second))?,
        None => 0,
    };
    let fits = hour <= 23 && minute <= 59 && second <= 59 && fields.next().is_none();
    let is_fraction = fraction.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = fraction.get(..fraction.len().min(9)).filter(|_| is_fraction)?;
    let scale = 10_i64.checked_pow(9 - u32::try_from(fraction.len()).ok()?)?;
    let nanoseconds = digits(fraction)?.checked_mul(scale)?;
    let seconds = hour * 3_600 + minute * 60 + second - offset_seconds;
    fits.then(|| i128::from(seconds) * NANOSECONDS + i128::from(nanoseconds))
}

fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(place) = text.find(['+', '-']) else { return Some((text, 0)) };
    let (clock, offset) = text.split_at_checked(place)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let offset = offset.get(1..)?;
    let (hours, minutes) = match offset.split_once(':') {
        Some(parts) => parts,
        None => offset.split_at_checked(2)?,
    };
    let (hours, minutes) = (two_digits(Some(hours))?, two_digits(Some(minutes))?);
    (hours <= 18 && minutes <= 59).then_some((clock, sign * (hours * 3_600 + minutes * 60)))
}

fn two_digits(text: Option<&str>) -> Option<i64> {
    digits(text.filter(|text| text.len() == 2)?)
}

fn digits(text: &str) -> Option<i64> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, in eras of 400 years.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<i128> {
        Date::parse(text).map(|date| date.0 / NANOSECONDS)
    }

    #[test]
    fn all_forms_are_read() {
        for (text, expected) in [
            ("0", 0),
            ("1700000000", 1_700_000_000),
            ("1970-01", 0),
            ("1970-01-02", 86_400),
            ("2024-02-29", 1_709_164_800),
            ("2024-02-29T12:30Z", 1_709_209_800),
            ("2024-02-29T12:30:15Z", 1_709_209_815),
            ("2024-02-29T12:30:15", 1_709_209_815),
            ("2024-02-29T14:30:15+02:00", 1_709_209_815),
            ("2024-02-29T10:30:15.25-0200", 1_709_209_815),
            ("1969-12-31T23:59:59Z", -1),
            ("0001-01-01", -62_135_596_800),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        assert!(
            Date::parse("2024-01-01T00:00:00.5Z") > Date::parse("2024-01-01T00:00:00.499999999Z")
        );
        assert!(Date::parse("-292275054-01-01").is_some());
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "tomorrow",
            "2023-02-29",
            "2024-13-01",
            "2024-1-1",
            "2024-01-01T",
            "2024-01-01T25:00Z",
            "2024-01-01T23:59:60Z",
            "2024-01T12:00Z",
            "2024-01-01 12:00:00",
            "99999999999999999999",
            "-5",
            "2024-01-01T12:00+99:00",
            "2024-01-01T12:00:00.Z",
            "2024-01-01-01",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }
}
