//! The condition keys that policies name. Source: IAM API Reference, GetContextKeysForCustomPolicy and
//! GetContextKeysForPrincipalPolicy.

use std::collections::HashSet;

use iamd_policy::{Document, Grammar};
use iamd_wire::ErrorCode;
use iamd_wire::iam::{
    GetContextKeysForCustomPolicyRequest, GetContextKeysForCustomPolicyResponse,
    GetContextKeysForPrincipalPolicyRequest, GetContextKeysForPrincipalPolicyResponse,
};

use super::policy_source::PolicySource;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;

/// Lists the keys that given documents name.
impl Operation for GetContextKeysForCustomPolicyRequest {
    const ACTION: &'static str = "iam:GetContextKeysForCustomPolicy";
    const EFFECT: Effect = Effect::Read;
    type Output = GetContextKeysForCustomPolicyResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, _: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let documents = given(&self.policy_input_list, Grammar::Identity)?;
        let keys = keys_of(&documents);
        Ok(Planned::read(GetContextKeysForCustomPolicyResponse { context_key_names: Some(keys) }))
    }
}

/// Lists the keys that the policies of a user, his groups included, of a group or of a role name,
/// and given documents beside them. Permissions boundaries are not among these policies.
impl Operation for GetContextKeysForPrincipalPolicyRequest {
    const ACTION: &'static str = "iam:GetContextKeysForPrincipalPolicy";
    const EFFECT: Effect = Effect::Read;
    type Output = GetContextKeysForPrincipalPolicyResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![PolicySource::target(scene, Self::ACTION, &self.policy_source_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let source = PolicySource::find(scene, &self.policy_source_arn)?;
        let added = self.policy_input_list.as_deref().unwrap_or_default();
        let added = given(added, Grammar::Identity)?;
        let own = source.policies(scene.account).into_iter().map(|policy| policy.document);
        let keys = keys_of(&own.chain(added).collect::<Vec<_>>());
        let output = GetContextKeysForPrincipalPolicyResponse { context_key_names: Some(keys) };
        Ok(Planned::read(output))
    }
}

/// Documents in a request that are looked at and not stored.
///
/// # Errors
/// `InvalidInput` with the first complaint about the first document that could not be stored.
pub(super) fn given(texts: &[String], grammar: Grammar) -> Result<Vec<Document>, Refusal> {
    let checked = |text: &String| {
        // CHOICE: AWS documents the code alone; the text is the one of MalformedPolicyDocument.
        iamd_policy::validate(text, grammar)
            .map_err(|error| Refusal::new(ErrorCode::InvalidInput, error.message))
    };
    texts.iter().map(checked).collect()
}

/// The keys of documents, each once.
pub(super) fn keys_of<'d>(documents: impl IntoIterator<Item = &'d Document>) -> Vec<String> {
    let mut seen = HashSet::new();
    let keys = documents.into_iter().flat_map(Document::context_keys);
    keys.filter(|key| seen.insert(key.to_lowercase())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::test_support::{ALLOW_ALL, World};

    fn policy(resource: &str, condition: &str) -> String {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"{resource}","Condition":{condition}}}}}"#
        )
    }

    #[test]
    fn keys_of_given_documents_come_in_the_order_of_the_text() {
        let mut world = World::new();
        let root = world.root();
        let one = policy("arn:aws:dynamodb:*:*:table/${aws:username}", r#"{"Bool":{"a:b":true}}"#);
        let other = policy("*", r#"{"StringLike":{"A:B":"x","c:d":"${aws:userid}"}}"#);
        let request = "GetContextKeysForCustomPolicy&PolicyInputList.member";
        let answer =
            world.ok(&root, &format!("{request}.1={one}&PolicyInputList.member.2={other}"));
        let keys = ["aws:username", "a:b", "c:d", "aws:userid"];
        assert_eq!(answer, json!({"ContextKeyNames": keys}));
        let answer = world.ok(&root, &format!("{request}.1={ALLOW_ALL}"));
        assert_eq!(answer, json!({"ContextKeyNames": []}));
        let refusal = world.refusal(&root, &format!("{request}.1={ALLOW_ALL}x"));
        assert_eq!(refusal, "InvalidInput: Syntax errors in policy.");
    }

    #[test]
    fn policies_of_a_user_are_his_own_and_those_of_his_groups() {
        let inline = |key: &str| policy("*", &format!(r#"{{"Bool":{{"{key}":"true"}}}}"#));
        let mut world = World::with(&[
            &format!("CreatePolicy&PolicyName=shared&PolicyDocument={}", inline("c:shared")),
            &format!("CreatePolicy&PolicyName=bound&PolicyDocument={}", inline("b:bound")),
            "CreateUser&UserName=bob&Path=/x/",
            "CreateGroup&GroupName=team",
            "AddUserToGroup&GroupName=team&UserName=bob",
            &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={}", inline("u:own")),
            &format!("PutGroupPolicy&GroupName=team&PolicyName=p&PolicyDocument={}", inline("g:g")),
            "AttachUserPolicy&UserName=bob&PolicyArn=arn:aws:iam::111122223333:policy/shared",
            "PutUserPermissionsBoundary&UserName=bob&PermissionsBoundary=arn:aws:iam::111122223333:policy/bound",
        ]);
        let root = world.root();
        let request = "GetContextKeysForPrincipalPolicy&PolicySourceArn";
        let bob = format!("{request}=arn:aws:iam::111122223333:user/x/bob");
        let answer = world.ok(&root, &bob);
        assert_eq!(answer, json!({"ContextKeyNames": ["u:own", "c:shared", "g:g"]}));
        let more = format!("{bob}&PolicyInputList.member.1={}", inline("m:more"));
        let answer = world.ok(&root, &more);
        assert_eq!(answer["ContextKeyNames"][3], "m:more");
        let answer = world.ok(&root, &format!("{request}=arn:aws:iam::111122223333:group/team"));
        assert_eq!(answer, json!({"ContextKeyNames": ["g:g"]}));
    }

    #[test]
    fn sources_that_are_none_are_refused() {
        let mut world = World::with(&["CreateUser&UserName=bob&Path=/x/"]);
        let root = world.root();
        let unclear = |arn: &str| {
            format!(
                "InvalidInput: Invalid Entity Arn: {arn} does not clearly define entity type and name."
            )
        };
        let session = "arn:aws:sts::111122223333:assumed-role/app/one";
        let policy = "arn:aws:iam::111122223333:policy/reader";
        let missing = "NoSuchEntity: The user with name bob cannot be found.".to_owned();
        let foreign = "InvalidInput: Invalid Policy Source Arn: caller's account 111122223333 does not have access to policies in account 444455556666";
        for (arn, expected) in [
            (session, unclear(session)),
            (policy, unclear(policy)),
            ("arn:aws:iam::111122223333:root", unclear("arn:aws:iam::111122223333:root")),
            ("arn:aws:iam::111122223333:user/bob", missing),
            ("arn:aws:iam::444455556666:user/x/bob", foreign.to_owned()),
        ] {
            let request = format!("GetContextKeysForPrincipalPolicy&PolicySourceArn={arn}");
            assert_eq!(world.refusal(&root, &request), expected);
        }
    }
}
