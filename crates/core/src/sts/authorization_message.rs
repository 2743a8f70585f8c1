//! DecodeAuthorizationMessage. Source: STS API Reference; AWS CLI Reference, example of
//! `decode-authorization-message`.

use iamd_wire::ErrorCode;
use iamd_wire::sts::{DecodeAuthorizationMessageRequest, DecodeAuthorizationMessageResponse};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::authorization_message::{AuthorizationMessage, MessageNearMiss, MessageStatement};
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;

/// Tells what led to a denial.
impl Operation for DecodeAuthorizationMessageRequest {
    const ACTION: &'static str = "sts:DecodeAuthorizationMessage";
    const EFFECT: Effect = Effect::Read;
    type Output = DecodeAuthorizationMessageResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let message = scene.session_keys.open_message(&self.encoded_message, scene.account.id());
        let decoded =
            message.and_then(|message| serde_json::to_string(&Decoded::of(&message)).ok());
        if decoded.is_none() {
            // The code is AWS's; the words are a CHOICE.
            let text = "Message is not valid";
            return Err(Refusal::new(ErrorCode::InvalidAuthorizationMessageException, text));
        }
        Ok(Planned::read(DecodeAuthorizationMessageResponse { decoded_message: decoded }))
    }
}

/// The members that AWS documents, and behind them our own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decoded<'a> {
    allowed: bool,
    explicit_deny: bool,
    matched_statements: Items<MatchedStatement<'a>>,
    failures: Items<()>,
    context: Context<'a>,
    policy_type: &'a str,
    message: &'a str,
    missing_keys: Items<Valued<'a>>,
    near_misses: Items<NearMiss<'a>>,
    policy_types: Items<TypeResult<'a>>,
    steps: Items<Step<'a>>,
    truncated: bool,
}

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}

#[derive(Serialize)]
struct Valued<'a> {
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MatchedStatement<'a> {
    statement_id: String,
    effect: String,
    principals: Items<OwnedValue>,
    principal_groups: Items<()>,
    actions: Items<OwnedValue>,
    resources: Items<OwnedValue>,
    conditions: Items<Condition>,
    policy: &'a str,
    statement: Value,
}

#[derive(Serialize)]
struct OwnedValue {
    value: String,
}

#[derive(Serialize)]
struct Condition {
    key: String,
    operator: String,
    values: Items<OwnedValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NearMiss<'a> {
    #[serde(flatten)]
    statement: MatchedStatement<'a>,
    obstacle: &'a str,
    keys: Items<Valued<'a>>,
}

/// What the policies of one type said.
#[derive(Serialize)]
struct TypeResult<'a> {
    #[serde(rename = "type")]
    policy_type: &'a str,
    says: &'a str,
}

/// What would have to change, in any of these ways.
#[derive(Serialize)]
struct Step<'a> {
    #[serde(rename = "type")]
    policy_type: &'a str,
    changes: Items<Valued<'a>>,
}

#[derive(Serialize)]
struct Context<'a> {
    principal: Principal<'a>,
    action: &'a str,
    resource: &'a str,
    conditions: Items<Key<'a>>,
}

#[derive(Serialize)]
struct Principal<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<&'a str>,
}

#[derive(Serialize)]
struct Key<'a> {
    key: &'a str,
    values: Items<Valued<'a>>,
}

