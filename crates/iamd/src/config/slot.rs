//! Values as they are written, and the places that they go to.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::ValueEnum;
use ipnet::IpNet;

use super::WhenFull;
use crate::log::LogFormat;

/// A value as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A string of the file.
    Text(String),
    /// An integer of the file.
    Integer(i64),
    /// A boolean of the file.
    Boolean(bool),
    /// An array of strings of the file.
    List(Vec<String>),
    /// Something else that TOML knows, by its name.
    Other(&'static str),
    /// Text of a variable or an option, which is whatever the key wants.
    Word(String),
}

impl Value {
    fn text(&self, wanted: &str) -> Result<&str, String> {
        match self {
            Value::Text(text) | Value::Word(text) => Ok(text),
            Value::Integer(_) | Value::Boolean(_) | Value::List(_) | Value::Other(_) => {
                Err(format!("must be {wanted}, and this is {}", self.kind()))
            }
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) | Value::Word(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Boolean(_) => "a boolean",
            Value::List(_) => "an array",
            Value::Other(name) => name,
        }
    }

    fn list(&self) -> Result<Vec<String>, String> {
        match self {
            Value::List(list) => Ok(list.clone()),
            Value::Word(text) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Ok(parts.map(str::to_owned).collect())
            }
            Value::Text(_) | Value::Integer(_) | Value::Boolean(_) | Value::Other(_) => {
                Err(format!("must be an array of strings, and this is {}", self.kind()))
            }
        }
    }
}

/// A place for a value.
pub trait Slot {
    /// Takes a value.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with the key.
    fn set(&mut self, value: &Value) -> Result<(), String>;

    /// The value as TOML has it.
    fn toml(&self) -> String;

    /// The value if it is a number.
    fn number(&self) -> Option<u64> {
        None
    }
}

impl Slot for String {
    fn set(&mut self, value: &Value) -> Result<(), String> {
        value.text("a string").map(|text| text.clone_into(self))
    }

    fn toml(&self) -> String {
        quoted(self)
    }
}

impl Slot for PathBuf {
    fn set(&mut self, value: &Value) -> Result<(), String> {
        value.text("a path").map(|text| *self = PathBuf::from(text))
    }

    fn toml(&self) -> String {
        quoted(&self.display().to_string())
    }
}

impl Slot for bool {
    fn set(&mut self, value: &Value) -> Result<(), String> {
        *self = match value {
            Value::Boolean(value) => *value,
            Value::Word(word) if word == "true" => true,
            Value::Word(word) if word == "false" => false,
            Value::Word(word) => return Err(format!("is true or false, and not `{word}`")),
            Value::Text(_) | Value::Integer(_) | Value::List(_) | Value::Other(_) => {
                return Err(format!("is true or false, and this is {}", value.kind()));
            }
        };
        Ok(())
    }

    fn toml(&self) -> String {
        self.to_string()
    }
}

impl Slot for u32 {
    fn set(&mut self, value: &Value) -> Result<(), String> {
        let number = number(value)?;
        *self = u32::try_from(number).map_err(|_| format!("is at most {}", u32::MAX))?;
        Ok(())
    }

    fn toml(&self) -> String {
        self.to_string()
    }

    fn number(&self) -> Option<u64> {
        Some(u64::from(*self))
    }
}

impl Slot for u64 {
    fn set(&mut self, value: &Value) -> Result<(), String> {
        *self = number(value)?;
        Ok(())
    }

    fn toml(&self) -> String {
        self.to_string()
    }

    fn number(&self) -> Option<u64> {
        Some(*self)
    }
}

fn number(value: &Value) -> Result<u64, String> {
    let number = match value {
        Value::Integer(number) => u64::try_from(*number).ok(),
        Value::Word(word) => word.parse().ok(),
        Value::Text(_) | Value::Boolean(_) | Value::List(_) | Value::Other(_) => {
            return Err(format!("must be a whole number, and this is {}", value.kind()));
        }
    };
    number.ok_or_else(|| "must be a whole number, not below 0".to_owned())
}

impl Slot for SocketAddr {
    fn set(&mut self, value: &Value) -> Result<(), String> {
        let text = value.text("an address with a port")?;
        *self = text.parse().map_err(|_| {
            format!("is an address with a port, such as `127.0.0.1:4260` or `[::]:4260`, and not `{text}`")
        })?;
        Ok(())
    }

    fn toml(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Slot for Vec<IpNet> {
    fn set(&mut self, value: &Value) -> Result<(), String> {
        let range = |text: &String| {
            // An address alone is a range of one.
            let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            parsed.map_err(|_| {
                format!("has addresses and ranges, such as `10.0.0.0/8`, and `{text}` is neither")
            })
        };
        *self = value.list()?.iter().map(range).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn toml(&self) -> String {
        listed(self.iter().map(ToString::to_string))
    }
}

impl Slot for Vec<String> {
    fn set(&mut self, value: &Value) -> Result<(), String> {
        value.list().map(|list| *self = list)
    }

    fn toml(&self) -> String {
        listed(self.iter().cloned())
    }
}

impl Slot for LogFormat {
    fn set(&mut self, value: &Value) -> Result<(), String> {
        let text = value.text("a string")?;
        *self = LogFormat::from_str(text, false)
            .map_err(|_| format!("is `text` or `json`, and not `{text}`"))?;
        Ok(())
    }

    fn toml(&self) -> String {
        let name = match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        };
        quoted(name)
    }
}

impl Slot for WhenFull {
    fn set(&mut self, value: &Value) -> Result<(), String> {
        let text = value.text("a string")?;
        *self = WhenFull::from_str(text, false)
            .map_err(|_| format!("is `wait` or `count`, and not `{text}`"))?;
        Ok(())
    }

    fn toml(&self) -> String {
        let name = match self {
            WhenFull::Wait => "wait",
            WhenFull::Count => "count",
        };
        quoted(name)
    }
}

fn listed(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.map(|value| quoted(&value)).collect::<Vec<_>>().join(", "))
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
