//! The answer of an operation, rendered by its own type.

use std::fmt::{self, Display};

use serde::ser::{self, Impossible, Serialize};

use super::{HIDDEN, LENGTH_MAX, SECRET_MEMBERS, omitted, push_name, push_text};
use crate::timestamp::Timestamp;
use crate::{secret, timestamp};

/// The answer of an operation as a JSON object; none if it has no members.
///
/// # Errors
/// [`NotShown`] for a type that no answer has; a bug.
pub fn elements<T: Serialize>(output: &T) -> Result<Option<String>, NotShown> {
    let mut text = String::with_capacity(512);
    output.serialize(Encoder { text: &mut text, is_time: false })?;
    Ok(match text.as_str() {
        "null" | "{}" => None,
        _ if text.len() > LENGTH_MAX => Some(omitted("responseElements")),
        _ => Some(text),
    })
}

/// A value that no answer of AWS has; a bug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotShown(String);

impl Display for NotShown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cannot be shown in a record: {}", self.0)
    }
}

impl std::error::Error for NotShown {}

impl ser::Error for NotShown {
    fn custom<T: Display>(message: T) -> NotShown {
        NotShown(message.to_string())
    }
}

struct Encoder<'a> {
    text: &'a mut String,
    /// Whether an integer stands for the seconds of a time.
    is_time: bool,
}

impl<'a> Encoder<'a> {
    fn part(&mut self) -> Encoder<'_> {
        Encoder { text: self.text, is_time: false }
    }

    fn compound(self, open: char, close: char) -> Compound<'a> {
        self.text.push(open);
        Compound { encoder: self, close, is_first: true }
    }

    fn number(self, number: impl Display) -> Result<(), NotShown> {
        self.text.push_str(&number.to_string());
        Ok(())
    }
}

impl<'a> ser::Serializer for Encoder<'a> {
    type Ok = ();
    type Error = NotShown;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Impossible<(), NotShown>;
    type SerializeTupleStruct = Impossible<(), NotShown>;
    type SerializeTupleVariant = Impossible<(), NotShown>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Impossible<(), NotShown>;

    fn serialize_bool(self, value: bool) -> Result<(), NotShown> {
        self.number(value)
    }

    fn serialize_i8(self, value: i8) -> Result<(), NotShown> {
        self.number(value)
    }

    fn serialize_i16(self, value: i16) -> Result<(), NotShown> {
        self.number(value)
    }

    fn serialize_i32(self, value: i32) -> Result<(), NotShown> {
        self.number(value)
    }

    fn serialize_i64(self, value: i64) -> Result<(), NotShown> {
        if !self.is_time {
            return self.number(value);
        }
        push_text(self.text, &Timestamp::from_seconds(value).in_words());
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), NotShown> {
        self.number(value)
    }

    fn serialize_u16(self, value: u16) -> Result<(), NotShown> {
        self.number(value)
    }

    fn serialize_u32(self, value: u32) -> Result<(), NotShown> {
        self.number(value)
    }

    fn serialize_u64(self, value: u64) -> Result<(), NotShown> {
        self.number(value)
    }

    fn serialize_f32(self, _: f32) -> Result<(), NotShown> {
        Err(NotShown("a fraction".to_owned()))
    }

    fn serialize_f64(self, _: f64) -> Result<(), NotShown> {
        Err(NotShown("a fraction".to_owned()))
    }

    fn serialize_char(self, value: char) -> Result<(), NotShown> {
        push_text(self.text, value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), NotShown> {
        // What is too long already is thrown away.
        if self.text.len() <= LENGTH_MAX {
            push_text(self.text, value);
        }
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), NotShown> {
        Err(NotShown("bytes; a `Blob` is meant".to_owned()))
    }

    fn serialize_none(self) -> Result<(), NotShown> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotShown> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NotShown> {
        self.text.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NotShown> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), NotShown> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NotShown> {
        match name {
            secret::NEWTYPE_NAME => self.serialize_str(HIDDEN),
            timestamp::NEWTYPE_NAME => value.serialize(Encoder { is_time: true, ..self }),
            _ => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), NotShown> {
        Err(NotShown(format!("the variant type {name}")))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a>, NotShown> {
        Ok(self.compound('[', ']'))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, NotShown> {
        Err(NotShown("a tuple".to_owned()))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, NotShown> {
        Err(NotShown(format!("the tuple {name}")))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NotShown> {
        Err(NotShown(format!("the variant type {name}")))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a>, NotShown> {
        Ok(self.compound('{', '}'))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>, NotShown> {
        Ok(self.compound('{', '}'))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NotShown> {
        Err(NotShown(format!("the variant type {name}")))
    }
}

/// A list, map or structure that is being written.
struct Compound<'a> {
    encoder: Encoder<'a>,
    close: char,
    is_first: bool,
}

impl Compound<'_> {
    fn separate(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.encoder.text.push(',');
        }
    }

    fn close(self) -> Result<(), NotShown> {
        self.encoder.text.push(self.close);
        Ok(())
    }
}

impl ser::SerializeSeq for Compound<'_> {
    type Ok = ();
    type Error = NotShown;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotShown> {
        self.separate();
        value.serialize(self.encoder.part())
    }

    fn end(self) -> Result<(), NotShown> {
        self.close()
    }
}

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = NotShown;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotShown> {
        self.separate();
        key.serialize(self.encoder.part())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotShown> {
        self.encoder.text.push(':');
        value.serialize(self.encoder.part())
    }

    fn end(self) -> Result<(), NotShown> {
        self.close()
    }
}

impl ser::SerializeStruct for Compound<'_> {
    type Ok = ();
    type Error = NotShown;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), NotShown> {
        self.separate();
        push_name(self.encoder.text, key);
        if SECRET_MEMBERS.contains(&key) {
            return ser::Serializer::serialize_str(self.encoder.part(), HIDDEN);
        }
        value.serialize(self.encoder.part())
    }

    fn end(self) -> Result<(), NotShown> {
        self.close()
    }
}