impl<'a> Decoded<'a> {
    fn of(message: &'a AuthorizationMessage) -> Decoded<'a> {
        let principal = &message.principal;
        let matched = message.matched.iter().map(|it| MatchedStatement::of(it, principal.id()));
        let near_misses = message.near_misses.iter().map(|it| NearMiss::of(it, principal.id()));
        let keys = message
            .keys
            .iter()
            .map(|key| Key { key: &key.name, values: valued(key.values.iter()) });
        let types = message
            .types
            .iter()
            .map(|it| TypeResult { policy_type: &it.policy_type, says: &it.says });
        let steps = message.steps.iter().map(|step| Step {
            policy_type: &step.policy_type,
            changes: valued(step.changes.iter()),
        });
        Decoded {
            allowed: false,
            explicit_deny: message.is_explicit,
            matched_statements: Items { items: matched.collect() },
            failures: Items { items: Vec::new() },
            context: Context {
                principal: Principal {
                    id: principal.id.as_deref(),
                    name: principal.name.as_deref(),
                    arn: principal.arn.as_deref(),
                },
                action: &message.action,
                resource: &message.resource,
                conditions: Items { items: keys.collect() },
            },
            policy_type: &message.policy_type,
            message: &message.reason,
            missing_keys: valued(message.missing_keys.iter()),
            near_misses: Items { items: near_misses.collect() },
            policy_types: Items { items: types.collect() },
            steps: Items { items: steps.collect() },
            truncated: message.is_cut,
        }
    }
}

impl<'a> NearMiss<'a> {
    fn of(miss: &'a MessageNearMiss, principal_id: Option<&str>) -> NearMiss<'a> {
        NearMiss {
            statement: MatchedStatement::of(&miss.statement, principal_id),
            obstacle: &miss.obstacle,
            keys: valued(miss.keys.iter()),
        }
    }
}

impl<'a> MatchedStatement<'a> {
    fn of(statement: &'a MessageStatement, principal_id: Option<&str>) -> MatchedStatement<'a> {
        let value: Value = serde_json::from_str(&statement.text).unwrap_or_default();
        let element = |name: &str, negated: &str| {
            let element = value.get(name).or_else(|| value.get(negated));
            Items { items: element.map(texts).unwrap_or_default() }
        };
        let text = |name| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let named = principal_id.map(|id| OwnedValue { value: id.to_owned() });
        MatchedStatement {
            statement_id: text("Sid").to_owned(),
            effect: text("Effect").to_ascii_uppercase(),
            // AWS names the caller whom the statement reached.
            principals: Items { items: named.into_iter().collect() },
            principal_groups: Items { items: Vec::new() },
            actions: element("Action", "NotAction"),
            resources: element("Resource", "NotResource"),
            conditions: Items { items: conditions(value.get("Condition")) },
            policy: &statement.policy,
            statement: value,
        }
    }
}

fn valued<'a>(values: impl Iterator<Item = &'a Box<str>>) -> Items<Valued<'a>> {
    Items { items: values.map(|value| Valued { value }).collect() }
}

fn conditions(element: Option<&Value>) -> Vec<Condition> {
    let operators = element.and_then(Value::as_object).into_iter().flatten();
    let keyed = |(operator, keys): (&String, &Value)| {
        let keys = keys.as_object().cloned().unwrap_or_else(Map::new);
        let operator = operator.clone();
        keys.into_iter().map(move |(key, values)| Condition {
            key,
            operator: operator.clone(),
            values: Items { items: texts(&values) },
        })
    };
    operators.flat_map(keyed).collect()
}

/// The texts of an element: one, or those in a list.
fn texts(element: &Value) -> Vec<OwnedValue> {
    let values = element.as_array().map_or(std::slice::from_ref(element), Vec::as_slice);
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    values.iter().map(|value| OwnedValue { value: text(value) }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_support::World;

    fn decoded(world: &mut World, encoded: &str) -> Value {
        let root = world.root();
        let request = format!("DecodeAuthorizationMessage&EncodedMessage={encoded}");
        let answer = world.ok(&root, &request);
        serde_json::from_str(answer["DecodedMessage"].as_str().unwrap()).unwrap()
    }

    #[test]
    fn a_denial_tells_statement_caller_and_keys_to_who_may_know() {
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Sid":"No","Effect":"Deny","Action":["iam:Get*","iam:List*"],"Resource":"*","Condition":{"StringEquals":{"aws:username":"bob"}}}]}"#;
        let put = format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={policy}");
        let mut world = World::with(&[
            "CreateUser&UserName=bob&Tags.member.1.Key=Team&Tags.member.1.Value=a",
            &put,
        ]);
        let bob = world.user("bob");
        let encoded = world.encoded_denial(&bob, "GetUser&UserName=bob");
        let decoded = decoded(&mut world, &encoded);
        let id = decoded["context"]["principal"]["id"].clone();
        assert!(id.as_str().unwrap().starts_with("AIDA"));
        assert_eq!(decoded["allowed"], false);
        assert_eq!(decoded["explicitDeny"], true);
        let matched = &decoded["matchedStatements"]["items"][0];
        assert_eq!(matched["statementId"], "No");
        assert_eq!(matched["effect"], "DENY");
        assert_eq!(matched["principals"], json!({"items": [{"value": id}]}));
        assert_eq!(
            matched["actions"],
            json!({"items": [{"value": "iam:Get*"}, {"value": "iam:List*"}]})
        );
        assert_eq!(matched["resources"], json!({"items": [{"value": "*"}]}));
        let condition = json!({"key": "aws:username", "operator": "StringEquals", "values": {"items": [{"value": "bob"}]}});
        assert_eq!(matched["conditions"], json!({ "items": [condition] }));
        let context = &decoded["context"];
        assert_eq!(context["principal"]["name"], "bob");
        assert_eq!(context["action"], "iam:GetUser");
        assert_eq!(context["resource"], "arn:aws:iam::111122223333:user/bob");
        let keys = context["conditions"]["items"].as_array().unwrap();
        let value = |name: &str| {
            let key = keys.iter().find(|key| key["key"] == name);
            key.map(|key| key["values"]["items"][0]["value"].clone())
        };
        assert_eq!(value("aws:username"), Some("bob".into()));
        assert_eq!(value("aws:PrincipalTag/Team"), Some("a".into()));
        assert_eq!(value("aws:SecureTransport"), Some("false".into()));
        assert_eq!(value("aws:SourceIdentity"), None);
    }

    #[test]
    fn an_implicit_denial_tells_what_was_nearly_enough() {
        let policy = r#"{"Version":"2012-10-17","Statement":{"Sid":"Mfa","Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}}"#;
        let put = format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={policy}");
        let mut world = World::with(&["CreateUser&UserName=bob", &put]);
        let bob = world.user("bob");
        let encoded = world.encoded_denial(&bob, "ListUsers");
        let decoded = decoded(&mut world, &encoded);
        assert_eq!(decoded["explicitDeny"], false);
        assert_eq!(decoded["matchedStatements"], json!({"items": []}));
        let miss = &decoded["nearMisses"]["items"][0];
        assert_eq!(
            (&miss["statementId"], &miss["obstacle"]),
            (&json!("Mfa"), &json!("conditions"))
        );
        let key = json!({"items": [{"value": "aws:MultiFactorAuthPresent"}]});
        assert_eq!((&miss["keys"], &decoded["missingKeys"]), (&key, &key));
        let types = json!({"items": [{"type": "identity", "says": "doesNotAllow"}]});
        assert_eq!(decoded["policyTypes"], types);
        let change = &decoded["steps"]["items"][0]["changes"]["items"][0]["value"];
        let asks = "`aws:MultiFactorAuthPresent` must be `true` (the request does not have it)";
        assert!(change.as_str().unwrap().ends_with(asks), "{change}");
        let message = decoded["message"].as_str().unwrap();
        assert!(
            message.ends_with("because no identity-based policy allows the iam:ListUsers action")
        );
    }

    #[test]
    fn a_message_of_another_account_or_none_is_not_decoded() {
        let mut world = World::with(&["CreateUser&UserName=bob"]);
        let bob = world.user("bob");
        let encoded = world.encoded_denial(&bob, "ListUsers");
        let other = world.root_of(crate::test_support::OTHER_ACCOUNT);
        for wrong in [encoded.as_str(), "nonsense", "AAAA"] {
            let refusal = world
                .refusal(&other, &format!("DecodeAuthorizationMessage&EncodedMessage={wrong}"));
            assert_eq!(refusal, "InvalidAuthorizationMessageException: Message is not valid");
        }
    }
}
