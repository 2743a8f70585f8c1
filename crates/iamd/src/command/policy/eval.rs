//! `iamd policy eval`: a stream of questions, a stream of answers.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use iamd_policy::Explanation;
use serde::Serialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::question::{Question, word};
use super::reader::Reader;
use crate::clock::Clock;
use crate::fault::Fault;

/// Longest line, in bytes.
// CHOICE: a hundred documents of the greatest size fit.
const LINE_LENGTH_MAX: u64 = 16 * 1024 * 1024;

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 every line was answered, 1 some lines were errors, 2 wrong use."
)]
pub(in crate::command) struct Options {
    /// The requests, one JSON object per line; standard input if absent or `-`.
    file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a Option<Box<RawValue>>,
    decision: &'static str,
    decided_by: &'static str,
    statements: Vec<DecidingStatement<'a>>,
    missing_keys: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Serialize)]
struct DecidingStatement<'a> {
    policy: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct Failed {
    id: Option<Box<RawValue>>,
    error: String,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Fault> {
    let input: Box<dyn Read> = match &options.file {
        Some(path) if path.as_os_str() != "-" => Box::new(File::open(path).map_err(|error| {
            Fault::Refused(format!("`{}` cannot be read: {error}", path.display()))
        })?),
        Some(_) | None => Box::new(io::stdin().lock()),
    };
    match stream(BufReader::with_capacity(64 * 1024, input), BufWriter::new(io::stdout().lock())) {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::from(super::super::EXIT_FAILED)),
        // Who reads the answers has gone away, such as `head`: nobody is left to tell.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Fault::Unavailable(format!("reading or writing failed: {error}"))),
    }
}

/// Answers line by line; tells whether every line had an answer.
fn stream<R: Read>(mut input: BufReader<R>, mut output: impl Write) -> io::Result<bool> {
    let (clock, mut reader) = (Clock::default(), Reader::default());
    let mut all_answered = true;
    let mut line = Vec::new();
    while next_line(&mut input, &mut line)? {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let written = match answered(&line, &mut reader, &clock) {
            Ok(text) => text,
            Err(failed) => {
                all_answered = false;
                serde_json::to_string(&failed)?
            }
        };
        output.write_all(written.as_bytes())?;
        output.write_all(b"\n")?;
        // Whoever asks one thing at a time gets each answer at once.
        if input.buffer().is_empty() {
            output.flush()?;
        }
    }
    output.flush()?;
    Ok(all_answered)
}

/// Reads a line, without its end, up to one byte more than is allowed; the rest is passed over.
fn next_line<R: Read>(input: &mut BufReader<R>, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = Read::by_ref(input).take(LINE_LENGTH_MAX + 1).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() as u64 > LINE_LENGTH_MAX {
        skip_line(input)?;
    }
    Ok(read > 0)
}

fn skip_line<R: Read>(input: &mut BufReader<R>) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(buffer.len(), |end| end + 1);
        input.consume(taken);
        if end.is_some() {
            return Ok(());
        }
    }
}

fn answered(line: &[u8], reader: &mut Reader, clock: &Clock) -> Result<String, Failed> {
    if line.len() as u64 > LINE_LENGTH_MAX {
        let error = format!("the line is longer than {LINE_LENGTH_MAX} bytes");
        return Err(Failed { id: id_of(line), error });
    }
    let question: Question = serde_json::from_slice(line).map_err(|error| Failed {
        id: id_of(line),
        error: format!("the line is no request: {error}"),
    })?;
    let failed = |error| Failed { id: question.id.clone(), error };
    let explained = question.answer(reader, clock.now()).map_err(failed)?;
    let answer = Answer::of(&question.id, &explained);
    serde_json::to_string(&answer).map_err(|error| failed(error.to_string()))
}

/// The id of a line that is no request, also of one that is not JSON behind the id.
fn id_of(line: &[u8]) -> Option<Box<RawValue>> {
    let mut id = None;
    let mut reader = serde_json::Deserializer::from_slice(line);
    // Whatever is wrong with the rest has been said; what stands before it can be read.
    let _ = reader.deserialize_map(IdFinder(&mut id));
    id
}

/// Reads members up to the id.
struct IdFinder<'a>(&'a mut Option<Box<RawValue>>);

impl<'de> Visitor<'de> for IdFinder<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "id" {
                *self.0 = map.next_value()?;
                return Ok(());
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

impl<'a> Answer<'a> {
    fn of(id: &'a Option<Box<RawValue>>, explained: &'a Explanation) -> Answer<'a> {
        let statement = |statement: &'a iamd_policy::DecidingStatement| DecidingStatement {
            policy: &statement.policy,
            sid: statement.sid.as_deref(),
            line: statement.line,
            column: statement.column,
        };
        Answer {
            id,
            decision: word(explained.decision),
            decided_by: explained.decision.decided_by().as_str(),
            statements: explained.statements.iter().map(statement).collect(),
            missing_keys: &explained.missing_keys,
            message: (!explained.decision.is_allowed()).then(|| explained.message()),
        }
    }
}

#[cfg(test)]
#[path = "eval_tests.rs"]
mod tests;
