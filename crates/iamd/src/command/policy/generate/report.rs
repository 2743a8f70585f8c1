//! What is printed: the policy, a summary, and what of the present policies was never used.

use std::fmt::Write;

use iamd_policy::generate::{Generated, StatementUse, Tally};
use serde::Serialize;
use serde_json::value::RawValue;

use super::evidence::{Evidence, Facts, Names};

/// Managed policies that a user, group or role may have. IAM User Guide, "IAM and AWS STS quotas".
const ATTACHED_MAX: usize = 10;
/// Lines of one kind that the summary shows.
const SHOWN_MAX: usize = 20;

/// All that is known.
#[derive(Serialize)]
pub(super) struct Report {
    principal: String,
    records: u64,
    records_of_principal: u64,
    /// The policy; several documents where one has not room for it.
    documents: Vec<Box<RawValue>>,
    used: Vec<Line>,
    /// What was used and is not covered.
    not_covered: Vec<NotCovered>,
    /// Uses that found no room in memory.
    left_out: u64,
    denied: Vec<Line>,
    denied_others: u64,
    /// Calls of which it is not known what they need.
    unknown: Vec<Line>,
    unknown_others: u64,
    /// Calls that needed more than their records have room for.
    cut: u64,
    /// Calls that needed no permission.
    free: u64,
    /// Calls that failed for another reason than a denial.
    failed: u64,
    /// The statements of the present policies that allow.
    present: Vec<Present>,
}

/// An action or a call.
#[derive(Serialize)]
struct Line {
    action: String,
    count: u64,
    first: String,
    last: String,
}

#[derive(Serialize)]
struct NotCovered {
    action: String,
    resource: String,
    reason: String,
}

#[derive(Serialize)]
struct Present {
    policy: String,
    sid: Option<String>,
    line: u32,
    column: u32,
    used: bool,
    unused_actions: Vec<String>,
    wildcards: Vec<Wildcard>,
}

#[derive(Serialize)]
struct Wildcard {
    action: String,
    used: Vec<String>,
}

impl Report {
    pub(super) fn of(principal: &str, evidence: Evidence<'_>) -> Report {
        let (facts, generated, present) = evidence.finish();
        let Facts { records, own, free, failed, cut, denied, unknown } = facts;
        let Generated { documents, actions, ungranted, left_out } = generated;
        let (denied, denied_others) = lines(denied);
        let (unknown, unknown_others) = lines(unknown);
        let not_covered = ungranted.into_iter().map(|ungranted| NotCovered {
            action: ungranted.action,
            resource: ungranted.resource,
            reason: ungranted.reason,
        });
        let documents = documents.into_iter().filter_map(|text| RawValue::from_string(text).ok());
        Report {
            principal: principal.to_owned(),
            records,
            records_of_principal: own,
            documents: documents.collect(),
            used: actions.into_iter().map(line).collect(),
            not_covered: not_covered.collect(),
            left_out,
            denied,
            denied_others,
            unknown,
            unknown_others,
            cut,
            free,
            failed,
            present: present.into_iter().map(Present::of).collect(),
        }
    }

    /// Whether the policy covers all that was used, and something was.
    pub(super) fn is_whole(&self) -> bool {
        !self.documents.is_empty()
            && self.not_covered.is_empty()
            && self.left_out == 0
            && self.cut == 0
    }

    /// The documents, in one layout.
    pub(super) fn documents_text(&self) -> String {
        let layout = |text: &str| iamd_policy::format(text).unwrap_or_else(|_| text.to_owned());
        self.documents.iter().map(|document| layout(document.get())).collect()
    }

