//! The lines of the trail: JSON, each with a code that covers it and all lines before it.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};

/// The authentication code of a line (HMAC-SHA-256).
pub(super) type Mac = [u8; 32];

/// What stands before the first line of all.
pub(super) const NO_LINE: Mac = [0; 32];

/// Characters of a code.
const DIGITS: usize = 64;
const TRAILER: &[u8] = b",\"trail\":";
const MAC_NAME: &[u8] = b",\"mac\":\"";
const END: &[u8] = b"\"}}";

/// What a line says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trailer {
    /// Its number, from 1, over all files.
    pub(super) sequence: u64,
    /// Of a record that the store has: whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<u64>,
    /// And its number there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) record: Option<u64>,
}

/// The first line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// The file's number.
    pub(super) file: u64,
    /// The number of the last line before it.
    pub(super) sequence: u64,
    /// The version of the key that its codes are made with.
    pub(super) key: u32,
    /// When it was begun, in seconds since 1970.
    pub(super) began: i64,
    /// Up to which number the records of each account are in the files before.
    pub(super) exported: BTreeMap<u64, u64>,
    /// The code of the last line before it.
    #[serde(with = "hex_code")]
    pub(super) previous: Mac,
}

#[derive(Deserialize)]
struct HeaderLine {
    trail: Header,
}

/// Appends a record as a line; gives its code.
pub(super) fn push_record(
    buffer: &mut Vec<u8>,
    key: &hmac::Key,
    previous: &Mac,
    record: &str,
    trailer: &Trailer,
) -> Mac {
    let start = buffer.len();
    buffer.extend_from_slice(record.strip_suffix('}').unwrap_or(record).as_bytes());
    buffer.extend_from_slice(TRAILER);
    push_open(buffer, trailer);
    let mac = code(key, previous, buffer.get(start..).unwrap_or_default());
    push_end(buffer, &mac);
    mac
}

/// Appends the first line of a file; gives its code.
pub(super) fn push_header(buffer: &mut Vec<u8>, key: &hmac::Key, header: &Header) -> Mac {
    let start = buffer.len();
    buffer.extend_from_slice(b"{\"trail\":");
    push_open(buffer, header);
    let mac = code(key, &header.previous, buffer.get(start..).unwrap_or_default());
    push_end(buffer, &mac);
    mac
}

/// An object that is still open for its code.
fn push_open(buffer: &mut Vec<u8>, content: &impl Serialize) {
    // Numbers and texts, into memory: this does not fail, and a line without them would not verify.
    let _ = serde_json::to_writer(&mut *buffer, content);
    buffer.pop();
    buffer.extend_from_slice(MAC_NAME);
}

fn push_end(buffer: &mut Vec<u8>, mac: &Mac) {
    let mut text = [0; DIGITS];
    let (pairs, _) = text.as_chunks_mut::<2>();
    pairs.iter_mut().zip(mac).for_each(|(pair, byte)| *pair = digits(byte));
    buffer.extend_from_slice(&text);
    buffer.extend_from_slice(END);
    buffer.push(b'\n');
}

/// The code of these bytes behind the line with that code.
pub(super) fn code(key: &hmac::Key, previous: &Mac, covered: &[u8]) -> Mac {
    let mut context = hmac::Context::with_key(key);
    context.update(previous);
    context.update(covered);
    let mut mac = NO_LINE;
    mac.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
    mac
}

/// A line that was taken apart, and is not proven.
pub(super) struct Line<'a> {
    covered: &'a [u8],
    pub(super) mac: Mac,
}

