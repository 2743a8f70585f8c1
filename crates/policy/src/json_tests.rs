//! Tests of the JSON reader.

use super::*;

fn refusal(text: &str) -> (ParseErrorKind, u32, u32) {
    let error = read_object(text).expect_err(text);
    (error.kind, error.line, error.column)
}

fn only_value(text: &str) -> Value {
    let (_, mut members) = read_object(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(members.len(), 1, "{text}");
    members.remove(0).value.value
}

fn nested(levels: usize) -> String {
    format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn values_are_read_with_their_places() {
    let text = "{ \"a\" : [1, \"x\"],\n  \"b\":{\"c\":null} }";
    let (span, members) = read_object(text).unwrap();
    assert_eq!((span.start, span.end), (0, text.len()));
    let source = |span: Span| &text[span.start..span.end];
    let names: Vec<&str> = members.iter().map(|member| source(member.name_span)).collect();
    assert_eq!(names, ["\"a\"", "\"b\""]);
    assert_eq!(source(members[0].value.span), "[1, \"x\"]");
    let Value::List(items) = &members[0].value.value else { panic!("no list") };
    assert_eq!(source(items[1].span), "\"x\"");
    assert_eq!(line_and_column(text, members[1].name_span.start), (2, 3));
    assert!(matches!(&members[1].value.value, Value::Map(inner) if inner.len() == 1));
}

#[test]
fn columns_count_characters_and_lines_count_line_feeds() {
    assert_eq!(line_and_column("é\"x", 3), (1, 3));
    assert_eq!(line_and_column("a\r\nb\nc", 6), (3, 2));
    assert_eq!(line_and_column("a", 99), (1, 2));
}

#[test]
fn escapes_stand_for_their_characters() {
    for (written, read) in [
        (r#"a\"\\\/b"#, "a\"\\/b"),
        (r"\b\f\n\r\t", "\u{8}\u{c}\n\r\t"),
        (r"\u0041\u00e9\u20ac", "Aé€"),
        (r"\ud83d\ude00", "\u{1f600}"),
        ("é€\u{1f600}", "é€\u{1f600}"),
        ("", ""),
    ] {
        let value = only_value(&format!("{{\"k\":\"{written}\"}}"));
        assert!(matches!(&value, Value::String(text) if **text == *read), "{written}: {value:?}");
    }
}

#[test]
fn numbers_keep_their_text() {
    for number in ["0", "-0", "10", "1.50", "1e5", "1E+05", "-2.5e-10", "123456789012345678901234"]
    {
        let value = only_value(&format!("{{\"k\":{number}}}"));
        assert!(matches!(&value, Value::Number(text) if **text == *number), "{number}: {value:?}");
    }
}

#[test]
fn what_is_not_json_is_refused_where_it_stops_being_json() {
    for (text, column) in [
        ("", 1),
        ("   ", 4),
        ("{", 2),
        ("{\"a\"}", 5),
        ("{\"a\":}", 6),
        ("{\"a\":1,}", 8),
        ("{\"a\":1 \"b\":2}", 8),
        ("{,}", 2),
        ("{a:1}", 2),
        ("{'a':1}", 2),
        ("{\"a\":[1,]}", 9),
        ("{\"a\":[1 2]}", 9),
        ("{\"a\":tru}", 6),
        ("{\"a\":True}", 6),
        ("{\"a\":NaN}", 6),
        ("{\"a\":01}", 7),
        ("{\"a\":+1}", 6),
        ("{\"a\":1.}", 8),
        ("{\"a\":.5}", 6),
        ("{\"a\":1e}", 8),
        ("{\"a\":-}", 7),
        ("{\"a\":1}x", 8),
        ("{\"a\":1}{}", 8),
        ("{\"a\":\"b", 8),
        ("{\"a\":\"\t\"}", 7),
        ("{\"a\":1 /* c */}", 8),
        ("\u{feff}{}", 1),
    ] {
        assert_eq!(refusal(text), (ParseErrorKind::NotJson, 1, column), "{text}");
    }
    for escape in
        [r"\x", r"\u12", r"\u12g4", r"\ud800", r"\ud800\u0041", r"\udc00", r"\u+041", "\\"]
    {
        let text = format!("{{\"a\":\"{escape}\"}}");
        assert_eq!(refusal(&text).0, ParseErrorKind::NotJson, "{text}");
    }
}

#[test]
fn only_an_object_is_a_document() {
    for text in ["[]", "\"a\"", "1", "null", "true", "[{}]"] {
        assert_eq!(refusal(&format!("\n {text}")), (ParseErrorKind::NotAnObject, 2, 2), "{text}");
    }
    assert!(read_object(" {} \n").is_ok());
}

#[test]
fn a_key_that_occurs_twice_is_refused_at_its_second_place() {
    assert_eq!(refusal("{\"a\":1,\"a\":2}"), (ParseErrorKind::DuplicateKey, 1, 8));
    // Spelled differently, it is the same key all the same.
    assert_eq!(refusal("{\"a\":1,\"\\u0061\":2}"), (ParseErrorKind::DuplicateKey, 1, 8));
    assert_eq!(refusal("{\"x\":[{\"a\":1,\n\"a\":2}]}"), (ParseErrorKind::DuplicateKey, 2, 1));
    assert!(read_object("{\"a\":{\"a\":1},\"A\":2}").is_ok());
}

#[test]
fn nesting_has_a_limit() {
    let limit = DOCUMENT_DEPTH_MAX as usize;
    assert!(read_object(&nested(limit - 1)).is_ok());
    assert_eq!(refusal(&nested(limit)).0, ParseErrorKind::TooDeep);
    assert_eq!(refusal(&"[".repeat(100_000)).0, ParseErrorKind::TooDeep);
    assert_eq!(refusal(&"{\"a\":".repeat(20_000)).0, ParseErrorKind::TooDeep);
}

#[test]
fn size_has_a_limit_in_characters() {
    let of_length =
        |length: usize, letter: &str| format!("{{\"a\":\"{}\"}}", letter.repeat(length - 8));
    assert!(read_object(&of_length(DOCUMENT_CHARACTERS_MAX, "x")).is_ok());
    assert!(read_object(&of_length(DOCUMENT_CHARACTERS_MAX, "é")).is_ok());
    let longer = of_length(DOCUMENT_CHARACTERS_MAX + 1, "x");
    assert_eq!(refusal(&longer).0, ParseErrorKind::TooLarge);
}

#[test]
fn quoted_text_reads_back_as_itself() {
    for text in ["", "a\"b\\c", "\u{0}\u{1f}\n\t", "é€\u{1f600}", "</script>"] {
        let value = only_value(&format!("{{\"k\":{}}}", quoted(text)));
        assert!(matches!(&value, Value::String(read) if **read == *text), "{text:?}: {value:?}");
    }
}
