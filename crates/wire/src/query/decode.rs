//! A serde deserializer over the parameters.

use std::fmt::{self, Display};

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::Node;

/// A request that does not have the form of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotDecodable(String);

impl Display for NotDecodable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for NotDecodable {}

impl de::Error for NotDecodable {
    fn custom<T: Display>(message: T) -> NotDecodable {
        NotDecodable(message.to_string())
    }
}

#[derive(Clone, Copy)]
pub(super) struct Decoder<'a> {
    node: Node<'a>,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(node: Node<'a>) -> Decoder<'a> {
        Decoder { node }
    }

    fn text(self) -> Result<&'a str, NotDecodable> {
        self.node.value().ok_or_else(|| NotDecodable("a value is missing".to_owned()))
    }

    fn parsed<T: std::str::FromStr>(self, what: &str) -> Result<T, NotDecodable> {
        let text = self.text()?;
        text.parse().map_err(|_| unlike(text, what))
    }
}

fn unlike(text: &str, what: &str) -> NotDecodable {
    NotDecodable(format!("`{text}` is not {what}"))
}

macro_rules! integers {
    ($($method:ident $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotDecodable> {
            visitor.$visit(self.parsed("an integer")?)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Decoder<'_> {
    type Error = NotDecodable;

    integers!(deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32,
        deserialize_i64 visit_i64, deserialize_u8 visit_u8, deserialize_u16 visit_u16,
        deserialize_u32 visit_u32, deserialize_u64 visit_u64);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotDecodable> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotDecodable> {
        let text = self.text()?;
        let value = super::boolean(text);
        visitor.visit_bool(value.ok_or_else(|| unlike(text, "true or false"))?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotDecodable> {
        visitor.visit_f32(self.parsed("a number")?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotDecodable> {
        visitor.visit_f64(self.parsed("a number")?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotDecodable> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, NotDecodable> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotDecodable> {
        let items = self.node.items("member").into_iter().map(|(_, node)| Decoder { node });
        visitor.visit_seq(Items(items.collect::<Vec<_>>().into_iter()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotDecodable> {
        let entries = self.node.items("entry").into_iter().map(|(_, node)| node);
        visitor.visit_map(Entries { entries: entries.collect::<Vec<_>>().into_iter(), value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotDecodable> {
        visitor.visit_map(Members { node: self.node, fields: fields.iter(), value: None })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotDecodable> {
        visitor.visit_enum(IntoDeserializer::<NotDecodable>::into_deserializer(self.text()?))
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

impl<'a> IntoDeserializer<'_, NotDecodable> for Decoder<'a> {
    type Deserializer = Decoder<'a>;

    fn into_deserializer(self) -> Decoder<'a> {
        self
    }
}

struct Items<'a>(std::vec::IntoIter<Decoder<'a>>);

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = NotDecodable;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, NotDecodable> {
        self.0.next().map(|item| seed.deserialize(item)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// The members of a structure: those of its type that are there. Others are ignored.
struct Members<'a> {
    node: Node<'a>,
    fields: std::slice::Iter<'static, &'static str>,
    value: Option<Node<'a>>,
}

impl<'de> de::MapAccess<'de> for Members<'_> {
    type Error = NotDecodable;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, NotDecodable> {
        for field in self.fields.by_ref() {
            if let Some(node) = self.node.child(field) {
                self.value = Some(node);
                let name: StrDeserializer<'_, NotDecodable> = (*field).into_deserializer();
                return seed.deserialize(name).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, NotDecodable> {
        let node =
            self.value.take().ok_or_else(|| NotDecodable("a value is missing".to_owned()))?;
        seed.deserialize(Decoder { node })
    }
}

struct Entries<'a> {
    entries: std::vec::IntoIter<Node<'a>>,
    value: Option<Node<'a>>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = NotDecodable;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, NotDecodable> {
        let Some(entry) = self.entries.next() else {
            return Ok(None);
        };
        let missing = || NotDecodable("an entry needs a key and a value".to_owned());
        let key = entry.child("key").ok_or_else(missing)?;
        self.value = Some(entry.child("value").ok_or_else(missing)?);
        seed.deserialize(Decoder { node: key }).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, NotDecodable> {
        let node =
            self.value.take().ok_or_else(|| NotDecodable("a value is missing".to_owned()))?;
        seed.deserialize(Decoder { node })
    }
}
