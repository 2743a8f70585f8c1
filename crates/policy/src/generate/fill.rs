//! ARNs of resource types, filled in with what a request named.
//!
//! Source: Service Authorization Reference, tables of resource types.

use super::event::Event;
use super::{Used, escaped};
use crate::arn::Arn;
use crate::pattern::{Glob, Meaning, Template};
use crate::service_data::ResourceType;

/// Most resources of one type that one request names.
// CHOICE: calls that name more, such as DescribeInstances, are rare.
const VALUES_MAX: usize = 1_000;

/// Parameters whose names are not those of the placeholders, in lower case.
const PARAMETER_NAMES: [(&str, &str); 6] = [
    ("certificatename", "servercertificatename"),
    ("mfatokenid", "virtualmfadevicename"),
    ("samlprovidername", "name"),
    ("oidcprovidername", "url"),
    ("objectname", "key"),
    ("federatedusername", "name"),
];

/// The resources of a type that an event names by their ARNs.
pub(super) fn by_arn(event: &Event<'_>, kind: &ResourceType) -> Vec<Used> {
    let values = event.parameters.iter().map(|parameter| parameter.value.as_str());
    let named = event.resources.iter().map(String::as_str).chain(values);
    let mut found: Vec<Used> = named
        .filter(|text| fits(kind.arn, text))
        .take(VALUES_MAX)
        .map(|arn| Used::Arn(arn.to_owned()))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether an ARN is one of a resource type.
fn fits(form: &str, text: &str) -> bool {
    let (Some(arn), Some(form)) = (Arn::parse(text), fields(form)) else { return false };
    let [_, _, service, region, account, resource] = arn.fields();
    let [_, _, form_service, form_region, form_account, form_resource] = form;
    // A bucket's name holds no slash; all else with one is an object in it.
    let is_bucket = form_service == "s3" && form_resource == "${BucketName}";
    form_service == service
        && field_fits(form_region, region)
        && field_fits(form_account, account)
        && !(is_bucket && resource.contains('/'))
        && Glob::of(&Template::parse(&opened(form_resource), WILDCARDS)).matches(resource)
}

const WILDCARDS: Meaning = Meaning { wildcards: true, variables: false };

fn field_fits(form: &str, written: &str) -> bool {
    if form.contains("${") { !written.is_empty() } else { form == written }
}

/// A form with `*` where something is to be filled in.
fn opened(form: &str) -> String {
    let part = |piece| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Open(_) => "*".to_owned(),
    };
    pieces(form).into_iter().map(part).collect()
}

/// The resources of a type of which an event names what stands open in the ARN; what it leaves out
/// behind that is `*`.
pub(super) fn by_name(event: &Event<'_>, kind: &ResourceType) -> Vec<Used> {
    let Some(form) = fields(kind.arn) else { return Vec::new() };
    let [_, _, _, _, _, resource] = form;
    let (Some(start), pieces) = (start(event, form), pieces(resource)) else { return Vec::new() };
    if let [Piece::Text(before), Piece::Open(name)] = pieces.as_slice()
        && let Some(name) = name.strip_suffix("WithPath")
    {
        let entity = |value: String| entity(event, format!("{start}{before}"), value);
        return values(event, name).into_iter().map(entity).collect();
    }
    let Some(open) = pieces.iter().find_map(Piece::open) else {
        // Nothing is to be filled in: there is one such resource.
        return vec![Used::Arn(format!("{start}{resource}"))];
    };
    let firsts = values(event, open).into_iter();
    firsts.map(|first| filled(event, &start, &pieces, &first)).collect()
}

/// A type with `*` for whatever it is to be filled in with, in the event's region and account.
pub(super) fn whole_type(event: &Event<'_>, kind: &ResourceType) -> Option<Used> {
    let form = fields(kind.arn)?;
    let [_, _, _, _, _, resource] = form;
    let start = escaped(&start(event, form)?);
    Some(Used::Pattern(format!("{start}{}", opened(resource))))
}

/// An entity of IAM: a request that creates it says its path, any other one only its name.
fn entity(event: &Event<'_>, before: String, name: String) -> Used {
    if !event.creates() {
        return Used::Named(before, name);
    }
    let path = values(event, "path").into_iter().next();
    let path = path.as_deref().and_then(|path| path.strip_prefix('/')).unwrap_or_default();
    Used::Arn(format!("{before}{path}{name}"))
}

fn filled(event: &Event<'_>, start: &str, pieces: &[Piece<'_>], first: &str) -> Used {
    let (mut arn, mut pattern) = (start.to_owned(), escaped(start));
    let (mut is_first, mut is_whole) = (true, true);
    for piece in pieces {
        let value = match piece {
            Piece::Text(text) => Some((*text).to_owned()),
            Piece::Open(_) if is_first => {
                is_first = false;
                Some(first.to_owned())
            }
            Piece::Open(name) => {
                let mut values = values(event, name).into_iter();
                // Which of several goes with the first is not known.
                values.next().filter(|_| values.next().is_none())
            }
        };
        match value {
            Some(value) => {
                arn.push_str(&value);
                pattern.push_str(&escaped(&value));
            }
            None => {
                is_whole = false;
                pattern.push('*');
            }
        }
    }
    if is_whole { Used::Arn(arn) } else { Used::Pattern(pattern) }
}

/// The values that an event has for a placeholder.
fn values(event: &Event<'_>, placeholder: &str) -> Vec<String> {
    let lower = placeholder.to_ascii_lowercase();
    let other = PARAMETER_NAMES.iter().find(|(name, _)| *name == lower).map(|(_, other)| *other);
    let of = |name: &str| {
        let own = event.parameters.iter().filter(|parameter| parameter.name == name);
        // An ARN that was not taken as one is of another type.
        let own = own.filter(|own| !own.value.is_empty() && !own.value.starts_with("arn:"));
        let least = own.clone().map(|own| own.depth).min();
        own.filter(|own| Some(own.depth) == least)
            .take(VALUES_MAX)
            .map(|own| own.value.trim_start_matches("https://").to_owned())
            .collect::<Vec<String>>()
    };
    let named = of(&lower);
    match other {
        Some(other) if named.is_empty() => of(other),
        Some(_) | None => named,
    }
}

/// An ARN up to its resource part; none if the form leaves its service open, or its region is not
/// known.
fn start(event: &Event<'_>, form: [&str; 6]) -> Option<String> {
    let [_, _, service, region, account, _] = form;
    let region = if region.contains("${") { event.region } else { region };
    let account = if account.contains("${") { event.account } else { account };
    let is_known = !service.contains("${") && (form[3].is_empty() || !region.is_empty());
    is_known.then(|| format!("arn:{}:{service}:{region}:{account}:", event.partition))
}

/// The six fields of a form; placeholders hold no colons.
fn fields(form: &str) -> Option<[&str; 6]> {
    form.splitn(6, ':').collect::<Vec<&str>>().try_into().ok()
}

/// A part of a form.
enum Piece<'f> {
    Text(&'f str),
    /// To be filled in; the name between the braces.
    Open(&'f str),
}

impl<'f> Piece<'f> {
    fn open(&self) -> Option<&'f str> {
        match self {
            Piece::Text(_) => None,
            Piece::Open(name) => Some(name),
        }
    }
}

fn pieces(form: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = form;
    while let Some((before, (name, behind))) =
        rest.split_once("${").and_then(|(before, behind)| Some((before, behind.split_once('}')?)))
    {
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Open(name));
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}