    /// The same in words.
    pub(super) fn summary(&self) -> String {
        let mut text = String::new();
        let mut say = |line: &str| text.push_str(&format!("{line}\n"));
        let Report { records, records_of_principal: own, .. } = self;
        say(&format!("records of {}: {own} of {records}", self.principal));
        let (used, documents) = (self.used.len(), self.documents.len());
        let cover = if documents == 1 { "document covers" } else { "documents cover" };
        let but = if self.is_whole() { "" } else { ", but for what follows" };
        say(&format!("actions used: {used}; {documents} {cover} them{but}"));
        if self.documents.len() > ATTACHED_MAX {
            say(&format!("  more than the {ATTACHED_MAX} managed policies that AWS lets attach"));
        }
        if self.left_out > 0 {
            say(&format!("{} uses found no room in memory and are not covered", self.left_out));
        }
        if self.cut > 0 {
            say(&format!("{} calls needed more than their records have room for", self.cut));
        }
        if self.failed > 0 {
            say(&format!("{} calls failed for another reason than a denial", self.failed));
        }
        self.say_not_covered(&mut text);
        say_lines(&mut text, "denied, and not covered", &self.denied, self.denied_others);
        let title = "of which it is not known what they need";
        say_lines(&mut text, title, &self.unknown, self.unknown_others);
        self.say_present(&mut text);
        text
    }

    fn say_not_covered(&self, text: &mut String) {
        if self.not_covered.is_empty() {
            return;
        }
        let _ = writeln!(text, "used, and not covered:");
        for NotCovered { action, resource, reason } in self.not_covered.iter().take(SHOWN_MAX) {
            let _ = writeln!(text, "  {action} on {resource}: {reason}");
        }
        say_more(text, self.not_covered.len());
    }

    fn say_present(&self, text: &mut String) {
        let unused: Vec<String> = self.present.iter().filter_map(Present::words).collect();
        if unused.is_empty() {
            return;
        }
        let _ = writeln!(text, "never used of the present policies:");
        for words in unused.iter().take(SHOWN_MAX) {
            let _ = writeln!(text, "  {words}");
        }
        say_more(text, unused.len());
    }
}

impl Present {
    fn of(statement: StatementUse) -> Present {
        let StatementUse { policy, sid, line, column, is_used, unused_actions, wildcards } =
            statement;
        let wildcards = wildcards.into_iter().map(|(action, used)| Wildcard { action, used });
        Present {
            policy,
            sid,
            line,
            column,
            used: is_used,
            unused_actions,
            wildcards: wildcards.collect(),
        }
    }

    /// What of it was not used, if anything.
    fn words(&self) -> Option<String> {
        let Present { policy, sid, line, column, .. } = self;
        let sid = sid.as_ref().map_or_else(String::new, |sid| format!(" (Sid {sid})"));
        let place = format!("{policy}:{line}:{column}{sid}");
        if !self.used {
            return Some(format!("{place}: the statement"));
        }
        let unused = self.unused_actions.iter().map(|action| format!("`{action}`"));
        let wide = self
            .wildcards
            .iter()
            .map(|Wildcard { action, used }| format!("`{action}` but for {}", used.join(", ")));
        let parts: Vec<String> = unused.chain(wide).collect();
        (!parts.is_empty()).then(|| format!("{place}: {}", parts.join("; ")))
    }
}

fn say_lines(text: &mut String, title: &str, lines: &[Line], others: u64) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "calls {title}:");
    for Line { action, count, last, .. } in lines.iter().take(SHOWN_MAX) {
        let _ = writeln!(text, "  {action} ({count}, last {last})");
    }
    say_more(text, lines.len());
    if others > 0 {
        let _ = writeln!(text, "  and {others} calls of still other names");
    }
}

fn say_more(text: &mut String, count: usize) {
    if count > SHOWN_MAX {
        let _ = writeln!(text, "  and {} more: see -o json", count - SHOWN_MAX);
    }
}

fn lines(names: Names) -> (Vec<Line>, u64) {
    (names.tallies.into_iter().map(line).collect(), names.others)
}

fn line((action, tally): (String, Tally)) -> Line {
    let Tally { count, first, last } = tally;
    Line { action, count, first, last }
}