impl<'a> Line<'a> {
    /// Takes a line apart; none if it has another form.
    pub(super) fn of(line: &'a [u8]) -> Option<Line<'a>> {
        let rest = line.strip_suffix(END)?;
        let (covered, digits) = rest.split_at_checked(rest.len().checked_sub(DIGITS)?)?;
        covered.ends_with(MAC_NAME).then_some(())?;
        Some(Line { covered, mac: from_hex(std::str::from_utf8(digits).ok()?)? })
    }

    /// Whether it is what was written behind the line with that code.
    pub(super) fn follows(&self, key: &hmac::Key, previous: &Mac) -> bool {
        let expected = code(key, previous, self.covered);
        aws_lc_rs::constant_time::verify_slices_are_equal(&expected, &self.mac).is_ok()
    }

    /// What it says of itself; none if it is the first line of a file.
    pub(super) fn trailer(&self) -> Option<Trailer> {
        let last = self.covered.windows(TRAILER.len()).rposition(|window| window == TRAILER)?;
        let open = self.covered.get(last + TRAILER.len()..)?;
        let mut text = open.strip_suffix(MAC_NAME)?.to_vec();
        text.push(b'}');
        serde_json::from_slice(&text).ok()
    }

    /// What the first line of a file says.
    pub(super) fn header(&self) -> Option<Header> {
        let mut text = self.covered.strip_suffix(MAC_NAME)?.to_vec();
        text.extend_from_slice(b"}}");
        serde_json::from_slice::<HeaderLine>(&text).ok().map(|line| line.trail)
    }
}

/// The record in a line, as it was before it became one.
pub(super) fn record_of(line: &str) -> Option<String> {
    let place = line.rfind(",\"trail\":")?;
    Some(format!("{}}}", line.get(..place)?))
}

/// Whether these digits are this code.
pub(super) fn is_same(mac: &Mac, digits: &str) -> bool {
    from_hex(digits)
        .is_some_and(|other| aws_lc_rs::constant_time::verify_slices_are_equal(mac, &other).is_ok())
}

/// A code in hexadecimal digits.
pub(super) fn hex(mac: &Mac) -> String {
    mac.iter().flat_map(digits).map(char::from).collect()
}

fn digits(byte: &u8) -> [u8; 2] {
    [digit(byte >> 4), digit(byte & 0xF)]
}

fn digit(half: u8) -> u8 {
    if half < 10 { b'0' + half } else { b'a' + half - 10 }
}

/// The code of these digits.
pub(super) fn from_hex(digits: &str) -> Option<Mac> {
    if digits.len() != DIGITS || !digits.is_ascii() {
        return None;
    }
    let mut mac = NO_LINE;
    for (place, byte) in mac.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(mac)
}

mod hex_code {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::Mac;

    pub(super) fn serialize<S: Serializer>(mac: &Mac, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::hex(mac))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Mac, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::from_hex(&text).ok_or_else(|| de::Error::custom("not a code"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_follows_only_the_one_before_it_and_only_unaltered() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let mut buffer = Vec::new();
        let trailer = Trailer { sequence: 3, account: Some(7), record: Some(2) };
        let record = r#"{"a":"x,\"trail\":{","b":{"c":1,"trail":{"sequence":9}}}"#;
        let mac = push_record(&mut buffer, &key, &[1; 32], record, &trailer);
        let line = buffer.strip_suffix(b"\n").unwrap();
        let parsed = Line::of(line).unwrap();
        assert_eq!((parsed.mac, parsed.trailer()), (mac, Some(trailer)));
        assert!(parsed.follows(&key, &[1; 32]) && !parsed.follows(&key, &[2; 32]));
        assert_eq!(record_of(std::str::from_utf8(line).unwrap()).unwrap(), record);
        serde_json::from_slice::<serde_json::Value>(line).unwrap();
        for place in 0..line.len() {
            let mut altered = line.to_vec();
            altered[place] ^= 1;
            let follows = Line::of(&altered).is_some_and(|line| line.follows(&key, &[1; 32]));
            assert!(!follows, "{place}");
        }
    }

    #[test]
    fn a_header_says_what_it_was_told() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let exported = BTreeMap::from([(111_122_223_333, 5)]);
        let header = Header { file: 2, sequence: 9, key: 1, began: 5, exported, previous: [3; 32] };
        let mut buffer = Vec::new();
        push_header(&mut buffer, &key, &header);
        let line = Line::of(buffer.strip_suffix(b"\n").unwrap()).unwrap();
        assert!(line.follows(&key, &header.previous) && line.trailer().is_none());
        assert_eq!(line.header(), Some(header));
    }
}
