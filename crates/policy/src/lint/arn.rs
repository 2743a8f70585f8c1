//! Resources whose ARNs no resource has.
//!
//! Source: Service Authorization Reference, tables of resource types.

use super::findings::{Findings, Severity, shown};
use super::form::{Fit, Form, Written, forms_of, listed, readable};
use super::nearest::nearest;
use super::statement::Statement;
use super::{Text, variable};
use crate::service_data;
use crate::validate::Grammar;

/// Judges an ARN by itself; false if something is wrong with it or it is not known.
pub(super) fn judge(
    findings: &mut Findings,
    statement: &Statement<'_>,
    resource: Text<'_>,
) -> bool {
    let (text, place) = resource;
    variable::judge(findings, statement, resource);
    if text == "*" {
        return false;
    }
    let Some(written) = Written::read(text, statement.variables) else {
        judge_incomplete(findings, resource);
        return false;
    };
    if findings.budget.is_spent() {
        return false;
    }
    if statement.variables
        && [written.service, written.region, written.account]
            .iter()
            .any(|field| field.contains("${"))
    {
        findings.add(
            (Severity::Warning, "VARIABLE_UNSUPPORTED_IN_ELEMENT"),
            place,
            format!(
                "`{}` has a policy variable before its fifth colon, and so names nothing",
                shown(text)
            ),
            Some(
                "write the field itself, or `*` and a condition such as aws:ResourceAccount"
                    .to_owned(),
            ),
        );
        return false;
    }
    let forms = forms_of(written.service);
    if forms.is_empty() {
        judge_service(findings, written.service, place);
        return false;
    }
    judge_fields(findings, &written, place);
    if forms.iter().any(|form| written.fit(form, &findings.budget) == Fit::Whole) {
        return true;
    }
    // Paths of requests stand for resources that the reference does not list.
    let own: Vec<&Form> = forms.iter().filter(|form| form.is_of_one_service).collect();
    if !own.is_empty() && !written.resource.begins_with('/') {
        judge_misfit(findings, &written, resource, &own);
    }
    false
}

/// An ARN that no form of its service fits.
fn judge_misfit(
    findings: &mut Findings,
    written: &Written<'_>,
    resource: Text<'_>,
    forms: &[&Form],
) {
    let near = forms.iter().find_map(|form| match written.fit(form, &findings.budget) {
        fit @ (Fit::Region | Fit::Account) => Some((fit, *form)),
        Fit::Whole | Fit::Not => None,
    });
    match near {
        Some(near) => judge_near(findings, written, resource, near),
        None => {
            let forms: Vec<&str> = forms.iter().map(|form| form.arn).collect();
            findings.add(
                (Severity::Warning, "INVALID_ARN_RESOURCE"),
                resource.1,
                format!("`{}` is no ARN of a resource of `{}`", shown(resource.0), written.service),
                Some(format!("its resources are {}", listed(&forms))),
            );
        }
    }
}

/// What becomes of incomplete ARNs depends on the type of policy.
fn judge_incomplete(findings: &mut Findings, (text, place): Text<'_>) {
    let names_nothing = match findings.grammar {
        Grammar::Resource => !text.contains(['*', '?']),
        Grammar::Scp => !text.ends_with('*'),
        Grammar::Rcp => true,
        Grammar::Identity | Grammar::Trust | Grammar::Session => false,
    };
    if text.starts_with("arn:") && names_nothing {
        findings.add(
            (Severity::Warning, "MISSING_ARN_FIELD"),
            place,
            format!(
                "`{}` has fewer than six fields, and names nothing in this type of policy",
                shown(text)
            ),
            Some("write arn:partition:service:region:account:resource".to_owned()),
        );
    }
}

fn judge_service(findings: &mut Findings, service: &str, place: usize) {
    let lower = service.to_ascii_lowercase();
    if lower != service && !service_data::arns_of(&lower).is_empty() {
        findings.add(
            (Severity::Error, "INVALID_ARN_SERVICE_CASE"),
            place,
            format!("ARNs name the service `{lower}` in lower case"),
            Some(format!("write `{lower}`")),
        );
    } else if service_data::service(&lower).is_none() && !service.contains(['*', '?', '$']) {
        let services = service_data::arn_services().map(|service| (service, service));
        let near = nearest(&lower, services, &findings.budget);
        findings.add(
            (Severity::Warning, "INVALID_SERVICE"),
            place,
            format!("no ARN names a service `{}`", shown(service)),
            near.map(|near| format!("did you mean `{near}`?")),
        );
    }
}

fn judge_fields(findings: &mut Findings, written: &Written<'_>, place: usize) {
    let Written { region, account, .. } = *written;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if !account.is_empty() && is_number(account) && account.len() != 12 {
        findings.add(
            (Severity::Error, "INVALID_ARN_ACCOUNT"),
            place,
            format!("`{}` is no account id", shown(account)),
            Some("account ids have twelve digits".to_owned()),
        );
    }
    if !is_region(region) {
        findings.add(
            (Severity::Warning, "INVALID_ARN_REGION"),
            place,
            format!("`{}` has not the form of a region", shown(region)),
            Some("regions look like `eu-central-1`".to_owned()),
        );
    }
}

/// Whether a field may be a region: letters and at last a number, between hyphens. New ones are made.
fn is_region(text: &str) -> bool {
    if text.is_empty() || text.contains(['*', '?', '$']) {
        return true;
    }
    let parts: Vec<&str> = text.split('-').collect();
    let all =
        |part: &str, test: fn(&u8) -> bool| !part.is_empty() && part.as_bytes().iter().all(test);
    match parts.split_last() {
        Some((number, names @ [_, _, ..])) => {
            all(number, u8::is_ascii_digit)
                && names.iter().all(|name| all(name, u8::is_ascii_lowercase))
        }
        _ => false,
    }
}

/// Services all of whose resources have an account: others have some that belong to AWS, and whose ARNs
/// leave the account empty.
const ALWAYS_WITH_ACCOUNT: [&str; 12] = [
    "dynamodb",
    "ecr",
    "ecs",
    "iam",
    "kinesis",
    "lambda",
    "logs",
    "secretsmanager",
    "sns",
    "sqs",
    "states",
    "sts",
];

fn judge_near(
    findings: &mut Findings,
    written: &Written<'_>,
    (text, place): Text<'_>,
    (fit, form): (Fit, &Form),
) {
    let text = shown(text);
    let (code, message) = match (fit, form.region, form.account) {
        (Fit::Region, "", _) => (
            "ARN_REGION_NOT_ALLOWED",
            format!("the ARN `{text}` has a region, and such a resource has none"),
        ),
        (Fit::Region, _, _) => ("MISSING_ARN_REGION", format!("the ARN `{text}` has no region")),
        (_, _, "") => (
            "ARN_ACCOUNT_NOT_ALLOWED",
            format!("the ARN `{text}` has an account, and such a resource has none"),
        ),
        (_, _, _) if !ALWAYS_WITH_ACCOUNT.contains(&written.service) => return,
        (_, _, _) => ("MISSING_ARN_ACCOUNT", format!("the ARN `{text}` has no account")),
    };
    let fix = format!("such ARNs are {}", readable(form.arn));
    findings.add(
        (Severity::Error, code),
        place,
        format!("{message}, so it names nothing"),
        Some(fix),
    );
}
