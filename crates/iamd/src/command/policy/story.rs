//! An explanation, told to people and to programs.

use iamd_policy::{
    DecidingStatement, Decision, Document, Explanation, Obstacle, ParseError, Verdict,
};
use serde_json::{Map, Value, json};

use super::explain::Files;
use super::question::{Question, word};

/// An explanation beside the documents that it speaks of.
pub(super) struct Story<'a> {
    explained: &'a Explanation,
    /// The texts of the documents, by their names in answers.
    documents: Vec<(String, String)>,
    files: &'a Files,
}

impl<'a> Story<'a> {
    pub(super) fn new(
        explained: &'a Explanation,
        question: &Question,
        files: &'a Files,
    ) -> Story<'a> {
        Story { explained, documents: question.documents(), files }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let explained = self.explained;
        let by = explained.decision.decided_by().as_str();
        let mut text = format!("{} by {by}\n", word(explained.decision));
        if !explained.decision.is_allowed() {
            text.push_str(&format!("\n  {}\n", explained.message()));
        }
        if !explained.statements.is_empty() {
            text.push_str("\nDecided by:\n");
        }
        for statement in &explained.statements {
            text.push_str(&format!("  {}\n{}", self.placed(statement), quoted(statement)));
        }
        text.push_str(&self.types());
        text.push_str(&self.keys());
        if let Decision::DenyImplicitly(_) = explained.decision {
            text.push_str(&format!("\nNo statement of type `{by}` allows the request.\n"));
        }
        text.push_str(&self.near_misses());
        text.push_str(&self.changes());
        let mut unread = self.unread().peekable();
        if unread.peek().is_some() {
            text.push_str("\nDocuments that cannot be read and so hold nothing:\n");
        }
        for (name, error) in unread {
            let ParseError { line, column, message, .. } = error;
            text.push_str(&format!("  {}:{line}:{column}: {message}\n", self.place(name)));
        }
        text
    }

    /// What every type of policy says.
    fn types(&self) -> String {
        let mut text = "\nWhat the types of policies say:\n".to_owned();
        let mut absent = Vec::new();
        for told in &self.explained.types {
            let kind = told.policy_type.as_str();
            let says = match told.verdict {
                Verdict::Allow => "allows",
                Verdict::DenyExplicitly => "denies explicitly",
                Verdict::DoNotAllow => "does not allow",
                Verdict::DoNotApply => "does not apply to this caller or resource",
                Verdict::Absent => {
                    absent.push(kind);
                    continue;
                }
            };
            let places: Vec<String> = told.statements.iter().map(|it| self.placed(it)).collect();
            let places =
                if places.is_empty() { String::new() } else { format!(": {}", places.join(", ")) };
            text.push_str(&format!("  {kind:8} {says}{places}\n"));
        }
        if !absent.is_empty() {
            text.push_str(&format!("  not present: {}\n", absent.join(", ")));
        }
        text
    }

    /// The condition keys that were looked at.
    fn keys(&self) -> String {
        let mut text = String::new();
        if !self.explained.keys.is_empty() {
            text.push_str("\nCondition keys that statements asked for:\n");
        }
        for key in &self.explained.keys {
            let had = match &key.values {
                Some(values) => format!("= {}", values.join(", ")),
                None => "is missing".to_owned(),
            };
            text.push_str(&format!("  {} {had}\n", key.name));
        }
        text
    }

    fn near_misses(&self) -> String {
        let mut text = String::new();
        if !self.explained.near_misses.is_empty() {
            text.push_str("These would, but for one thing:\n");
        }
        for miss in &self.explained.near_misses {
            let obstacle = match &miss.obstacle {
                Obstacle::Resource => "its resources do not cover the request's".to_owned(),
                Obstacle::Principal => "it does not name the caller".to_owned(),
                Obstacle::Action => "its actions do not cover the request's".to_owned(),
                Obstacle::Conditions(keys) => {
                    format!("conditions on {} do not hold", keys.join(", "))
                }
            };
            let (place, quote) = (self.placed(&miss.statement), quoted(&miss.statement));
            text.push_str(&format!("  {place}: {obstacle}\n{quote}"));
        }
        text
    }

    /// The smallest change that would allow the request.
    fn changes(&self) -> String {
        let explained = self.explained;
        let heading = match explained.steps.len() {
            _ if explained.decision.is_allowed() => return String::new(),
            0 => return "\nNo policy can allow this request.\n".to_owned(),
            1 => "The smallest change that would allow it:".to_owned(),
            count => format!("The smallest change that would allow it, all {count} steps:"),
        };
        let mut text = format!("\n{heading}\n");
        for step in &explained.steps {
            let kind = step.policy_type.as_str();
            for (number, change) in step.changes.iter().enumerate() {
                let or = if number == 0 { format!("{kind}:") } else { "  or".to_owned() };
                let sentence = change.sentence(|statement| self.placed(statement));
                text.push_str(&format!("  {or} {sentence}\n"));
            }
        }
        text
    }

    /// For programs: what `iamd policy eval` answers, and more.
    pub(super) fn json(&self) -> Value {
        let explained = self.explained;
        let misses = explained.near_misses.iter().map(|miss| {
            let (obstacle, keys) = (miss.obstacle.as_str(), miss.obstacle.keys());
            let mut members = self.members(&miss.statement);
            members.insert("obstacle".to_owned(), obstacle.into());
            if !keys.is_empty() {
                members.insert("keys".to_owned(), keys.into());
            }
            Value::from(members)
        });
        let unread = self.unread().map(|(name, error)| {
            let ParseError { line, column, message, .. } = error;
            json!({ "policy": name, "file": self.file(name), "line": line, "column": column, "message": message })
        });
        let statements = explained.statements.iter().map(|statement| self.members(statement));
        let mut story = json!({
            "decision": word(explained.decision),
            "decided_by": explained.decision.decided_by().as_str(),
            "statements": statements.collect::<Vec<_>>(),
            "missing_keys": explained.missing_keys,
            "types": self.json_of_types(),
            "keys": explained
                .keys
                .iter()
                .map(|key| json!({ "key": key.name, "values": key.values }))
                .collect::<Vec<_>>(),
            "near_misses": misses.collect::<Vec<_>>(),
            "unread": unread.collect::<Vec<_>>(),
        });
        if let (false, Some(story)) = (explained.decision.is_allowed(), story.as_object_mut()) {
            story.insert("message".to_owned(), explained.message().into());
            story.insert("steps".to_owned(), self.json_of_steps());
        }
        story
    }

    fn json_of_types(&self) -> Value {
        let types = self.explained.types.iter().map(|told| {
            let statements = told.statements.iter().map(|statement| self.members(statement));
            json!({
                "type": told.policy_type.as_str(),
                "says": told.verdict.as_str(),
                "statements": statements.collect::<Vec<_>>(),
            })
        });
        types.collect()
    }

    /// What would have to change: all steps, of each of them one change.
    fn json_of_steps(&self) -> Value {
        let steps = self.explained.steps.iter().map(|step| {
            let changes = step.changes.iter().map(|change| {
                let mut members =
                    change.statement.as_ref().map(|it| self.members(it)).unwrap_or_default();
                members.insert("kind".to_owned(), change.kind.as_str().into());
                let sentence = change.sentence(|statement| self.placed(statement));
                members.insert("sentence".to_owned(), sentence.into());
                members
            });
            json!({
                "type": step.policy_type.as_str(),
                "changes": changes.collect::<Vec<_>>(),
            })
        });
        steps.collect()
    }

    fn members(&self, statement: &DecidingStatement) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("policy".to_owned(), (*statement.policy).into());
        if let Some(file) = self.file(&statement.policy) {
            members.insert("file".to_owned(), file.into());
        }
        if let Some(sid) = &statement.sid {
            members.insert("sid".to_owned(), sid.as_str().into());
        }
        members.insert("line".to_owned(), statement.line.into());
        members.insert("column".to_owned(), statement.column.into());
        members.insert("text".to_owned(), moved_left(statement).into());
        members
    }

    /// Where a statement stands: file, line, column and `Sid`.
    fn placed(&self, statement: &DecidingStatement) -> String {
        let sid = statement.sid.as_deref().map(|sid| format!(" (Sid {sid})")).unwrap_or_default();
        format!("{}:{}:{}{sid}", self.place(&statement.policy), statement.line, statement.column)
    }

    /// The file that a document came from, else its name.
    fn place(&self, name: &str) -> String {
        self.file(name).unwrap_or_else(|| name.to_owned())
    }

    fn file(&self, name: &str) -> Option<String> {
        let (_, path) = self.files.iter().find(|(known, _)| known == name)?;
        Some(path.display().to_string())
    }

    /// Documents that are none, and why.
    fn unread(&self) -> impl Iterator<Item = (&str, ParseError)> {
        self.documents
            .iter()
            .filter_map(|(name, text)| Some((name.as_str(), Document::parse(text).err()?)))
    }
}

/// A statement as it was written, indented.
fn quoted(statement: &DecidingStatement) -> String {
    moved_left(statement).lines().map(|line| format!("      {line}\n")).collect()
}

/// A statement as it was written, its further lines moved left by as much as its first one.
fn moved_left(statement: &DecidingStatement) -> String {
    let most = usize::try_from(statement.column).unwrap_or(usize::MAX).saturating_sub(1);
    let move_left = |(number, line): (usize, &str)| {
        let layout = line.len() - line.trim_start_matches([' ', '\t']).len();
        let moved = if number == 0 { 0 } else { layout.min(most) };
        line.get(moved..).unwrap_or_default().to_owned()
    };
    let lines: Vec<String> = statement.text().lines().enumerate().map(move_left).collect();
    lines.join("\n")
}
