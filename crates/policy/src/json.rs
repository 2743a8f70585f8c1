//! A strict JSON reader that keeps positions, refuses duplicate keys and caps size and depth.

use std::collections::BTreeSet;
use std::fmt;

/// Longest document, in characters, white space included. IAM API model, `policyDocumentType`.
pub const DOCUMENT_CHARACTERS_MAX: usize = 131_072;

/// Deepest nesting. A policy needs six levels; the cap keeps the reader's stack small.
pub const DOCUMENT_DEPTH_MAX: u32 = 32;

/// Why a text is not a policy document at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Line of the complaint, from 1.
    pub line: u32,
    /// Column of the complaint in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// The same in words.
    pub message: String,
}

/// The kinds of [`ParseError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The text is not JSON.
    NotJson,
    /// The text is JSON, but not an object.
    NotAnObject,
    /// An object has the same key twice.
    DuplicateKey,
    /// The nesting is deeper than [`DOCUMENT_DEPTH_MAX`].
    TooDeep,
    /// The text is longer than [`DOCUMENT_CHARACTERS_MAX`].
    TooLarge,
}

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at line {} column {}", self.message, self.line, self.column)
    }
}

impl std::error::Error for ParseError {}

/// A piece of the source, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A JSON value and where it stands.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// A JSON value; numbers keep their text.
#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Number(Box<str>),
    String(Box<str>),
    List(Vec<Node>),
    Map(Vec<Member>),
}

/// A key of an object and its value.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: Box<str>,
    pub(crate) name_span: Span,
    pub(crate) value: Node,
}

/// Reads an object, the only thing a policy document can be.
pub(crate) fn read_object(text: &str) -> Result<(Span, Vec<Member>), ParseError> {
    let mut reader = Reader { text, at: 0 };
    if text.len() > DOCUMENT_CHARACTERS_MAX && text.chars().count() > DOCUMENT_CHARACTERS_MAX {
        let message = format!("the document is longer than {DOCUMENT_CHARACTERS_MAX} characters");
        return Err(reader.error(ParseErrorKind::TooLarge, message));
    }
    let node = reader.value(0)?;
    reader.skip_white_space();
    if reader.peek().is_some() {
        return Err(reader.not_json("more text after the end of the document"));
    }
    match node.value {
        Value::Map(members) => Ok((node.span, members)),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::List(_) => {
            reader.at = node.span.start;
            Err(reader
                .error(ParseErrorKind::NotAnObject, "the document is not an object".to_owned()))
        }
    }
}

/// Line and column, both from 1, of a place in a text; columns count characters.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (u32, u32) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
    let column = 1 + before.get(line_start..).unwrap_or_default().chars().count();
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// A text as a JSON string, quotes included, of characters that may stand in a stored document: those
/// beyond U+00FF may not, but their escapes may.
///
/// Source: IAM API Reference, CreatePolicy, `PolicyDocument`.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            ' '..='\u{ff}' => quoted.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    quoted.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    quoted.push('"');
    quoted
}

/// Up to this many members, comparing each with each costs less than a set of names.
const COMPARED_MEMBERS_MAX: usize = 12;

