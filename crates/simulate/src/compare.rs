//! Both evaluators on many random cases, the compiled one with its documents held in several ways.

use std::collections::BTreeMap;
use std::fmt;

use iamd_policy::DocumentPool;

use crate::case::{Compiled, Held, Outcome, Question, Texts};
use crate::plain::Documents;
use crate::random::Random;
use crate::{generate, plain, shrink};

/// Questions that are put to each set of policies.
const QUESTIONS: usize = 8;

/// What was compared.
#[derive(Debug, Default)]
pub struct Report {
    /// Questions that were put.
    pub comparisons: u64,
    /// How often each outcome came.
    pub outcomes: BTreeMap<String, u64>,
}

/// A case on which evaluators differ, as small as it becomes.
#[derive(Debug)]
pub struct Difference {
    /// The policies.
    pub texts: Texts,
    /// The question.
    pub question: Question,
    /// Who says what.
    pub outcomes: Vec<(&'static str, Outcome)>,
    /// How many questions were put before.
    pub comparisons: u64,
}

/// Compares at least so many times; the seed gives the cases.
///
/// # Errors
/// The first case on which they differ.
pub fn run(comparisons: u64, seed: u64) -> Result<Report, Box<Difference>> {
    let mut random = Random::new(seed);
    let mut report = Report::default();
    let pool = DocumentPool::default();
    while report.comparisons < comparisons {
        let (texts, questions) = generate::case(&mut random, QUESTIONS);
        let (documents, compiled) = (Documents::of(&texts), all_ways(&texts, &pool));
        for question in &questions {
            let outcomes = outcomes(&documents, &compiled, question);
            if differ(&outcomes) {
                return Err(Box::new(small(&texts, question, &pool, report.comparisons)));
            }
            report.comparisons += 1;
            if let Some((_, outcome)) = outcomes.first() {
                *report.outcomes.entry(outcome.to_string()).or_insert(0) += 1;
            }
        }
    }
    Ok(report)
}

fn all_ways(texts: &Texts, pool: &DocumentPool) -> [(&'static str, Compiled); 3] {
    [
        ("compiled", Compiled::of(texts)),
        ("compiled, pooled and united", Compiled::united(texts, pool)),
        ("compiled, without an index", Compiled::one_by_one(texts)),
    ]
}

fn outcomes(
    documents: &Documents,
    compiled: &[(&'static str, Compiled)],
    question: &Question,
) -> Vec<(&'static str, Outcome)> {
    let plain = [("plain", plain::decide(question, documents))];
    let others = compiled.iter().map(|(name, compiled)| (*name, compiled.outcome(question)));
    plain.into_iter().chain(others).collect()
}

fn differ(outcomes: &[(&'static str, Outcome)]) -> bool {
    outcomes.windows(2).any(|pair| pair[0].1 != pair[1].1)
}

fn small(texts: &Texts, question: &Question, pool: &DocumentPool, comparisons: u64) -> Difference {
    let all = |texts: &Texts, question: &Question| {
        outcomes(&Documents::of(texts), &all_ways(texts, pool), question)
    };
    let (texts, question) =
        shrink::smallest(texts, question, |texts, question| differ(&all(texts, question)));
    let outcomes = all(&texts, &question);
    Difference { texts, question, outcomes, comparisons }
}

impl Report {
    /// How often an outcome came, in percent.
    pub fn share(&self, outcome: &str) -> f64 {
        let count = self.outcomes.get(outcome).copied().unwrap_or(0);
        count as f64 * 100.0 / self.comparisons.max(1) as f64
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} comparisons, no difference", self.comparisons)?;
        for outcome in self.outcomes.keys() {
            writeln!(formatter, "{:7.3} % {outcome}", self.share(outcome))?;
        }
        Ok(())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "after {} comparisons:", self.comparisons)?;
        for (name, outcome) in &self.outcomes {
            writeln!(formatter, "{name}: {outcome}")?;
        }
        let question = &self.question;
        writeln!(formatter, "caller    {:?}", question.caller)?;
        writeln!(formatter, "action    {}", question.action)?;
        writeln!(formatter, "resource  {}", question.resource)?;
        writeln!(formatter, "owner     {:?}", question.owner)?;
        if question.principal_keys {
            writeln!(formatter, "with the keys that follow from the caller")?;
        }
        for (key, value) in &question.context {
            match value {
                Held::One(value) => writeln!(formatter, "key       {key} = {value:?}")?,
                Held::Many(values) => writeln!(formatter, "key       {key} = {values:?}")?,
            }
        }
        write!(formatter, "{}", self.texts)
    }
}
