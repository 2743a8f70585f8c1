//! AWS services as principals.

use super::findings::{Findings, Severity, shown};
use super::nearest::{distance, nearest};
use super::statement::Statement;
use super::{member, members_of, texts};
use crate::json::Node;
use crate::service_data;
use crate::validate::Grammar;

/// The domains that names of services end in. IAM User Guide, "AWS JSON policy elements: Principal".
const DOMAINS: [&str; 4] = ["amazonaws.com", "amazonaws.com.cn", "amazon.com", "aws.internal"];

/// Shortest name that is compared with others; short ones are all alike.
const COMPARED_MIN: usize = 5;

pub(super) fn judge(findings: &mut Findings, statement: &Statement<'_>, node: &Node) {
    let services = texts(member(members_of(node), "Service"));
    for (name, place) in &services {
        judge_name(findings, name, *place);
    }
    let keys = [
        "aws:SourceArn",
        "aws:SourceAccount",
        "aws:SourceOrgID",
        "aws:SourceOrgPaths",
        "aws:SourceOwner",
    ];
    let is_narrow = keys.iter().any(|key| statement.asks_for(key));
    if let Some((name, place)) = services.first()
        && findings.grammar == Grammar::Resource
        && !statement.denies
        && !is_narrow
    {
        findings.add(
            (Severity::Suggestion, "RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL"),
            *place,
            format!("`{}` may act here for whoever asks it to, in every account", shown(name)),
            Some(
                "add a condition on aws:SourceArn, aws:SourceAccount or aws:SourceOrgID".to_owned(),
            ),
        );
    }
}

fn judge_name(findings: &mut Findings, name: &str, place: usize) {
    let lower = name.to_ascii_lowercase();
    let Some((service, domain)) = split(&lower) else { return };
    if !DOMAINS.contains(&domain) {
        let known = DOMAINS.iter().map(|known| (*known, *known));
        if let Some(near) = nearest(domain, known, &findings.budget) {
            report(findings, name, place, &format!("{service}.{near}"));
        }
        return;
    }
    let is_known = service_data::service(service).is_some()
        || service.contains('.')
        || OTHER_NAMES.contains(&service);
    if is_known || service.len() < COMPARED_MIN || domain != "amazonaws.com" {
        return;
    }
    let names = service_data::prefixes().filter(|prefix| prefix.len() >= COMPARED_MIN);
    let names = names.map(|prefix| (prefix, prefix));
    let near = nearest(service, names, &findings.budget);
    if let Some(near) = near.filter(|near| is_slip(service, near)) {
        report(findings, name, place, &format!("{near}.{domain}"));
    }
}

/// Whether one letter is wrong, missing, too many, or has changed places with its neighbour. Many
/// services have names that differ in numbers, hyphens or an addition.
fn is_slip(service: &str, near: &str) -> bool {
    let letters = |text: &str| {
        let mut letters: Vec<u8> = text.bytes().filter(u8::is_ascii_lowercase).collect();
        letters.sort_unstable();
        letters
    };
    let others = |text: &str| text.bytes().filter(|byte| !byte.is_ascii_lowercase()).count();
    let is_addition = near.starts_with(service) || service.starts_with(near);
    let is_near = distance(service, near, 1).is_some()
        || (distance(service, near, 2).is_some() && letters(service) == letters(near));
    is_near && others(service) == others(near) && !is_addition
}

/// Names of services that are not the prefixes of their actions, and near enough to others' to be
/// taken for slips.
const OTHER_NAMES: [&str; 4] = ["macie", "lexv2", "events", "pipes"];

/// What precedes the domain, and the domain: the last two labels or, after `com`, three.
fn split(name: &str) -> Option<(&str, &str)> {
    let domain_labels = if name.ends_with(".cn") { 3 } else { 2 };
    let (at, _) = name.rmatch_indices('.').nth(domain_labels - 1)?;
    Some((name.get(..at)?, name.get(at + 1..)?))
}

fn report(findings: &mut Findings, name: &str, place: usize, near: &str) {
    findings.add(
        (Severity::Warning, "INVALID_SERVICE_PRINCIPAL_FORMAT"),
        place,
        format!("`{}` is not known to be a service", shown(name)),
        Some(format!("did you mean `{}`?", shown(near))),
    );
}
