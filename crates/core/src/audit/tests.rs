//! Tests of records.

use iamd_wire::query::Parameters;
use iamd_wire::shown::Shown;
use iamd_wire::{ErrorCode, Service, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::account_id::AccountId;
use crate::caller::Caller;
use crate::operation::Environment;
use crate::refusal::Refusal;
use crate::test_support::World;
use crate::uuid::Uuid;

const TIME: Timestamp = Timestamp::from_seconds(1_769_860_800);

fn event(caller: &Caller, body: &str, is_read: bool) -> Event {
    let parameters = Parameters::parse(body.as_bytes()).unwrap();
    let action = parameters.action().unwrap();
    let operation = Service::ALL.iter().find_map(|service| service.operation(action)).unwrap();
    let environment = Environment {
        source_ip: Some("192.0.2.7".parse().unwrap()),
        user_agent: Some("aws-cli/2".into()),
        region: "eu-west-1".into(),
        ..Environment::default()
    };
    let requester = Requester { caller: caller.clone(), access_key_id: "AKIAEXAMPLE".into() };
    Event::request(requester, environment, (operation, &parameters), "request-1", is_read)
}

fn written(event: &Event, outcome: &Outcome) -> Value {
    let account = AccountId::from_number(111_122_223_333).unwrap();
    let text = record(event, outcome, account, Uuid::from_random(u128::MAX), TIME);
    assert!(!text.contains('\n'));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_write_of_a_user_has_every_member() {
    let mut world = World::new();
    let root = world.root();
    world.ok(&root, "CreateUser&UserName=ana&Path=/people/");
    let ana = world.user("ana");
    let event = event(&ana, "Action=CreateUser&UserName=bob", false);
    let Value::Object(found) = written(
        &event,
        &Outcome::Done(Shown::of_json(r#"{"user":{"userName":"bob"}}"#.to_owned())),
    ) else {
        panic!("a record is an object")
    };
    assert_eq!(found["userIdentity"]["type"], "IAMUser");
    assert_eq!(found["userIdentity"]["userName"], "ana");
    assert_eq!(event.actor.name(), "ana");
    assert_eq!(found["userIdentity"]["accessKeyId"], "AKIAEXAMPLE");
    assert_eq!(found["userIdentity"]["arn"], ana.arn());
    assert!(found["userIdentity"].get("sessionContext").is_none());
    let mut rest = found.clone();
    rest.remove("userIdentity");
    assert_eq!(
        Value::Object(rest),
        json!({
            "eventVersion": "1.11", "eventTime": "2026-01-31T12:00:00Z",
            "eventSource": "iam.amazonaws.com", "eventName": "CreateUser",
            "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.7", "userAgent": "aws-cli/2",
            "requestParameters": {"userName": "bob"},
            "responseElements": {"user": {"userName": "bob"}}, "requestID": "request-1",
            "eventID": "ffffffff-ffff-4fff-bfff-ffffffffffff", "readOnly": false,
            "eventType": "AwsApiCall", "managementEvent": true,
            "recipientAccountId": "111122223333", "eventCategory": "Management",
        })
    );
}

#[test]
fn a_denial_has_code_and_message_and_no_elements() {
    let world = World::new();
    let root = world.root();
    let event = event(&root, "Action=GetCallerIdentity", true);
    let refusal = Refusal::new(ErrorCode::AccessDenied, "x".repeat(5_000));
    let found = written(&event, &Outcome::from(&refusal));
    assert_eq!(found["userIdentity"]["type"], "Root");
    assert_eq!(event.actor.name(), "root");
    assert_eq!(found["userIdentity"]["principalId"], found["userIdentity"]["accountId"]);
    assert_eq!(found["errorCode"], "AccessDenied");
    assert_eq!(found["errorMessage"].as_str().unwrap().len(), 1024);
    assert_eq!(found["awsRegion"], "eu-west-1");
    assert_eq!(
        (&found["requestParameters"], &found["responseElements"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(found["readOnly"], true);
}

#[test]
fn a_deed_of_the_operator_names_him() {
    let event = Event::operator("CreateAccount", &json!({"accountId": "1"}), "request-2");
    let found = written(&event, &Outcome::Done(None));
    assert_eq!(found["userIdentity"], json!({"type": "AWSService", "invokedBy": "iamd operator"}));
    assert_eq!(found["eventType"], "AwsServiceEvent");
    assert_eq!(event.actor.name(), "iamd operator");
    assert_eq!(found["requestParameters"], json!({"accountId": "1"}));
    assert_eq!(found["sourceIPAddress"], "operator.iamd");
}

#[test]
fn a_session_names_its_issuer_and_not_its_token() {
    let mut world = World::with(&["CreateUser&UserName=ana"]);
    let (arn, answer) = assumed(&mut world);
    let holder = world.holder(&answer);
    let event = event(&holder, "Action=GetCallerIdentity", true);
    let found = &written(&event, &Outcome::Done(None))["userIdentity"];
    let role_id = found["sessionContext"]["sessionIssuer"]["principalId"].as_str().unwrap();
    assert!(role_id.starts_with("AROA"));
    assert_eq!(found["type"], "AssumedRole");
    assert_eq!(event.actor.name(), "one");
    assert_eq!(found["principalId"], format!("{role_id}:one"));
    assert_eq!(found["sessionContext"]["sessionIssuer"]["arn"], arn);
    assert_eq!(found["sessionContext"]["sessionIssuer"]["userName"], "app");
    assert_eq!(found["sessionContext"]["attributes"]["mfaAuthenticated"], "false");
    assert_eq!(found["sessionContext"]["sourceIdentity"], "ana");
    let token = answer["Credentials"]["SessionToken"].as_str().unwrap();
    assert!(!found.to_string().contains(token));
}

/// Records of all kinds of actors and outcomes, one a line, as they have always been written: whoever
/// keeps trails compares and searches them as texts.
const RECORDS: &str = include_str!("records.jsonl");

/// A role that ana may assume, by its ARN, and the answer when she did.
fn assumed(world: &mut World) -> (String, serde_json::Value) {
    let root = world.root();
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["sts:AssumeRole","sts:SetSourceIdentity"]}}"#;
    let role = format!("CreateRole&RoleName=app&Path=/x/&AssumeRolePolicyDocument={trust}");
    let arn = world.ok(&root, &role)["Role"]["Arn"].as_str().unwrap().to_owned();
    let allow =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    world.ok(&root, &format!("PutUserPolicy&UserName=ana&PolicyName=all&PolicyDocument={allow}"));
    let ana = world.user("ana");
    let answer =
        world.ok(&ana, &format!("AssumeRole&RoleArn={arn}&RoleSessionName=one&SourceIdentity=ana"));
    (arn, answer)
}

fn session(world: &mut World) -> Caller {
    let (_, answer) = assumed(world);
    world.holder(&answer)
}

fn guarded() -> Guarded {
    let bucket = AccountId::from_number(7).unwrap();
    Guarded {
        is_data: true,
        resources: vec![
            GuardedResource {
                kind: "AWS::S3::Object",
                arn: "arn:aws:s3:::photos/a \"b\"\u{7f}\u{1}é".to_owned(),
                account: None,
            },
            GuardedResource {
                kind: "AWS::S3::Bucket",
                arn: "arn:aws:s3:::photos".to_owned(),
                account: Some(bucket),
            },
        ],
        additional: r#"{"bytesTransferredIn":1.0}"#.to_owned(),
    }
}

#[test]
fn addresses_are_written_as_always() {
    let mut world = World::with(&["CreateUser&UserName=ana"]);
    let ana = world.user("ana");
    for text in
        ["0.0.0.0", "9.10.99.100", "255.254.200.109", "::", "::ffff:10.1.2.3", "2001:db8::7"]
    {
        let source_ip = Some(text.parse().unwrap());
        let event = Event { source_ip, ..event(&ana, "Action=GetCallerIdentity", true) };
        assert_eq!(written(&event, &Outcome::Done(None))["sourceIPAddress"], text);
    }
}

#[test]
fn records_keep_their_bytes() {
    let mut world = World::with(&["CreateUser&UserName=ana&Path=/people/"]);
    let (root, ana) = (world.root(), world.user("ana"));
    let session = session(&mut world);
    let elements = Shown::of_json(r#"{"user":{"userName":"bob"}}"#.to_owned());
    let refusal = Refusal::new(ErrorCode::AccessDenied, "no \"way\"\\\n\t\u{8}\u{c}\r\u{0} für");
    let long = Refusal::new(ErrorCode::AccessDenied, "ü".repeat(1_000));
    let silent = Refusal { message: None, ..refusal.clone() };
    let done = Outcome::Done(None);
    let read = |caller: &Caller| event(caller, "Action=GetCallerIdentity", true);
    let nobody = Event { actor: Actor::Stranger, source_ip: None, ..read(&ana) };
    let odd = Event {
        user_agent: Some("a\"\\\u{1}\u{7f}é/1".into()),
        source_ip: Some("2001:db8::7".parse().unwrap()),
        ..read(&ana)
    };
    let plain = Event { user_agent: None, region: "".into(), ..read(&session) };
    let guarded = Some(Box::new(guarded()));
    let object = Event { guarded, is_read: false, ..read(&session) };
    let bucket = Guarded { is_data: false, resources: Vec::new(), additional: "{}".to_owned() };
    let bucket = Event { guarded: Some(Box::new(bucket)), ..read(&ana) };
    let operator = Event::operator("CreateAccount", &json!({"accountId": "1"}), "request-2");
    let cases = [
        (event(&ana, "Action=CreateUser&UserName=bob", false), Outcome::Done(elements)),
        (read(&ana), done.clone()),
        (read(&root), Outcome::from(&refusal)),
        (read(&root), Outcome::from(&long)),
        (read(&session), Outcome::from(&silent)),
        (read(&session), done.clone()),
        (nobody, Outcome::from(&refusal)),
        (odd, done.clone()),
        (plain, done.clone()),
        (object, done.clone()),
        (bucket, done.clone()),
        (operator, done.clone()),
        (Event::lost_records(5, "request-3"), done),
    ];
    let account = AccountId::from_number(111_122_223_333).unwrap();
    let id = Uuid::from_random(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    let accounts = std::iter::repeat_n(account, cases.len() - 1).chain([AccountId::DIRECTORY]);
    for (case, ((event, outcome), account)) in cases.iter().zip(accounts).enumerate() {
        let text = record(event, outcome, account, id, TIME);
        assert_eq!(Some(&*text), RECORDS.lines().nth(case), "{case}");
    }
    assert_eq!(RECORDS.lines().count(), cases.len());
}
