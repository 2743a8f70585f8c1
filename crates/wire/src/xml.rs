//! Answers in XML. Source: IAM API Reference, "Making query requests", and the answers themselves.

use std::fmt::{self, Display};

use serde::ser::{self, Impossible, Serialize};

use crate::plain::is_plain;
use crate::service::OperationInfo;
use crate::timestamp::{NEWTYPE_NAME, Timestamp};
use crate::{ErrorCode, Service};

/// The content type of XML answers.
pub const CONTENT_TYPE: &str = "text/xml";

/// What an item of a list usually takes, in bytes.
const ITEM_LENGTH_USUAL: usize = 256;
/// Most items that room is made for at once. IAM API Reference, `MaxItems`.
const ITEMS_READY: usize = 1_000;

/// The answer of an operation, rendered straight into one buffer.
///
/// # Errors
/// [`NotXml`] for a type that no answer has; a bug.
pub fn response<T: Serialize>(
    operation: &OperationInfo,
    output: &T,
    request_id: &str,
) -> Result<String, NotXml> {
    let (name, namespace) = (operation.name, operation.service.namespace());
    let mut text = String::with_capacity(512);
    text.extend(["<", name, "Response xmlns=\"", namespace, "\">"]);
    if operation.has_output {
        text.extend(["<", name, "Result>"]);
        output.serialize(Encoder::new(&mut text))?;
        text.extend(["</", name, "Result>"]);
    }
    text.push_str("<ResponseMetadata><RequestId>");
    escape(&mut text, request_id);
    text.extend(["</RequestId></ResponseMetadata></", name, "Response>"]);
    Ok(text)
}

/// An error.
pub fn error(service: Service, code: ErrorCode, message: Option<&str>, request_id: &str) -> String {
    let (namespace, fault) = (service.namespace(), code.fault().as_str());
    let mut text = String::with_capacity(384);
    text.extend(["<ErrorResponse xmlns=\"", namespace, "\"><Error><Type>", fault]);
    text.extend(["</Type><Code>", code.code(), "</Code>"]);
    if let Some(message) = message {
        text.push_str("<Message>");
        escape(&mut text, message);
        text.push_str("</Message>");
    }
    text.push_str("</Error><RequestId>");
    escape(&mut text, request_id);
    text.push_str("</RequestId></ErrorResponse>");
    text
}

/// Appends text with everything escaped that XML reads otherwise.
///
/// A carriage return would be normalised to a line feed, so it is a reference. Characters that XML
/// 1.0 cannot carry become U+FFFD, so that the rest of the answer can be read.
// CHOICE: AWS documents nothing here; the constraints of IAM and STS let few such characters in.
pub fn escape(target: &mut String, text: &str) {
    if is_plain(text) {
        target.push_str(text);
        return;
    }
    let mut rest = text;
    while let Some((clean, special)) =
        rest.find(is_special).and_then(|at| rest.split_at_checked(at))
    {
        target.push_str(clean);
        let mut characters = special.chars();
        target.push_str(match characters.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&quot;",
            Some('\r') => "&#xD;",
            Some(_) | None => "\u{FFFD}",
        });
        rest = characters.as_str();
    }
    target.push_str(rest);
}

fn is_special(character: char) -> bool {
    match character {
        '&' | '<' | '>' | '"' => true,
        '\t' | '\n' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'.. => false,
        _ => true,
    }
}

/// A value that no answer of AWS has; a bug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotXml(String);

impl Display for NotXml {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cannot be written as XML: {}", self.0)
    }
}

impl std::error::Error for NotXml {}

impl ser::Error for NotXml {
    fn custom<T: Display>(message: T) -> NotXml {
        NotXml(message.to_string())
    }
}

struct Encoder<'a> {
    text: &'a mut String,
    /// Whether an integer stands for the seconds of a time.
    is_time: bool,
}

