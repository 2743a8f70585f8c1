//! Trust policies of roles.

use super::*;

const WEB: &str = "sts:AssumeRoleWithWebIdentity";
const GITHUB: &str = r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}"#;

fn trust(principal: &str, action: &str, more: &str) -> Vec<&'static str> {
    let statement =
        format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"{action}"{more}}}"#);
    codes(&statement, Grammar::Trust)
}

fn github(operator: &str, claim: &str, value: &str) -> Vec<&'static str> {
    let more = format!(
        r#","Condition":{{"{operator}":{{"token.actions.githubusercontent.com:{claim}":"{value}"}}}}"#
    );
    trust(GITHUB, WEB, &more)
}

#[test]
fn shared_issuers_are_narrowed_by_subject() {
    let one = "SHARED_ISSUER_WITHOUT_SUB";
    assert_eq!(trust(GITHUB, WEB, ""), [one]);
    assert_eq!(github("StringLike", "sub", "repo:o/r:*"), NONE);
    assert_eq!(github("StringLike", "sub", "*"), [one]);
    assert_eq!(github("StringNotLike", "sub", "repo:o/r:*"), [one]);
    assert_eq!(github("StringLikeIfExists", "sub", "repo:o/r:*"), [one]);
    assert_eq!(github("StringEquals", "aud", "sts.amazonaws.com"), [one]);
    assert_eq!(github("StringEquals", "repository_owner_id", "1"), NONE);
    assert_eq!(
        github("StringLike", "sub", "repo:o*/r:*"),
        ["SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED"]
    );
    let own = r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/login.example.com"}"#;
    assert_eq!(trust(own, WEB, ""), NONE);
}

#[test]
fn built_in_providers_are_narrowed_by_audience() {
    let one = "SHARED_ISSUER_WITHOUT_AUD";
    let cognito = r#"{"Federated":"cognito-identity.amazonaws.com"}"#;
    assert_eq!(trust(cognito, WEB, ""), [one]);
    let audience =
        r#","Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"us-east-1:x"}}"#;
    assert_eq!(trust(cognito, WEB, audience), NONE);
}

#[test]
fn actions_are_for_the_principals() {
    let one = "MISMATCHED_ACTION_FOR_PRINCIPAL";
    let saml = r#"{"Federated":"arn:aws:iam::111122223333:saml-provider/P"}"#;
    let account = r#"{"AWS":"111122223333"}"#;
    assert_eq!(trust(saml, "sts:AssumeRoleWithSAML", ""), NONE);
    assert_eq!(trust(saml, "sts:AssumeRole", ""), [one]);
    assert_eq!(trust(saml, WEB, ""), [one]);
    assert_eq!(trust(account, "sts:AssumeRole", ""), NONE);
    assert_eq!(trust(account, "sts:AssumeRoleWithSAML", ""), [one]);
    assert_eq!(trust(account, "sts:TagSession", ""), NONE);
    assert_eq!(trust(r#"{"Service":"ec2.amazonaws.com"}"#, "sts:AssumeRole", ""), NONE);
}

#[test]
fn requests_to_assume_a_role_have_the_keys() {
    let external = r#","Condition":{"StringEquals":{"sts:ExternalId":"a"}}"#;
    assert_eq!(trust(r#"{"AWS":"111122223333"}"#, "sts:AssumeRole", external), NONE);
    let saml = r#"{"Federated":"arn:aws:iam::111122223333:saml-provider/P"}"#;
    assert_eq!(
        trust(saml, "sts:AssumeRoleWithSAML", external),
        ["UNSUPPORTED_ACTION_FOR_CONDITION_KEY"]
    );
    let audience =
        r#","Condition":{"StringEquals":{"saml:aud":"https://signin.aws.amazon.com/saml"}}"#;
    assert_eq!(trust(saml, "sts:AssumeRoleWithSAML", audience), NONE);
    assert_eq!(trust(r#"{"AWS":"*"}"#, "sts:AssumeRole", external), NONE, "whoever knows the id");
}
