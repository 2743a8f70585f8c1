//! The resources of a simulation, and who owns them.

use iamd_policy::Arn;

use super::caller::SimulatedCaller;
use super::inputs::Question;
use super::invalid;
use crate::refusal::Refusal;

/// The resources of a simulation.
#[derive(Debug)]
pub(super) struct Resources<'a> {
    names: &'a [String],
    /// The account that owns what does not say whose it is.
    owner: Option<&'a str>,
}

/// Types of EC2 resources that a scenario needs, in ARNs.
///
/// Source: IAM API Reference, SimulateCustomPolicy, `ResourceHandlingOption`.
const SCENARIOS: [(&str, &[&str]); 4] = [
    ("EC2-VPC-InstanceStore", &["instance", "image", "security-group", "network-interface"]),
    (
        "EC2-VPC-InstanceStore-Subnet",
        &["instance", "image", "security-group", "network-interface", "subnet"],
    ),
    ("EC2-VPC-EBS", &["instance", "image", "security-group", "network-interface", "volume"]),
    (
        "EC2-VPC-EBS-Subnet",
        &["instance", "image", "security-group", "network-interface", "subnet", "volume"],
    ),
];

impl<'a> Resources<'a> {
    /// Reads the resources of a request.
    ///
    /// # Errors
    /// `InvalidInput` for what is no ARN, no account, or not all that a scenario needs.
    pub(super) fn read(question: &Question<'a>) -> Result<Resources<'a>, Refusal> {
        let names = question.resources;
        if let Some(wrong) = names.iter().find(|name| *name != "*" && Arn::parse(name).is_none()) {
            let message = format!("ResourceNames are not in a valid ARN format: {wrong}.");
            return Err(invalid(message));
        }
        let owner = question.resource_owner.map(account_of).transpose()?;
        if let Some(handling) = question.handling {
            check_scenario(handling, names)?;
        }
        Ok(Resources { names, owner })
    }

    /// Whether single resources are named.
    pub(super) fn are_named(&self) -> bool {
        self.names.iter().any(|name| name != "*")
    }

    /// The names, `*` for none.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let everything = self.names.is_empty().then_some("*");
        everything.into_iter().chain(self.names.iter().map(String::as_str))
    }

    /// How many there are, at least one.
    pub(super) fn len(&self) -> usize {
        self.names.len().max(1)
    }

    /// The account that owns a resource, and whether it is another one than the caller's.
    pub(super) fn owner(&self, resource: &str, caller: &SimulatedCaller) -> (String, bool) {
        let named = Arn::parse(resource).and_then(|arn| arn.owner());
        match &caller.account {
            Some(own) => {
                let owner = named.or(self.owner).unwrap_or(own);
                // `*` is nobody's.
                let is_foreign = owner != own && resource != "*";
                (if is_foreign { owner } else { own }.to_owned(), is_foreign)
            }
            // Nobody is at home wherever the resource is.
            None => (caller.principal.account().unwrap_or_default().to_owned(), false),
        }
    }
}

/// The account of a `ResourceOwner`, which is the ARN of its root.
fn account_of(owner: &str) -> Result<&str, Refusal> {
    let account = owner.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root"));
    let is_account = |id: &&str| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit());
    account
        .filter(is_account)
        .ok_or_else(|| invalid(format!("'{owner}' is not a valid as a Resource Owner.")))
}

fn check_scenario(handling: &str, names: &[String]) -> Result<(), Refusal> {
    let Some((_, needed)) = SCENARIOS.iter().find(|(name, _)| *name == handling) else {
        // CHOICE: AWS documents the values, the text is ours.
        return Err(invalid(format!("Invalid Resource Handling Option: {handling}.")));
    };
    let is_there = |kind: &&&str| {
        let mut arns = names.iter().filter_map(|name| Arn::parse(name));
        arns.any(|arn| {
            let found = arn.resource.split_once('/').map(|(kind, _)| kind);
            arn.service == "ec2" && found == Some(**kind)
        })
    };
    match needed.iter().find(|kind| !is_there(kind)) {
        None => Ok(()),
        Some(kind) => Err(invalid(format!(
            "Invalid Resource Handling Option: {handling} requires a resource of the type {kind}."
        ))),
    }
}
