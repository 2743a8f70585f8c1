//! Where the master key comes from: a file, a variable of the environment, or a command.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::master::{self, MASTER_KEY_FILE, MasterKey};
use crate::fault::Fault;

/// How long a command may take to print the key.
// CHOICE: a key service across the world answers in less.
const COMMAND_TIME_MAX: Duration = Duration::from_secs(30);
/// How often it is looked whether it has ended.
const COMMAND_PAUSE: Duration = Duration::from_millis(10);

/// Where the master key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MasterKeySource {
    /// A file, which is made for a new folder if it is not there.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// A program and its arguments, which prints the key.
    Command(String, Vec<String>),
}

impl MasterKeySource {
    /// Reads a setting: `file:PATH`, `env:NAME` or `exec:PROGRAM ARGUMENT...`; empty stands for the
    /// file in the data folder.
    ///
    /// # Errors
    /// What is wrong, without the value: somebody may have written the key itself.
    pub fn parse(setting: &str, data: &Path) -> Result<MasterKeySource, String> {
        const FORMS: &str = "can only be `file:PATH`, `env:NAME` or `exec:PROGRAM ARGUMENT...`, never the key itself";
        match setting.split_once(':') {
            None if setting.is_empty() => Ok(MasterKeySource::File(data.join(MASTER_KEY_FILE))),
            Some(("file", path)) if !path.is_empty() => Ok(MasterKeySource::File(path.into())),
            Some(("env", name)) if is_name(name) => Ok(MasterKeySource::Variable(name.to_owned())),
            Some(("exec", command)) => {
                let mut words = command.split_ascii_whitespace().map(str::to_owned);
                let program = words.next().ok_or(FORMS)?;
                Ok(MasterKeySource::Command(program, words.collect()))
            }
            Some(_) | None => Err(FORMS.to_owned()),
        }
    }

    /// The key.
    ///
    /// # Errors
    /// [`Fault::Folder`] that says what is wrong; a key that is missing is never replaced.
    pub fn open(&self) -> Result<MasterKey, Fault> {
        match self {
            MasterKeySource::File(path) => MasterKey::open(path),
            MasterKeySource::Variable(name) => {
                let text = std::env::var(name).map(Zeroizing::new).map_err(|_| {
                    Fault::Folder(format!(
                        "the variable `{name}`, which holds the master key, is not set"
                    ))
                })?;
                self.read(&text)
            }
            MasterKeySource::Command(program, arguments) => {
                self.read(&printed(program, arguments)?)
            }
        }
    }

    /// The same for data that is yet to be written: only a file is made where there is none.
    ///
    /// # Errors
    /// As [`MasterKeySource::open`].
    pub fn open_or_create(&self) -> Result<MasterKey, Fault> {
        match self {
            MasterKeySource::File(path) => MasterKey::open_or_create(path),
            MasterKeySource::Variable(_) | MasterKeySource::Command(..) => self.open(),
        }
    }

    fn read(&self, text: &str) -> Result<MasterKey, Fault> {
        let what = match self {
            MasterKeySource::File(path) => path.display().to_string(),
            MasterKeySource::Variable(name) => format!("the variable `{name}`"),
            MasterKeySource::Command(program, _) => format!("what `{program}` printed"),
        };
        master::from_text(text).ok_or_else(|| {
            Fault::Folder(format!("{what} is not a master key: 64 hexadecimal digits are"))
        })
    }
}

fn is_name(name: &str) -> bool {
    let is_start = |character: char| character == '_' || character.is_ascii_alphabetic();
    name.starts_with(is_start)
        && name.chars().all(|character| is_start(character) || character.is_ascii_digit())
}

/// What a command prints, at most as much as a key takes.
fn printed(program: &str, arguments: &[String]) -> Result<Zeroizing<String>, Fault> {
    let failed =
        |what: &str| Fault::Folder(format!("`{program}`, which prints the master key, {what}"));
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child =
        command.spawn().map_err(|error| failed(&format!("cannot be started: {error}")))?;
    let end = Instant::now() + COMMAND_TIME_MAX;
    // A key fits into the pipe, so that nobody has to read before the command ends.
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < end => std::thread::sleep(COMMAND_PAUSE),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(&format!("took longer than {} s", COMMAND_TIME_MAX.as_secs())));
            }
            Err(error) => return Err(failed(&format!("was lost: {error}"))),
        }
    };
    if !status.success() {
        return Err(failed(&format!("failed: {status}")));
    }
    let mut text = Zeroizing::new(String::new());
    let output = child.stdout.take().ok_or_else(|| failed("has no output"))?;
    let read = output.take(master::TEXT_LENGTH_MAX).read_to_string(&mut text);
    read.map_err(|error| failed(&format!("printed something else: {error}")))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> MasterKeySource {
        let [program, arguments @ ..] = words else { panic!("no program") };
        let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        MasterKeySource::Command((*program).to_owned(), arguments)
    }

    #[test]
    fn settings_name_a_place_and_are_never_repeated() {
        let parse = |setting| MasterKeySource::parse(setting, Path::new("/data"));
        assert_eq!(parse(""), Ok(MasterKeySource::File("/data/master.key".into())));
        assert_eq!(parse("file:/k"), Ok(MasterKeySource::File("/k".into())));
        assert_eq!(parse("env:IAMD_KEY_1"), Ok(MasterKeySource::Variable("IAMD_KEY_1".to_owned())));
        assert_eq!(
            parse("exec:/bin/get-key  --of iamd"),
            Ok(command(&["/bin/get-key", "--of", "iamd"]))
        );
        let key = "ab".repeat(32);
        for wrong in
            [key.as_str(), "file:", "env:", "env:a-b", "env:1a", "exec:", "exec: ", "other:x"]
        {
            let complaint = parse(wrong).unwrap_err();
            assert!(!complaint.contains(&key) && complaint.contains("env:NAME"), "{complaint}");
        }
    }

    #[test]
    fn commands_print_keys_and_nothing_else_is_taken() {
        let key = "0123456789abcdef".repeat(4);
        let first = command(&["echo", &key]).open().unwrap();
        let same = command(&["echo", "iamd-master-key-1", &key]).open().unwrap();
        assert!(first.is_same(&same));
        for (words, expected) in [
            (vec!["false"], "failed"),
            (vec!["echo", "nonsense"], "is not a master key"),
            (vec!["echo", &key[1..]], "is not a master key"),
            (vec!["/no/such/program"], "cannot be started"),
        ] {
            let fault = command(&words).open().unwrap_err().to_string();
            assert!(fault.contains(expected) && !fault.contains("nonsense"), "{fault}");
        }
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let source = MasterKeySource::Variable("IAMD_TEST_NO_SUCH_VARIABLE".to_owned());
        let fault = source.open_or_create().unwrap_err().to_string();
        assert!(fault.contains("IAMD_TEST_NO_SUCH_VARIABLE"), "{fault}");
    }
}