/// The first member whose name an earlier one has.
fn first_duplicate(members: &[Member]) -> Option<&Member> {
    if members.len() > COMPARED_MEMBERS_MAX {
        let mut names = BTreeSet::new();
        return members.iter().find(|member| !names.insert(&*member.name));
    }
    let mut numbered = members.iter().enumerate();
    let (_, twice) = numbered.find(|(number, member)| {
        members.iter().take(*number).any(|earlier| earlier.name == member.name)
    })?;
    Some(twice)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: u32) -> Result<Node, ParseError> {
        self.skip_white_space();
        if depth >= DOCUMENT_DEPTH_MAX {
            let message = format!("the document is nested deeper than {DOCUMENT_DEPTH_MAX} levels");
            return Err(self.error(ParseErrorKind::TooDeep, message));
        }
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => Value::Map(self.members(depth)?),
            Some(b'[') => Value::List(self.items(depth)?),
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            Some(b't') => self.word("true", Value::Boolean(true))?,
            Some(b'f') => self.word("false", Value::Boolean(false))?,
            Some(b'n') => self.word("null", Value::Null)?,
            Some(_) => return Err(self.not_json("expected a value")),
            None => return Err(self.not_json("the document ends where a value is expected")),
        };
        Ok(Node { span: Span { start, end: self.at }, value })
    }

    fn members(&mut self, depth: u32) -> Result<Vec<Member>, ParseError> {
        self.at += 1;
        let mut members = Vec::new();
        self.skip_white_space();
        if self.take(b'}') {
            return Ok(members);
        }
        loop {
            self.skip_white_space();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.not_json("expected a key"));
            }
            let name = self.string()?;
            let name_span = Span { start, end: self.at };
            self.skip_white_space();
            if !self.take(b':') {
                return Err(self.not_json("expected `:`"));
            }
            let value = self.value(depth + 1)?;
            members.push(Member { name, name_span, value });
            self.skip_white_space();
            if self.take(b'}') {
                break;
            }
            if !self.take(b',') {
                return Err(self.not_json("expected `,` or `}`"));
            }
        }
        self.refuse_duplicates(&members)?;
        Ok(members)
    }

    fn refuse_duplicates(&mut self, members: &[Member]) -> Result<(), ParseError> {
        let Some(twice) = first_duplicate(members) else { return Ok(()) };
        self.at = twice.name_span.start;
        Err(self
            .error(ParseErrorKind::DuplicateKey, format!("the key `{}` occurs twice", twice.name)))
    }

    fn items(&mut self, depth: u32) -> Result<Vec<Node>, ParseError> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_white_space();
        if self.take(b']') {
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_white_space();
            if self.take(b']') {
                return Ok(items);
            }
            if !self.take(b',') {
                return Err(self.not_json("expected `,` or `]`"));
            }
        }
    }

    fn string(&mut self) -> Result<Box<str>, ParseError> {
        self.at += 1;
        let mut string = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain =
                rest.bytes().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)).count();
            string.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string.into());
                }
                Some(b'\\') => string.push(self.escape()?),
                Some(_) => return Err(self.not_json("a control character inside a string")),
                None => return Err(self.not_json("the document ends inside a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ParseError> {
        self.at += 1;
        let plain = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            Some(_) | None => return Err(self.not_json("an unknown escape in a string")),
        };
        self.at += 1;
        Ok(plain)
    }

    fn unicode_escape(&mut self) -> Result<char, ParseError> {
        let first = self.code_unit()?;
        let code = match first {
            0xd800..=0xdbff => {
                if !self.take(b'\\') {
                    return Err(self.not_json("half a surrogate pair in a string"));
                }
                let second = self.code_unit()?;
                if !matches!(second, 0xdc00..=0xdfff) {
                    return Err(self.not_json("half a surrogate pair in a string"));
                }
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            other => other,
        };
        char::from_u32(code).ok_or_else(|| self.not_json("half a surrogate pair in a string"))
    }

    /// The four hexadecimal digits behind `u`.
    fn code_unit(&mut self) -> Result<u32, ParseError> {
        let digits = self.text.get(self.at + 1..self.at + 5);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let unit = match digits {
            Some(digits) if self.peek() == Some(b'u') => u32::from_str_radix(digits, 16).ok(),
            Some(_) | None => None,
        };
        let unit = unit.ok_or_else(|| self.not_json("an unknown escape in a string"))?;
        self.at += 5;
        Ok(unit)
    }

    fn number(&mut self) -> Result<Box<str>, ParseError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(self.text.get(start..self.at).unwrap_or_default().into())
    }

    fn digits(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.not_json("expected a digit")) } else { Ok(()) }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, ParseError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(self.not_json("expected a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn not_json(&self, message: &str) -> ParseError {
        self.error(ParseErrorKind::NotJson, message.to_owned())
    }

    fn error(&self, kind: ParseErrorKind, message: String) -> ParseError {
        let (line, column) = line_and_column(self.text, self.at);
        ParseError { line, column, kind, message }
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
