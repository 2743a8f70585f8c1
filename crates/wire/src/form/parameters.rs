//! Parameters of header values: `; name="value"`.

use super::malformed;
use crate::route::S3Error;

/// The parameters behind the first word of a value: names in lower case, each once.
///
/// # Errors
/// `MalformedPOSTRequest`.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, S3Error> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or_else(malformed)?;
        let name = name.trim().to_ascii_lowercase();
        let is_token = !name.is_empty() && name.bytes().all(is_token);
        // RFC 7578 section 4.2: `filename*` must not be used; what it says is another name for some.
        if !is_token || name.contains('*') || found.iter().any(|(other, _)| *other == name) {
            return Err(malformed());
        }
        let (value, after) = value(after)?;
        found.push((name, value));
        rest = match after.trim_start() {
            "" => "",
            after => after.strip_prefix(';').ok_or_else(malformed)?.trim_start(),
        };
    }
    Ok(found)
}

/// A value, in quotes or not, and what follows it.
fn value(text: &str) -> Result<(String, &str), S3Error> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(end).ok_or_else(malformed)?;
        let value = value.trim_end();
        let is_legal = |byte: u8| byte.is_ascii_graphic() && byte != b'"';
        if value.is_empty() || !value.bytes().all(is_legal) {
            return Err(malformed());
        }
        return Ok((value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, quoted.get(at + 1..).unwrap_or_default())),
            // Some write `\"` for a quote in it; others write paths with single backslashes.
            '\\' if quoted.get(at + 1..).is_some_and(|rest| rest.starts_with('"')) => {
                characters.next();
                value.push('"');
            }
            character => value.push(character),
        }
    }
    Err(malformed())
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
