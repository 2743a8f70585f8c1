//! Time-based one-time codes. Source: RFC 6238 with HMAC-SHA-1, steps of 30 seconds, six digits;
//! RFC 4226, section 5.3, for the truncation.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use iamd_wire::{Secret, Timestamp};
use zeroize::Zeroizing;

/// Seconds of one step.
pub const STEP_SECONDS: i64 = 30;
/// Bytes of a seed that is drawn here.
// CHOICE: AWS does not document the length; its seeds have 64 characters in Base32.
pub const SEED_LENGTH: usize = 40;
/// Shortest seed that is taken, in bytes. RFC 4226, section 4, R6: 128 bits.
pub const SEED_LENGTH_MIN: usize = 16;
/// Longest seed that is taken, in bytes: a block of HMAC-SHA-1, behind which nothing is gained.
pub const SEED_LENGTH_MAX: usize = 64;

const DIGITS: usize = 6;

/// The number of a step: how many have passed since 1970.
pub type Step = i64;

/// The step in which a moment lies.
pub fn step_at(moment: Timestamp) -> Step {
    moment.seconds().div_euclid(STEP_SECONDS)
}

/// A code as people type it in: six ASCII digits and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct Code([u8; DIGITS]);

impl fmt::Debug for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Code(..)")
    }
}

/// The text is not six ASCII digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotACode;

impl FromStr for Code {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Code, NotACode> {
        let digits: [u8; DIGITS] = text.as_bytes().try_into().map_err(|_| NotACode)?;
        digits.iter().all(u8::is_ascii_digit).then_some(Code(digits)).ok_or(NotACode)
    }
}

/// What a device and this server share.
pub struct Seed(hmac::Key);

impl fmt::Debug for Seed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Seed(..)")
    }
}

/// The text is not a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotASeed;

impl Seed {
    /// The seed that stands in Base32, without padding and in capitals.
    ///
    /// # Errors
    /// [`NotASeed`] for another text, and for fewer than 16 or more than 64 bytes.
    pub fn of_base32(text: &Secret) -> Result<Seed, NotASeed> {
        let bytes = BASE32_NOPAD.decode(text.expose().as_bytes()).map_err(|_| NotASeed)?;
        let bytes = Zeroizing::new(bytes);
        if !(SEED_LENGTH_MIN..=SEED_LENGTH_MAX).contains(&bytes.len()) {
            return Err(NotASeed);
        }
        Ok(Seed(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes)))
    }

    /// The steps of a window in which this code is shown. The time that this takes depends on the
    /// window alone.
    pub fn steps_of(&self, code: &Code, window: RangeInclusive<Step>) -> Vec<Step> {
        let shown = |step: &Step| verify_slices_are_equal(&self.code(*step).0, &code.0).is_ok();
        window.filter(shown).collect()
    }

    /// What a device shows.
    #[cfg(test)]
    pub(crate) fn shown_at(&self, step: Step) -> String {
        String::from_utf8(self.code(step).0.to_vec()).unwrap()
    }

    /// The code of a step.
    fn code(&self, step: Step) -> Code {
        let mac = hmac::sign(&self.0, &step.to_be_bytes());
        let mac = mac.as_ref();
        let offset = mac.last().map_or(0, |last| usize::from(last & 15));
        let word = mac.iter().skip(offset).take(4);
        let number = word.fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff;
        let mut digits = [b'0'; DIGITS];
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        Code(digits)
    }
}

/// Bytes as a seed is written down.
pub fn base32(bytes: &[u8]) -> Secret {
    Secret::from(BASE32_NOPAD.encode(bytes))
}

/// The seed that a file or a person gives, as it is kept: capitals, no spaces, no padding.
///
/// # Errors
/// [`NotASeed`]
pub fn normalized(given: &Secret) -> Result<Secret, NotASeed> {
    let characters = given.expose().chars().filter(|character| !matches!(character, ' ' | '-'));
    let text: String = characters.map(|character| character.to_ascii_uppercase()).collect();
    let text = Zeroizing::new(text);
    let seed = Secret::from(text.trim_end_matches('=').to_owned());
    Seed::of_base32(&seed).map(|_| seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(text: &[u8]) -> Seed {
        Seed::of_base32(&base32(text)).unwrap()
    }

    /// RFC 6238, appendix B, SHA-1: the last six of its eight digits.
    #[test]
    fn the_test_vectors_of_rfc_6238() {
        let seed = seed(b"12345678901234567890");
        for (time, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let step = step_at(Timestamp::from_seconds(time));
            assert_eq!(seed.shown_at(step), code[2..], "{time}");
        }
    }

    /// RFC 4226, appendix D.
    #[test]
    fn the_test_vectors_of_rfc_4226() {
        let seed = seed(b"12345678901234567890");
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (step, code) in (0..).zip(codes) {
            assert_eq!(seed.shown_at(step), code);
            assert_eq!(seed.steps_of(&code.parse().unwrap(), 0..=9), [step]);
        }
    }

    #[test]
    fn a_code_counts_in_its_window_only() {
        let seed = seed(b"12345678901234567890");
        let code = "338314".parse().unwrap();
        assert_eq!(seed.steps_of(&code, 3..=5), [4]);
        assert_eq!(seed.steps_of(&code, 5..=7), [0; 0]);
        assert_eq!(seed.steps_of(&code, 1..=3), [0; 0]);
    }

    /// Security: format variants of a code are none.
    #[test]
    fn only_six_ascii_digits_are_a_code() {
        assert!("338314".parse::<Code>().is_ok());
        for wrong in [
            "",
            "33831",
            "3383140",
            " 338314",
            "338314 ",
            "338 314",
            "338-314",
            "+38314",
            "-38314",
            "0x38314",
            "33831a",
            "3.3831",
            "３３８３１４",
            "٣٣٨٣١٤",
            "33831\u{0}",
            "33831\n",
            "338314\n",
            "𝟑𝟑𝟖𝟑𝟏𝟒",
            "33\u{200b}8314",
        ] {
            assert_eq!(wrong.parse::<Code>(), Err(NotACode), "{wrong:?}");
        }
    }

    #[test]
    fn seeds_are_long_enough_and_written_in_many_ways() {
        let kept = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let given = |text: &str| normalized(&Secret::from(text.to_owned()));
        for way in
            [kept, "gezd gnbv gy3t qojq gezd gnbv gy3t qojq", "GEZDGNBVGY3TQOJQ-gezdgnbvgy3tqojq"]
        {
            assert_eq!(given(way).unwrap().expose(), kept);
        }
        assert_eq!(given("GEZDGNBVGY3TQOJQGEZDGNBVGY======").unwrap().expose().len(), 26);
        for wrong in
            ["", "GEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJQGEZDGNBVG1", "geheim!", &"A".repeat(120)]
        {
            assert!(given(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn seeds_and_codes_are_not_printed() {
        let code: Code = "338314".parse().unwrap();
        let printed = format!("{:?} {code:?}", seed(b"12345678901234567890"));
        assert_eq!(printed, "Seed(..) Code(..)");
    }
}