impl<'a> Encoder<'a> {
    fn new(text: &'a mut String) -> Encoder<'a> {
        Encoder { text, is_time: false }
    }

    fn element<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), NotXml> {
        self.text.push('<');
        self.text.push_str(name);
        self.text.push('>');
        let length = self.text.len();
        value.serialize(Encoder::new(self.text))?;
        if self.text.len() == length {
            // Nothing inside: the short form, as AWS writes empty lists.
            self.text.pop();
            self.text.push_str("/>");
        } else {
            self.text.push_str("</");
            self.text.push_str(name);
            self.text.push('>');
        }
        Ok(())
    }
}

macro_rules! display {
    ($($method:ident $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result<(), NotXml> {
            use std::fmt::Write;
            write!(self.text, "{value}").map_err(|_| NotXml("out of memory".to_owned()))
        }
    )*};
}

impl<'a> ser::Serializer for Encoder<'a> {
    type Ok = ();
    type Error = NotXml;
    type SerializeSeq = Encoder<'a>;
    type SerializeTuple = Impossible<(), NotXml>;
    type SerializeTupleStruct = Impossible<(), NotXml>;
    type SerializeTupleVariant = Impossible<(), NotXml>;
    type SerializeMap = Encoder<'a>;
    type SerializeStruct = Encoder<'a>;
    type SerializeStructVariant = Impossible<(), NotXml>;

    display!(serialize_bool bool, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32,
        serialize_u64 u64, serialize_f32 f32, serialize_f64 f64);

