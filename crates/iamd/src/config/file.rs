//! Reading the file: TOML, with the line of every value.

use std::io::Read;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::slot::Value;
use super::{Origin, Problem};

/// Longest file, in bytes.
// CHOICE: many times what all keys with their comments take.
const LENGTH_MAX: u64 = 1024 * 1024;

/// A key of the file with its value.
pub struct Entry {
    /// The key, such as `server.listen`.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// The line of the key, from 1.
    pub line: usize,
}

/// All keys of a file, in no order of importance.
///
/// # Errors
/// The problem that keeps it from being read at all.
pub fn read(path: &Path) -> Result<Vec<Entry>, Problem> {
    let problem = |line: usize, message: String| Problem {
        origin: Origin::Line(path.to_owned(), line),
        message,
    };
    let text = text(path).map_err(|message| problem(1, message))?;
    // The message of the reader alone: its picture of the line could show a secret.
    let table = DeTable::parse(&text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        problem(line(&text, start), error.message().to_owned())
    })?;
    let mut entries = Vec::new();
    for (name, value) in table.get_ref() {
        let place = line(&text, name.span().start);
        match value.get_ref() {
            DeValue::Table(section) => {
                for (inner, value) in section {
                    entries.push(Entry {
                        key: format!("{}.{}", name.get_ref(), inner.get_ref()),
                        value: read_value(value.get_ref()),
                        line: line(&text, inner.span().start),
                    });
                }
            }
            plain => {
                let key = name.get_ref().to_string();
                entries.push(Entry { key, value: read_value(plain), line: place });
            }
        }
    }
    entries.sort_by_key(|entry| entry.line);
    Ok(entries)
}

fn text(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("the file cannot be read: {error}");
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    file.take(LENGTH_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LENGTH_MAX {
        return Err(format!("the file has more than {LENGTH_MAX} bytes"));
    }
    Ok(text)
}

fn line(text: &str, place: usize) -> usize {
    let before = text.as_bytes().get(..place).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

fn read_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            parsed.map_or(Value::Other("too large an integer"), Value::Integer)
        }
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Array(values) => {
            let texts: Option<Vec<String>> =
                values.iter().map(|value| value.get_ref().as_str().map(str::to_owned)).collect();
            texts.map_or(Value::Other("an array of other things"), Value::List)
        }
        DeValue::Float(_) => Value::Other("a number with a fraction"),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Table(_) => Value::Other("a table"),
    }
}
