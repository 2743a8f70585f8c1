//! The answer of an operation, rendered by its own type.

use std::fmt::{self, Display};

use serde::ser::{self, Impossible, Serialize};

use super::resources::{Resource, of_member, of_part};
use super::{HIDDEN, LENGTH_MAX, SECRET_MEMBERS, Shown, omitted, push_name, push_text};
use crate::timestamp::Timestamp;
use crate::{secret, timestamp};

/// The answer of an operation as a JSON object; none if it has no members.
///
/// # Errors
/// [`NotShown`] for a type that no answer has; a bug.
pub fn elements<T: Serialize>(output: &T) -> Result<Option<Shown>, NotShown> {
    let (mut text, mut resources) = (String::with_capacity(512), Vec::new());
    let (place, is_time) = (Place::Top, false);
    output.serialize(Encoder { text: &mut text, resources: &mut resources, place, is_time })?;
    Ok(match text.as_str() {
        "null" | "{}" => None,
        _ if text.len() > LENGTH_MAX => {
            Some(Shown { text: omitted("responseElements"), resources: Vec::new() })
        }
        _ => Some(Shown { text, resources }),
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

/// Where the encoder is, as far as resources are concerned.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// The members of the answer come.
    Top,
    /// The members of something of this type come, and the one that names it is called so.
    Part(&'static str, &'static str),
    /// A name of something of this type comes.
    Name(&'static str),
    /// Nothing of interest comes.
    Elsewhere,
}

impl Place {
    /// What the value of a member is.
    fn of(self, member: &str) -> Place {
        match self {
            Place::Top => match (of_member(member), of_part(member)) {
                (Some(kind), _) => Place::Name(kind),
                (_, Some((kind, name))) => Place::Part(kind, name),
                (None, None) => Place::Elsewhere,
            },
            Place::Part(kind, name) if name == member => Place::Name(kind),
            Place::Part(..) | Place::Name(_) | Place::Elsewhere => Place::Elsewhere,
        }
    }
}

struct Encoder<'a> {
    text: &'a mut String,
    resources: &'a mut Vec<Resource<'static>>,
    place: Place,
    /// Whether an integer stands for the seconds of a time.
    is_time: bool,
}

impl<'a> Encoder<'a> {
    fn part(&mut self, place: Place) -> Encoder<'_> {
        Encoder { text: self.text, resources: self.resources, place, is_time: false }
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
        if let Place::Name(kind) = self.place {
            self.resources.push((kind, value.to_owned().into()));
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
        mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NotShown> {
        match name {
            secret::NEWTYPE_NAME => self.part(Place::Elsewhere).serialize_str(HIDDEN),
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
        value.serialize(self.encoder.part(Place::Elsewhere))
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
        key.serialize(self.encoder.part(Place::Elsewhere))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotShown> {
        self.encoder.text.push(':');
        value.serialize(self.encoder.part(Place::Elsewhere))
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
            return ser::Serializer::serialize_str(self.encoder.part(Place::Elsewhere), HIDDEN);
        }
        let place = self.encoder.place.of(key);
        value.serialize(self.encoder.part(place))
    }

    fn end(self) -> Result<(), NotShown> {
        self.close()
    }
}
