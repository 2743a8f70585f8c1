//! `Principal` and `NotPrincipal`, about a caller.

use serde_json::{Value, json};

use super::request::{A, B, caller};
use crate::case::Caller;
use crate::random::Random;

/// An element that names the caller, or nearly.
pub(super) fn element(random: &mut Random, about: &Caller, misses: bool) -> Value {
    let other = caller(random);
    let (kind, name) = if misses { near(random, about, &other) } else { name(random, about) };
    match random.below(16) {
        0 => json!([name]),
        1 => Value::from(name),
        2 => json!({kind: [name]}),
        3 => {
            let (other_kind, other) = self::name(random, &other);
            if other_kind == kind {
                json!({kind: [other, name]})
            } else {
                json!({kind: name, other_kind: other})
            }
        }
        4 if misses => {
            let odd = [json!({}), json!([]), json!(7), json!(null), json!({"AWS": []})];
            random.pick(&odd)
        }
        5 if misses => json!({"Other": name}),
        _ => json!({kind: name}),
    }
}

/// One of the caller's names, or one that covers him.
fn name(random: &mut Random, caller: &Caller) -> (&'static str, String) {
    let mut names = names(caller);
    names.push(("AWS", "*".to_owned()));
    random.pick(&names)
}

fn names(caller: &Caller) -> Vec<(&'static str, String)> {
    let aws = |names: &[&str]| names.iter().map(|name| ("AWS", (*name).to_owned())).collect();
    let account = |arn: &str| arn.split(':').nth(4).unwrap_or_default().to_owned();
    let mut all: Vec<(&'static str, String)> = match caller {
        Caller::Root { .. } | Caller::Anonymous => Vec::new(),
        Caller::User { arn, id } => aws(&[arn, id]),
        Caller::Session { arn, role, role_id } => aws(&[arn, role, role_id]),
        Caller::FederatedUser { arn, user } => aws(&[arn, user.as_deref().unwrap_or(arn)]),
        Caller::Service { name } => vec![("Service", name.clone())],
        Caller::Outsider { provider } => vec![("Federated", provider.clone())],
    };
    let account = match caller {
        Caller::Root { account } => account.clone(),
        Caller::User { arn, .. }
        | Caller::Session { arn, .. }
        | Caller::FederatedUser { arn, .. } => account(arn),
        Caller::Service { .. } | Caller::Outsider { .. } | Caller::Anonymous => return all,
    };
    all.push(("AWS", format!("arn:aws:iam::{account}:root")));
    all.push(("AWS", account));
    all
}

/// A name that is not quite the caller's.
fn near(random: &mut Random, caller: &Caller, other: &Caller) -> (&'static str, String) {
    let (kind, own) = name(random, caller);
    match random.below(10) {
        0 => (kind, own.to_uppercase()),
        1 => (kind, format!("{own}x")),
        2 => (
            kind,
            own.rsplit_once('/').map_or("*x".to_owned(), |(before, _)| format!("{before}/*")),
        ),
        3 => (random.pick(&["Service", "Federated", "CanonicalUser", "aws"]), own),
        4 => (kind, String::new()),
        5 => (kind, own.replace(A, B)),
        6 => (kind, own.replacen("arn:aws:", random.pick(&["arn:*:", "arn:aws-cn:"]), 1)),
        7 => (kind, own.replacen(":iam::", ":iam:eu:", 1)),
        _ => name(random, other),
    }
}
