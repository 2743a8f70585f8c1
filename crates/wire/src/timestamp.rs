//! Points in time, in whole seconds.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time: seconds since 1970, UTC.
///
/// In XML it is written `YYYY-MM-DDTHH:MM:SSZ`, in JSON as a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The name under which serializers recognise a timestamp.
pub(crate) const NEWTYPE_NAME: &str = "iamd_wire::Timestamp";

impl Timestamp {
    /// The time this many seconds after the start of 1970.
    pub const fn from_seconds(seconds: i64) -> Timestamp {
        Timestamp(seconds)
    }

    /// Seconds since the start of 1970.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Appends the time as `YYYY-MM-DDTHH:MM:SSZ`. Years outside of 0 to 9999 have more characters.
    ///
    /// The arithmetic of the calendar follows Howard Hinnant's public description, "chrono-Compatible
    /// Low-Level Date Algorithms".
    pub fn push_to(self, text: &mut String) {
        let (days, second) = (self.0.div_euclid(86_400), self.0.rem_euclid(86_400) as u32);
        let shifted = days.saturating_add(719_468);
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097) as u32);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
        let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
        let year = i64::from(year_of_era) + era * 400 + i64::from(month <= 2);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let [y0, y1, y2, y3] = four(year.rem_euclid(10_000) as u32);
        let ([m0, m1], [d0, d1]) = (two(month), two(day));
        let ([h0, h1], [i0, i1], [s0, s1]) = (two(hour), two(minute), two(second));
        let form = [
            y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', i0, i1, b':', s0, s1,
            b'Z',
        ];
        let form = std::str::from_utf8(&form).unwrap_or_default();
        if (0..=9_999).contains(&year) {
            text.push_str(form);
        } else {
            text.push_str(&year.to_string());
            text.push_str(form.get(4..).unwrap_or_default());
        }
    }
}

impl Timestamp {
    /// The time as CloudTrail shows it inside of answers, such as `Mar 25, 2014 9:11:14 PM`.
    pub(crate) fn in_words(self) -> String {
        let Ok(time) = jiff::Timestamp::from_second(self.0) else { return self.to_string() };
        let time = TimeZone::UTC.to_datetime(time);
        let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
        let start = usize::try_from(time.month() - 1).unwrap_or_default() * 3;
        let month = months.get(start..start + 3).unwrap_or_default();
        let hour = match time.hour() % 12 {
            0 => 12,
            hour => hour,
        };
        let half = if time.hour() < 12 { "AM" } else { "PM" };
        let (day, year) = (time.day(), time.year());
        let (minute, second) = (time.minute(), time.second());
        format!("{month} {day}, {year} {hour}:{minute:02}:{second:02} {half}")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(20);
        self.push_to(&mut text);
        formatter.write_str(&text)
    }
}

/// The digits of a number below a hundred.
fn two(number: u32) -> [u8; 2] {
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}

/// The digits of a number below ten thousand.
fn four(number: u32) -> [u8; 4] {
    let ([thousands, hundreds], [tens, ones]) = (two(number / 100), two(number % 100));
    [thousands, hundreds, tens, ones]
}

/// The text is not a point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotATimestamp;

impl fmt::Display for NotATimestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not a time in ISO 8601")
    }
}

impl std::error::Error for NotATimestamp {}

impl FromStr for Timestamp {
    type Err = NotATimestamp;

    /// Reads what the SDKs send: ISO 8601 with or without fraction and zone, or epoch seconds.
    fn from_str(text: &str) -> Result<Timestamp, NotATimestamp> {
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return Ok(Timestamp(time.as_second()));
        }
        if let Ok(time) = text.parse::<DateTime>() {
            let time = TimeZone::UTC.to_timestamp(time).map_err(|_| NotATimestamp)?;
            return Ok(Timestamp(time.as_second()));
        }
        let seconds = text.parse().ok().filter(|seconds| SECONDS.contains(seconds));
        seconds.map(Timestamp).ok_or(NotATimestamp)
    }
}

/// The seconds of the years 1 to 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NEWTYPE_NAME, &self.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Timestamp;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a time")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Timestamp, E> {
                Ok(Timestamp(seconds))
            }
            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Timestamp, E> {
                i64::try_from(seconds).map(Timestamp).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_agree_with_the_calendar_library() {
        let mut seconds = -62_000_000_000_i64;
        while seconds < 200_000_000_000 {
            let expected = jiff::Timestamp::from_second(seconds).unwrap().to_string();
            assert_eq!(Timestamp(seconds).to_string(), expected);
            assert_eq!(expected.parse(), Ok(Timestamp(seconds)));
            seconds += 86_400 * 17 + 3_607;
        }
        let _ = (Timestamp(i64::MAX).to_string(), Timestamp(i64::MIN).to_string());
    }

    #[test]
    fn what_sdks_send_is_read() {
        for text in [
            "2026-01-31T12:00:00Z",
            "2026-01-31T12:00:00.000Z",
            "2026-01-31T12:00:00",
            "1769860800",
            "2026-01-31T13:00:00+01:00",
        ] {
            assert_eq!(text.parse(), Ok(Timestamp(1_769_860_800)), "{text}");
        }
        for wrong in ["", "yesterday", "2026-13-01T00:00:00Z", "9e99", "253402300800"] {
            assert_eq!(wrong.parse::<Timestamp>(), Err(NotATimestamp), "{wrong}");
        }
    }
}
