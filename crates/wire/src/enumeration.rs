//! Enums whose values have names on the wire.

use std::fmt;

use serde::de::{self, Deserializer};

/// A text that is none of the values of an enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownValue;

impl fmt::Display for UnknownValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not one of the known values")
    }
}

impl std::error::Error for UnknownValue {}

/// Writes an enum from its variants and their names on the wire.
macro_rules! wire_enum {
    ($(#[$attribute:meta])* $name:ident { $($variant:ident = $value:literal,)+ }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $value, "`")] $variant,)+
        }

        impl $name {
            /// All values, in the order of the model.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// The value on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $value,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownValue;

            fn from_str(text: &str) -> Result<$name, $crate::UnknownValue> {
                match text {
                    $($value => Ok($name::$variant),)+
                    _ => Err($crate::UnknownValue),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                $crate::enumeration::deserialize(deserializer)
            }
        }
    };
}

pub(crate) use wire_enum;

/// Reads a value by its name on the wire.
pub(crate) fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err = UnknownValue>,
{
    struct Visitor<T>(std::marker::PhantomData<T>);
    impl<T: std::str::FromStr<Err = UnknownValue>> de::Visitor<'_> for Visitor<T> {
        type Value = T;
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("one of the known values")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Visitor(std::marker::PhantomData))
}
