//! The forms of ARNs that resources have, and what fits them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::budget::Budget;
use super::glob::{Glob, fields};
use crate::service_data;

/// The form of an ARN of a resource type.
pub(super) struct Form {
    /// As the data write it.
    pub(super) arn: &'static str,
    pub(super) region: &'static str,
    pub(super) account: &'static str,
    service: Glob,
    resource: Glob,
    /// Whether it names its service, and not that of whatever resource.
    pub(super) is_of_one_service: bool,
    /// Whether the resource part is the name of a bucket, which holds no `/`.
    is_bucket: bool,
}

/// An ARN of the document.
pub(super) struct Written<'n> {
    pub(super) service: &'n str,
    pub(super) region: &'n str,
    pub(super) account: &'n str,
    service_glob: Glob,
    pub(super) resource: Glob,
}

/// How a written ARN and a form of ARNs go together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Whole,
    /// But for the region.
    Region,
    /// But for the account.
    Account,
    Not,
}

impl<'n> Written<'n> {
    /// None if it is not an ARN of six fields.
    pub(super) fn read(text: &'n str, variables: bool) -> Option<Written<'n>> {
        let fields = if variables { fields(text, 6) } else { text.splitn(6, ':').collect() };
        let ["arn", _, service, region, account, resource] = fields.as_slice() else { return None };
        Some(Written {
            service,
            region,
            account,
            service_glob: Glob::parse(service, variables),
            resource: Glob::parse(resource, variables),
        })
    }

    pub(super) fn fit(&self, form: &Form, budget: &Budget) -> Fit {
        if !self.service_glob.meets(&form.service, budget)
            || (form.is_bucket && self.resource.has('/'))
            || !self.resource.meets(&form.resource, budget)
        {
            return Fit::Not;
        }
        match (field_fits(form.region, self.region), field_fits(form.account, self.account)) {
            (true, true) => Fit::Whole,
            (false, true) => Fit::Region,
            (true, false) => Fit::Account,
            (false, false) => Fit::Not,
        }
    }
}

/// Whether a written region or account may be that of a form.
fn field_fits(form: &str, written: &str) -> bool {
    let is_open = written.contains(['*', '?', '$']);
    match form {
        "" => written.bytes().all(|byte| byte == b'*') || written.contains('$'),
        form if form.contains('$') => !written.is_empty(),
        form => is_open || form == written,
    }
}

/// The forms of the ARNs that name a service, and of those of whatever service. Memory of a constant,
/// not state.
pub(super) fn forms_of(service: &str) -> &'static [Form] {
    static FORMS: OnceLock<BTreeMap<&'static str, OnceLock<Vec<Form>>>> = OnceLock::new();
    let forms = FORMS.get_or_init(|| {
        service_data::arn_services().map(|service| (service, OnceLock::new())).collect()
    });
    let Some(known) = forms.get(service) else { return &[] };
    known.get_or_init(|| {
        service_data::arns_of(service).iter().filter_map(|arn| Form::read(arn)).collect()
    })
}

impl Form {
    /// None if it has not six fields.
    pub(super) fn read(arn: &'static str) -> Option<Form> {
        let fields = fields(arn, 6);
        let [_, _, service, region, account, resource] = fields.as_slice() else { return None };
        Some(Form {
            arn,
            region,
            account,
            service: Glob::of_form(service),
            resource: Glob::of_form(resource),
            is_of_one_service: !service.contains('$'),
            is_bucket: arn == "arn:${Partition}:s3:::${BucketName}",
        })
    }
}

/// Most forms that a fix shows.
const LISTED_MAX: usize = 3;

/// Some ARNs of the data, as fixes show them.
pub(super) fn listed(forms: &[&str]) -> String {
    let mut shown: Vec<String> = forms.iter().take(LISTED_MAX).map(|arn| readable(arn)).collect();
    if forms.len() > LISTED_MAX {
        shown.push("others".to_owned());
    }
    match shown.split_last() {
        Some((last, rest @ [_, ..])) => format!("{} and {last}", rest.join(", ")),
        _ => shown.join(""),
    }
}

/// A form as it is written in documents: `arn:aws:s3:::BucketName`.
pub(super) fn readable(arn: &str) -> String {
    format!("`{}`", arn.replace("${Partition}", "aws").replace("${", "").replace('}', ""))
}