    fn serialize_i64(self, value: i64) -> Result<(), NotXml> {
        if self.is_time {
            Timestamp::from_seconds(value).push_to(self.text);
        } else {
            self.text.push_str(&value.to_string());
        }
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), NotXml> {
        escape(self.text, value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), NotXml> {
        escape(self.text, value);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), NotXml> {
        Err(NotXml("bytes; a `Blob` is meant".to_owned()))
    }

    fn serialize_none(self) -> Result<(), NotXml> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotXml> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NotXml> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NotXml> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), NotXml> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NotXml> {
        if name != NEWTYPE_NAME {
            return value.serialize(self);
        }
        value.serialize(Encoder { is_time: true, ..self })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), NotXml> {
        Err(NotXml(format!("the variant type {name}")))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Encoder<'a>, NotXml> {
        // So that a page is not moved again and again while it grows.
        self.text.reserve(length.unwrap_or_default().min(ITEMS_READY) * ITEM_LENGTH_USUAL);
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, NotXml> {
        Err(NotXml("a tuple".to_owned()))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, NotXml> {
        Err(NotXml(format!("the tuple {name}")))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NotXml> {
        Err(NotXml(format!("the variant type {name}")))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Encoder<'a>, NotXml> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Encoder<'a>, NotXml> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NotXml> {
        Err(NotXml(format!("the variant type {name}")))
    }
}

impl ser::SerializeSeq for Encoder<'_> {
    type Ok = ();
    type Error = NotXml;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotXml> {
        self.element("member", value)
    }

    fn end(self) -> Result<(), NotXml> {
        Ok(())
    }
}

impl ser::SerializeMap for Encoder<'_> {
    type Ok = ();
    type Error = NotXml;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotXml> {
        self.text.push_str("<entry>");
        self.element("key", key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotXml> {
        self.element("value", value)?;
        self.text.push_str("</entry>");
        Ok(())
    }

    fn end(self) -> Result<(), NotXml> {
        Ok(())
    }
}

impl ser::SerializeStruct for Encoder<'_> {
    type Ok = ();
    type Error = NotXml;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), NotXml> {
        self.element(key, value)
    }

    fn end(self) -> Result<(), NotXml> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam;

    #[test]
    fn an_answer_has_the_form_of_aws() {
        let operation = Service::Iam.operation("ListUsers").unwrap();
        let user = iam::User {
            path: "/".to_owned(),
            user_name: "a<&>\"b".to_owned(),
            user_id: "AIDA".to_owned(),
            arn: "arn".to_owned(),
            create_date: Timestamp::from_seconds(0),
            ..iam::User::default()
        };
        let output =
            iam::ListUsersResponse { users: vec![user], is_truncated: Some(false), marker: None };
        let expected = "<ListUsersResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
            <ListUsersResult><Users><member><Path>/</Path><UserName>a&lt;&amp;&gt;&quot;b</UserName>\
            <UserId>AIDA</UserId><Arn>arn</Arn><CreateDate>1970-01-01T00:00:00Z</CreateDate></member>\
            </Users><IsTruncated>false</IsTruncated></ListUsersResult>\
            <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></ListUsersResponse>";
        assert_eq!(response(operation, &output, "r").unwrap(), expected);
        let none = iam::ListUsersResponse::default();
        assert!(response(operation, &none, "r").unwrap().contains("<Users/>"));
    }

    #[test]
    fn operations_without_output_answer_with_metadata_only() {
        let operation = Service::Iam.operation("DeleteUser").unwrap();
        let expected = "<DeleteUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
            <ResponseMetadata><RequestId>a&lt;b</RequestId></ResponseMetadata></DeleteUserResponse>";
        assert_eq!(response(operation, &crate::NoOutput, "a<b").unwrap(), expected);
    }

    #[test]
    fn an_empty_result_is_still_a_result() {
        let operation = Service::Iam.operation("UpdateRole").unwrap();
        let text = response(operation, &iam::UpdateRoleResponse::default(), "r").unwrap();
        assert!(text.contains("<UpdateRoleResult></UpdateRoleResult><ResponseMetadata>"));
    }

    #[test]
    fn maps_are_entries() {
        let operation = Service::Iam.operation("GetAccountSummary").unwrap();
        let summary = [("Users".to_owned(), 1), ("a&b".to_owned(), -2)].into();
        let output = iam::GetAccountSummaryResponse { summary_map: Some(summary) };
        let text = response(operation, &output, "r").unwrap();
        assert!(text.contains(
            "<SummaryMap><entry><key>Users</key><value>1</value></entry>\
             <entry><key>a&amp;b</key><value>-2</value></entry></SummaryMap>"
        ));
    }

    #[test]
    fn escapes_leave_everything_else_alone() {
        let escaped = |text: &str| {
            let mut target = String::new();
            escape(&mut target, text);
            target
        };
        let plain = "a\tb\nc \u{7f}\u{80}é\u{D7FF}\u{E000}\u{FFFD}😀'";
        assert_eq!(escaped(plain), plain);
        assert_eq!(escaped("\u{0}\u{8}\u{b}\u{1f}\u{FFFE}\u{FFFF}"), "\u{FFFD}".repeat(6));
        assert_eq!(escaped("&&<>\r\"&"), "&amp;&amp;&lt;&gt;&#xD;&quot;&amp;");
    }

    proptest::proptest! {
        #[test]
        fn nothing_escapes_an_element(text in "(?s).{0,200}") {
            let mut target = String::new();
            escape(&mut target, &text);
            proptest::prop_assert!(!target.contains(['<', '>', '"', '\r']));
            proptest::prop_assert!(!target.chars().any(|it| it < ' ' && it != '\t' && it != '\n'));
        }
    }

    #[test]
    fn errors_say_whose_fault_they_are() {
        let refused = error(Service::Sts, ErrorCode::AccessDenied, Some("a\rb\u{1}"), "r");
        assert!(refused.contains(
            "<Type>Sender</Type><Code>AccessDenied</Code><Message>a&#xD;b\u{FFFD}</Message>"
        ));
        assert!(
            error(Service::Iam, ErrorCode::ServiceFailure, None, "r")
                .contains("<Type>Receiver</Type><Code>ServiceFailure</Code></Error>")
        );
    }
}
