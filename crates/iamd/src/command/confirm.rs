//! Asking again before what cannot be taken back lightly.

use std::io::{BufRead, IsTerminal, Read, Write};

use crate::fault::Fault;

/// Longest answer, in bytes.
const LENGTH_MAX: u64 = 1024;

/// Goes on with `--yes`; else asks on a terminal for the words to be typed again.
///
/// # Errors
/// [`Fault::Refused`] when they are not, or nobody is there to ask.
pub(super) fn confirm(is_confirmed: bool, what: &str, words: &str) -> Result<(), Fault> {
    if is_confirmed {
        return Ok(());
    }
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(Fault::Refused(format!("{what}: say --yes, for there is nobody to ask")));
    }
    let mut output = std::io::stderr().lock();
    // A question that cannot be shown is not answered.
    let asked = write!(output, "{what}.\nType {words} to go on: ").and_then(|()| output.flush());
    let mut answer = String::new();
    let read = asked.and_then(|()| input.lock().take(LENGTH_MAX).read_line(&mut answer));
    agreed(read.is_ok(), &answer, words)
}

fn agreed(is_read: bool, answer: &str, words: &str) -> Result<(), Fault> {
    if is_read && answer.trim() == words {
        return Ok(());
    }
    Err(Fault::Refused("nothing was changed: the answer was another".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_words_agree() {
        assert_eq!(agreed(true, "111122223333\n", "111122223333"), Ok(()));
        for answer in ["", "y\n", "yes\n", "11112222333\n", "111122223333 x\n"] {
            assert!(agreed(true, answer, "111122223333").is_err(), "{answer}");
        }
        assert!(agreed(false, "111122223333\n", "111122223333").is_err());
    }
}
