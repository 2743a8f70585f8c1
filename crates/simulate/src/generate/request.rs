//! Questions, and others beside them.

use super::condition;
use crate::case::{Caller, Held, Question};
use crate::random::Random;

pub(super) const A: &str = "111122223333";
pub(super) const B: &str = "999988887777";

pub(super) const ACTIONS: &[&str] = &[
    "s3:GetObject",
    "S3:getobject",
    "s3:GetObjectAcl",
    "s3:PutObject",
    "s3:ListBucket",
    "s3:ListAllMyBuckets",
    "iam:DeletePolicy",
    "iam:CreatePolicyVersion",
    "iam:GetPolicy",
    "iam:AttachUserPolicy",
    "iam:TagRole",
    "iam:GetRole",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
    "iam:UpdateAssumeRolePolicy",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PassRole",
    "iam:CreateServiceLinkedRole",
    "iam:SimulatePrincipalPolicy",
    "iam:GenerateServiceLastAccessedDetails",
    "iam:ListUsers",
    "iam:GetUser",
    "sts:AssumeRole",
    "STS:assumerole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:TagSession",
    "sts:SetSourceIdentity",
    "sts:GetCallerIdentity",
    "sts:GetSessionToken",
    "sts:GetFederationToken",
    "sts:GetAccessKeyInfo",
    "kms:Decrypt",
    "kms:RetireGrant",
    "kms:ListKeys",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "ec2:StopInstances",
    "ec2:DescribeInstances",
    "sqs:SendMessage",
    "sns:Publish",
    "logs:PutLogEvents",
    "dynamodb:GetItem",
    "secretsmanager:GetSecretValue",
    "ecr:BatchGetImage",
    "cognito-idp:AdminGetUser",
    "execute-api:Invoke",
    "wafv2:GetWebACL",
    "servicecatalog:GetApplication",
    "own:Thing",
    "own:T",
    "own:Thing:More",
    "unknown",
];

pub(super) const RESOURCES: &[&str] = &[
    "*",
    "nothing",
    "arn:aws:s3:::bucket",
    "arn:aws:s3:::bucket/key",
    "arn:aws:s3:::bucket/ana/key",
    "arn:aws:s3:::bucket/aaabaabaaab",
    "arn:aws:s3:::bucket/a/long/enough/path/to/be/filed/by/its/beginning/key",
    "arn:aws:s3:::bucket/*",
    "arn:aws:s3:::bucket/${aws:username}",
    "arn:aws:s3:*::bucket/key",
    "arn:aws:s3:::",
    "arn:aws-cn:s3:::bucket/key",
    "arn:aws:iam::111122223333:role/app",
    "arn:aws:iam::999988887777:role/x/app",
    "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
    "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_A",
    "arn:aws:iam::111122223333:role/aws-service-rolex/A",
    "arn:aws:iam::aws:policy/ReadOnlyAccess",
    "arn:aws:iam::111122223333:policy/ReadOnlyAccess",
    "arn:aws:iam::111122223333:user/ana",
    "arn:aws:iam::111122223333:user/team/bob",
    "arn:aws:kms:us-east-1:111122223333:key/1",
    "arn:aws:kms:us-east-1:999988887777:key/1",
    "arn:aws:kms:us-east-1:111122223333:alias/aws/s3",
    "arn:aws:kms:us-east-1:111122223333:alias/own",
    "arn:aws:ec2:us-east-1:111122223333:instance/12345",
    "arn:aws:sqs:us-east-1:111122223333:queue",
    "arn:aws:sns:us-east-1:111122223333:topic",
    "arn:aws:logs:us-east-1:111122223333:log-group:a:log-stream:b",
    "arn:aws:dynamodb:us-east-1:111122223333:table/t/index/i",
    "arn:aws:secretsmanager:us-east-1:999988887777:secret:s-1",
    "arn:aws:ecr:us-east-1:111122223333:repository/r",
    "arn:aws:cognito-idp:us-east-1:111122223333:userpool/p",
    "arn:aws:execute-api:us-east-1:111122223333:api/stage/GET/x",
    "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/n/i",
    "arn:aws:servicecatalog:us-east-1:111122223333:/applications/a",
    "arn:aws:own:eu-west-1:111122223333:thing/1",
];

