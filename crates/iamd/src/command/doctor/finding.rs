//! What a check finds.

use serde::Serialize;

/// How bad it is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// It is wrong now.
    Error,
    /// It is weak, or will be wrong.
    Warning,
    /// Worth knowing.
    Info,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// How bad it is.
    pub(super) severity: Severity,
    /// The check.
    pub(super) check: &'static str,
    /// What is so.
    pub(super) what: String,
    /// Why that matters.
    pub(super) why: String,
    /// What to do.
    pub(super) todo: String,
}

impl Finding {
    pub(super) fn error(
        check: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        todo: impl Into<String>,
    ) -> Finding {
        let severity = Severity::Error;
        Finding { severity, check, what: what.into(), why: why.into(), todo: todo.into() }
    }

    pub(super) fn warning(
        check: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        todo: impl Into<String>,
    ) -> Finding {
        Finding { severity: Severity::Warning, ..Finding::error(check, what, why, todo) }
    }

    pub(super) fn info(
        check: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        todo: impl Into<String>,
    ) -> Finding {
        Finding { severity: Severity::Info, ..Finding::error(check, what, why, todo) }
    }
}

/// The findings for people.
pub(super) fn text(findings: &[Finding]) -> String {
    let word = |severity| match severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
        Severity::Info => "INFO",
    };
    let mut text = String::new();
    for finding in findings {
        text.push_str(&format!(
            "{:<8} {}: {}\n{:9}why:  {}\n{:9}do:   {}\n",
            word(finding.severity),
            finding.check,
            finding.what,
            "",
            finding.why,
            "",
            finding.todo
        ));
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    text + &format!("{errors} errors, {warnings} warnings\n")
}
