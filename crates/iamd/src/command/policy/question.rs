//! A question about policies, as users write it: who, what, on what, and the policies.

use iamd_policy::{Arn, Context, Decision, Explanation, Policies, PolicySet, Principal};
use iamd_wire::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::reader::{Reader, document_text, numbered};

/// A question.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    /// Given back with the answer.
    #[serde(default)]
    pub(super) id: Option<Box<RawValue>>,
    request: Asked,
    #[serde(default)]
    policies: Option<Given>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    principal: Value,
    action: String,
    resource: String,
    #[serde(default)]
    resource_account: Option<String>,
    /// The role of a session, where its path matters.
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    context: Option<Map<String, Value>>,
    /// Whether nothing is to be added to the context.
    #[serde(default)]
    context_complete: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    #[serde(default)]
    identity: Option<Vec<Box<RawValue>>>,
    #[serde(default)]
    boundary: Option<Vec<Box<RawValue>>>,
    #[serde(default)]
    session: Option<Vec<Box<RawValue>>>,
    #[serde(default)]
    resource: Option<Box<RawValue>>,
    #[serde(default)]
    trust: Option<Box<RawValue>>,
    #[serde(default)]
    scp: Option<Vec<Vec<Box<RawValue>>>>,
    #[serde(default)]
    rcp: Option<Vec<Vec<Box<RawValue>>>>,
    #[serde(default)]
    endpoint: Option<Vec<Box<RawValue>>>,
}

impl Question {
    /// The decision and what led to it.
    ///
    /// # Errors
    /// What is wrong with the question, in words.
    pub(super) fn answer(
        &self,
        reader: &mut Reader,
        now: Timestamp,
    ) -> Result<Explanation, String> {
        let absent = Given::default();
        let given = self.policies.as_ref().unwrap_or(&absent);
        let context = self.request.context()?;
        let principal = self.request.principal(&context, given.boundary.is_some())?;
        let context = self.request.completed(context, &principal, now);
        let identity = reader.list("identity", given.identity.as_deref());
        let boundary = reader.list("boundary", given.boundary.as_deref());
        let session = reader.list("session", given.session.as_deref());
        let resource = reader.one("resource", given.resource.as_deref());
        let trust = reader.one("trust", given.trust.as_deref());
        let endpoint = reader.list("endpoint", given.endpoint.as_deref());
        let scp = given.scp.as_deref().map(|levels| reader.levels("scp", levels));
        let rcp = given.rcp.as_deref().map(|levels| reader.levels("rcp", levels));
        let identity: Option<[&PolicySet; 1]> = identity.as_ref().map(|set| [set]);
        let policies = Policies {
            identity: identity.as_ref().map(<[_; 1]>::as_slice),
            boundary: boundary.as_ref(),
            session: session.as_ref(),
            resource: resource.as_ref(),
            trust: trust.as_ref(),
            scp: scp.as_deref(),
            rcp: rcp.as_deref(),
            endpoint: endpoint.as_ref(),
        };
        let request = iamd_policy::Request {
            principal: &principal,
            action: &self.request.action,
            resource: &self.request.resource,
            resource_account: self.request.resource_account.as_deref(),
            context: &context,
        };
        Ok(iamd_policy::explain(&request, &policies))
    }

    /// The texts of the documents, by the names that answers give them.
    pub(super) fn documents(&self) -> Vec<(String, String)> {
        let Some(given) = &self.policies else { return Vec::new() };
        let mut named = Vec::new();
        for (name, list) in [
            ("identity", &given.identity),
            ("boundary", &given.boundary),
            ("session", &given.session),
            ("endpoint", &given.endpoint),
        ] {
            named.extend(numbered(name, list.as_deref().unwrap_or_default()));
        }
        for (name, levels) in [("scp", &given.scp), ("rcp", &given.rcp)] {
            for (level, list) in levels.iter().flatten().enumerate() {
                named.extend(numbered(&format!("{name}[{level}]"), list));
            }
        }
        for (name, one) in [("resource", &given.resource), ("trust", &given.trust)] {
            named.extend(one.as_deref().map(|raw| (name.to_owned(), raw)));
        }
        let texts = named.into_iter().map(|(name, raw)| Some((name, document_text(raw.get())?)));
        texts.flatten().collect()
    }
}

impl Asked {
    fn context(&self) -> Result<Context, String> {
        let mut context = Context::default();
        for (key, value) in self.context.iter().flatten() {
            match value {
                // As good as absent.
                Value::Null => {}
                Value::Array(values) => {
                    let texts: Option<Vec<String>> = values.iter().map(scalar).collect();
                    let texts = texts.ok_or_else(|| bad_value(key))?;
                    context.set_list(key, texts.iter().map(String::as_str));
                }
                value => context.set(key, scalar(value).ok_or_else(|| bad_value(key))?),
            }
        }
        Ok(context)
    }

