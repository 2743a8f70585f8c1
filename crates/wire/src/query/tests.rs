//! Tests of the Query decoder.

use proptest::prelude::*;

use super::*;
use crate::{iam, sts};

fn parse(text: &str) -> Parameters<'_> {
    Parameters::parse(text.as_bytes()).unwrap()
}

#[test]
fn lists_structures_and_escapes_are_read() {
    let body = "Action=CreateUser&Version=2010-05-08&UserName=bob&Path=%2Fa%2F\
        &Tags.member.2.Key=b+c&Tags.member.2.Value=&Tags.member.10.Key=d&Tags.member.10.Value=e\
        &Tags.member.1.Key=a&Tags.member.1.Value=%C3%A9&Unknown.member.1=x";
    let parameters = parse(body);
    assert_eq!(parameters.action(), Some("CreateUser"));
    let request: iam::CreateUserRequest = parameters.decode().unwrap();
    assert_eq!(request.path.as_deref(), Some("/a/"));
    let tags = request.tags.unwrap();
    let tags: Vec<_> = tags.iter().map(|tag| (&*tag.key, &*tag.value)).collect();
    assert_eq!(tags, [("a", "é"), ("b c", ""), ("d", "e")]);
}

#[test]
fn an_empty_list_is_a_list() {
    let request: iam::CreateUserRequest = parse("UserName=bob&Tags=").decode().unwrap();
    assert_eq!(request.tags, Some(Vec::new()));
    let request: iam::CreateUserRequest = parse("UserName=bob").decode().unwrap();
    assert_eq!(request.tags, None);
}

#[test]
fn neighbours_in_the_order_of_bytes_do_not_disturb() {
    let request: sts::AssumeRoleRequest =
        parse("Tags-x=1&Tags+x=1&Tags.member.1.Key=k&Tags.member.1.Value=v&Tags0=2&RoleArn=a&RoleSessionName=s&Tags%2Fx=3")
            .decode()
            .unwrap();
    assert_eq!(request.tags.unwrap().len(), 1);
}

#[test]
fn what_is_no_form_is_refused() {
    for (body, code) in [
        (&b"A=%"[..], ErrorCode::MalformedQueryString),
        (b"A=%4", ErrorCode::MalformedQueryString),
        (b"A=%zz", ErrorCode::MalformedQueryString),
        (b"A=\xff", ErrorCode::MalformedQueryString),
        (b"A=%ff", ErrorCode::MalformedQueryString),
        (b"A=1&A=1", ErrorCode::InvalidQueryParameter),
        (b"A=1&%41=2", ErrorCode::InvalidQueryParameter),
        (b"T.member.01=1", ErrorCode::InvalidQueryParameter),
        (b"T.member.=1", ErrorCode::InvalidQueryParameter),
        (b"T.member.x=1", ErrorCode::InvalidQueryParameter),
        (b"T.entry.-1.key=1", ErrorCode::InvalidQueryParameter),
        (b"T.member.4000000000=1", ErrorCode::InvalidQueryParameter),
        (b"T.member.99999999999999999999=1", ErrorCode::InvalidQueryParameter),
        (b"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1", ErrorCode::InvalidQueryParameter),
    ] {
        assert_eq!(Parameters::parse(body).unwrap_err().code, code, "{body:?}");
    }
    let many = "a=1&".repeat(PARAMETERS_MAX + 1);
    assert!(Parameters::parse(many.as_bytes()).is_err());
    let long = format!("{}=1", "a".repeat(NAME_LENGTH_MAX + 1));
    assert!(Parameters::parse(long.as_bytes()).is_err());
}

#[test]
fn a_body_has_a_limit() {
    let body = [b"a=".as_slice(), &vec![b'x'; BODY_LENGTH_MAX]].concat();
    let code = Parameters::parse(&body).unwrap_err().code;
    assert_eq!(code, ErrorCode::RequestEntityTooLargeException);
    assert!(Parameters::parse(&body[..BODY_LENGTH_MAX]).is_ok());
}

#[test]
fn maps_are_read() {
    let body = "TemplateArn=a&ReplacementValues.entry.2.key=b\
        &ReplacementValues.entry.2.value.Values.member.1=x\
        &ReplacementValues.entry.1.key=a&ReplacementValues.entry.1.value.Values=";
    let request: iam::AcquireRoleRequest = parse(body).decode().unwrap();
    let values = request.replacement_values.unwrap();
    assert_eq!(values.keys().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn a_long_list_is_read_in_the_order_of_numbers() {
    let items = (0..=3_000).rev().map(|n| format!("&ActionNames.member.{}=a%3A{n}", n * 3));
    let body = format!("PolicyInputList={}", items.collect::<String>());
    let request: iam::SimulateCustomPolicyRequest = parse(&body).decode().unwrap();
    let expected: Vec<String> = (0..=3_000).map(|n| format!("a:{n}")).collect();
    assert_eq!(request.action_names, expected);
    assert!(request.policy_input_list.is_empty());
}

macro_rules! decode_iam {
    ($($operation:ident => $request:ident, $response:ident;)*) => {
        fn decode_iam(operation: &str, parameters: &Parameters<'_>) -> Result<(), NotDecodable> {
            match operation {
                $(stringify!($operation) => parameters.decode::<iam::$request>().map(drop),)*
                _ => panic!("{operation} is no operation"),
            }
        }
    };
}

crate::iam_operations!(decode_iam);

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(parameters) = Parameters::parse(&body) {
            let _ = parameters.decode::<iam::CreateUserRequest>();
            let _ = parameters.decode::<iam::SimulateCustomPolicyRequest>();
        }
    }

    #[test]
    fn any_names_are_read_or_refused(
        pairs in proptest::collection::vec(
            ("(Tags|ContextEntries|ActionNames|PolicyInputList|UserName|member|entry|key|\\.|[0-9]{1,3}|-){1,6}", "[a-z0-9%+]{0,5}"), 0..20)
    ) {
        let body: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let body = body.join("&");
        if let Ok(parameters) = Parameters::parse(body.as_bytes()) {
            for operation in crate::Service::Iam.operations() {
                let is_valid = crate::constraint::validate(&parameters, operation).is_ok();
                let decoded = decode_iam(operation.name, &parameters);
                prop_assert!(!is_valid || decoded.is_ok(), "{operation}: {decoded:?}");
            }
        }
    }
}