/// Somebody.
pub(super) fn caller(random: &mut Random) -> Caller {
    let account = if random.percent(75) { A } else { B };
    let user = |path: &str, id: &str| Caller::User {
        arn: format!("arn:aws:iam::{account}:user/{path}"),
        id: id.to_owned(),
    };
    let session = |name: &str, path: &str, id: &str| {
        let role = path.rsplit('/').next().unwrap_or_default();
        Caller::Session {
            arn: format!("arn:aws:sts::{account}:assumed-role/{role}/{name}"),
            role: format!("arn:aws:iam::{account}:role/{path}"),
            role_id: id.to_owned(),
        }
    };
    let fay = format!("arn:aws:sts::{account}:federated-user/fay");
    match random.below(22) {
        0 | 1 => Caller::Root { account: account.to_owned() },
        2..=5 => user("ana", "AIDAANA"),
        6 => user("team/bob", "AIDABOB"),
        7 => user("ana", ""),
        8..=10 => session("s1", "app", "AROAAPP"),
        11 => session("s2", "app", "AROAAPP"),
        12 => session("s1", "x/app", ""),
        13 => session("s", "aws-service-role/x.amazonaws.com/AWSServiceRoleForX", "AROASLR"),
        14 => session("s", "AWSServiceRoleForX", "AROASLR"),
        15 => session("s", "aws-service-role/x.amazonaws.com/Other", "AROASLR"),
        16 => Caller::FederatedUser {
            arn: fay,
            user: Some(format!("arn:aws:iam::{account}:user/ana")),
        },
        17 => Caller::FederatedUser { arn: fay, user: None },
        18 => Caller::Service { name: "ec2.amazonaws.com".to_owned() },
        19 => Caller::Outsider { provider: "accounts.google.com".to_owned() },
        20 => Caller::Outsider { provider: format!("arn:aws:iam::{account}:saml-provider/p") },
        _ => Caller::Anonymous,
    }
}

/// A question; mostly of a resource that the action is about.
pub fn question(random: &mut Random) -> Question {
    let action = random.pick(ACTIONS);
    let resource = resource_of(random, action);
    let caller = caller(random);
    let owner = random.pick(&[None, Some(A), Some(A), Some(B)]).map(str::to_owned);
    let context = condition::context(random, &resource);
    let principal_keys = random.percent(50);
    Question { caller, action: action.to_owned(), resource, owner, context, principal_keys }
}

/// A question that differs from another in a few things.
pub(super) fn beside(random: &mut Random, question: &Question) -> Question {
    let mut other = question.clone();
    for _ in 0..=random.below(2) {
        match random.below(9) {
            0 => other.caller = caller(random),
            1 => other.action = (random.pick(ACTIONS)).to_owned(),
            2 => {
                other.action = (random.pick(ACTIONS)).to_owned();
                other.resource = resource_of(random, &other.action);
            }
            3 => other.resource = (random.pick(RESOURCES)).to_owned(),
            4 => other.resource = changed(random, &other.resource),
            5 => other.owner = random.pick(&[None, Some(A), Some(B)]).map(str::to_owned),
            6 => other.principal_keys = !other.principal_keys,
            7 if !other.context.is_empty() => {
                let at = random.below(other.context.len());
                other.context.remove(at);
            }
            _ => {
                let mut more = condition::context(random, &other.resource);
                more.retain(|_| random.percent(30));
                other.context.append(&mut more);
            }
        }
    }
    other
}

fn resource_of(random: &mut Random, action: &str) -> String {
    let service = action.split(':').next().unwrap_or_default().to_lowercase();
    // Roles are IAM's.
    let service = if service == "sts" { "iam".to_owned() } else { service };
    let fitting: Vec<&&str> = RESOURCES
        .iter()
        .filter(|resource| resource.split(':').nth(2) == Some(service.as_str()))
        .collect();
    if fitting.is_empty() || random.percent(8) {
        return (random.pick(RESOURCES)).to_owned();
    }
    (*random.pick(&fitting)).to_owned()
}

/// One character more, less or other at the end of a resource, where a prefix may end.
fn changed(random: &mut Random, resource: &str) -> String {
    let mut characters: Vec<char> = resource.chars().collect();
    let at = characters.len() - random.below(characters.len().min(24) + 1);
    match random.below(3) {
        0 => characters.insert(at, random.pick(&['x', '/', '*'])),
        1 => characters.truncate(at),
        _ if at < characters.len() => characters[at] = random.pick(&['x', 'é', 'A']),
        _ => characters.push('y'),
    }
    characters.into_iter().collect()
}

/// A value of a key, or a list of values.
pub(super) fn held(value: &str) -> Held {
    Held::One(value.to_owned())
}