    fn completed(&self, mut context: Context, principal: &Principal, now: Timestamp) -> Context {
        if self.context_complete == Some(true) {
            return context;
        }
        context.add_principal_keys(principal);
        for (key, value) in
            [("aws:CurrentTime", now.to_string()), ("aws:EpochTime", now.seconds().to_string())]
        {
            if !context.contains(key) {
                context.set(key, value);
            }
        }
        context
    }

    fn principal(&self, context: &Context, has_boundary: bool) -> Result<Principal, String> {
        match &self.principal {
            Value::String(arn) => self.principal_of_arn(arn, context, has_boundary),
            Value::Object(form) => principal_of_object(form),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(
                "`principal` is an ARN, {\"service\":...}, {\"federated\":...} or {\"anonymous\":true}"
                    .to_owned(),
            ),
        }
    }

    fn principal_of_arn(
        &self,
        text: &str,
        context: &Context,
        has_boundary: bool,
    ) -> Result<Principal, String> {
        let wrong = || {
            format!(
                "`{text}` is no caller: the ARN of a root user, a user, a role session or a federated user is"
            )
        };
        let arn = Arn::parse(text).ok_or_else(wrong)?;
        let account = arn.owner().ok_or_else(wrong)?.to_owned();
        let user_id = text_of(context, "aws:userid");
        match (arn.service, arn.resource.split_once('/')) {
            ("iam", None) if arn.resource == "root" => Ok(Principal::Root { account }),
            ("iam", Some(("user", _))) => Ok(Principal::User {
                arn: text.to_owned(),
                unique_id: user_id.unwrap_or_default(),
                has_boundary,
            }),
            ("iam", Some(("role", path))) => {
                // A session whose name does not matter.
                let name = path.rsplit('/').next().unwrap_or(path);
                let partition = arn.partition;
                Ok(Principal::RoleSession {
                    session_arn: format!("arn:{partition}:sts::{account}:assumed-role/{name}/"),
                    role_arn: text.to_owned(),
                    role_id: user_id.map(role_id).unwrap_or_default(),
                    has_boundary,
                })
            }
            ("sts", Some(("assumed-role", rest))) => {
                let (role, _) = rest.split_once('/').ok_or_else(wrong)?;
                let plain = format!("arn:{}:iam::{account}:role/{role}", arn.partition);
                let known = self.role.clone().or_else(|| {
                    text_of(context, "aws:principalarn").filter(|arn| is_role(arn, role))
                });
                Ok(Principal::RoleSession {
                    session_arn: text.to_owned(),
                    role_arn: known.unwrap_or(plain),
                    role_id: user_id.map(role_id).unwrap_or_default(),
                    has_boundary,
                })
            }
            ("sts", Some(("federated-user", _))) => {
                Ok(Principal::FederatedUser { arn: text.to_owned(), user_arn: None, has_boundary })
            }
            _ => Err(wrong()),
        }
    }
}

fn principal_of_object(form: &Map<String, Value>) -> Result<Principal, String> {
    let mut members = form.iter();
    match (members.next(), members.next()) {
        (Some((kind, Value::String(name))), None) if kind == "service" => {
            Ok(Principal::Service { name: name.clone() })
        }
        (Some((kind, Value::String(provider))), None) if kind == "federated" => {
            Ok(Principal::Federated { provider: provider.clone() })
        }
        (Some((kind, Value::Bool(true))), None) if kind == "anonymous" => Ok(Principal::Anonymous),
        _ => Err("an object as `principal` is {\"service\":\"...\"}, {\"federated\":\"...\"} or {\"anonymous\":true}".to_owned()),
    }
}

/// The role's part of `AROA...:session`.
fn role_id(user_id: String) -> String {
    user_id.split(':').next().unwrap_or_default().to_owned()
}

fn is_role(arn: &str, name: &str) -> bool {
    let role = Arn::parse(arn).and_then(|arn| arn.resource.strip_prefix("role/"));
    role.and_then(|role| role.rsplit('/').next()) == Some(name)
}

fn text_of(context: &Context, key: &str) -> Option<String> {
    match iamd_policy::ConditionKeys::value(context, key)? {
        iamd_policy::Value::One(text) => Some(text.into_owned()),
        iamd_policy::Value::Many(_) => None,
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn bad_value(key: &str) -> String {
    format!(
        "the value of the context key `{key}` is a string, a number, a boolean or a list of them"
    )
}

/// The word for a decision in answers.
pub(super) fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow(_) => "allowed",
        Decision::DenyExplicitly(_) => "explicitDeny",
        Decision::DenyImplicitly(_) => "implicitDeny",
    }
}
