//! `iamd mfa`: hardware tokens, whose seeds only their maker knows.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use iamd_wire::Secret;
use zeroize::Zeroizing;

use super::errand::carry_out;
use super::{OutputFormat, printout};
use crate::fault::Fault;
use crate::mfa_tokens::{TOKENS_MAX, TokenLine, TokenOrder, TokensImported};
use crate::operator::{Granted, Wish};

/// Longest file of tokens, in bytes.
const FILE_LENGTH_MAX: u64 = 768 * 1024;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Makes hardware tokens known, so that users can enable them.
    ///
    /// A line of the file is a serial number, a comma, and the seed in Base32. Empty lines, and lines
    /// that begin with #, are left out.
    Import(Import),
}

#[derive(Args)]
pub(super) struct Import {
    /// The file; - reads standard input.
    file: PathBuf,
    /// The account whose users may enable them; needed where there is more than one.
    #[arg(long)]
    account_id: Option<String>,
    /// The data folder of the node, which may be running.
    #[arg(long, env = "IAMD_DATA", default_value = "./iamd-data")]
    data: PathBuf,
    /// How to print; a sentence on a terminal, JSON otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

pub(super) async fn run(command: Command) -> Result<(), Fault> {
    match command {
        Command::Import(import) => {
            let tokens = tokens(&content(&import.file)?)?;
            let order = TokenOrder { account_id: import.account_id, tokens };
            match carry_out(&import.data, Wish::ImportMfaTokens(order)).await? {
                Granted::MfaTokens(imported) => show(&imported, import.output),
                other => Err(Fault::Bug(format!("the node has answered {other:?}"))),
            }
        }
    }
}

fn content(file: &Path) -> Result<Zeroizing<String>, Fault> {
    let name = file.display();
    let unreadable =
        |error: std::io::Error| Fault::Refused(format!("`{name}` cannot be read: {error}"));
    let mut text = Zeroizing::new(String::new());
    let read = match file == Path::new("-") {
        true => std::io::stdin().take(FILE_LENGTH_MAX + 1).read_to_string(&mut text),
        false => std::fs::File::open(file)
            .and_then(|file| file.take(FILE_LENGTH_MAX + 1).read_to_string(&mut text)),
    };
    if read.map_err(unreadable)? as u64 > FILE_LENGTH_MAX {
        return Err(Fault::Refused(format!("`{name}` has more than {FILE_LENGTH_MAX} bytes")));
    }
    Ok(text)
}

/// The tokens in a file; what is wrong is named by its line, and never shown.
fn tokens(text: &str) -> Result<Vec<TokenLine>, Fault> {
    let lines = (1..).zip(text.lines()).map(|(number, line)| (number, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let mut tokens = Vec::new();
    for (number, line) in lines {
        let (serial, seed) = line.split_once(',').ok_or_else(|| {
            Fault::Refused(format!("line {number} is not a serial number, a comma and a seed"))
        })?;
        if tokens.len() == TOKENS_MAX {
            return Err(Fault::Refused(format!("one file has at most {TOKENS_MAX} tokens")));
        }
        tokens.push(TokenLine {
            serial: serial.trim().to_owned(),
            seed: Secret::from(seed.trim().to_owned()),
        });
    }
    Ok(tokens)
}

fn show(imported: &TokensImported, output: Option<OutputFormat>) -> Result<(), Fault> {
    match OutputFormat::or_what_fits(output) {
        OutputFormat::Json => printout::json(imported),
        OutputFormat::Table => printout::text(&format!(
            "{} tokens are known to account {} now.\n",
            imported.imported, imported.account_id
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_tokens_are_read_line_by_line() {
        let text = "# maker: X\n\nGAHT12345678, GEZDGNBV GY3TQOJQ\r\n GAHT87654321,AAAA\n";
        let read = tokens(text).unwrap();
        let read: Vec<(&str, &str)> =
            read.iter().map(|token| (token.serial.as_str(), token.seed.expose())).collect();
        assert_eq!(read, [("GAHT12345678", "GEZDGNBV GY3TQOJQ"), ("GAHT87654321", "AAAA")]);
        let Err(Fault::Refused(message)) = tokens("GAHT1,AAAA\nsecret seed\n") else { panic!() };
        assert_eq!(message, "line 2 is not a serial number, a comma and a seed");
        let many = "GAHT12345678,AAAA\n".repeat(TOKENS_MAX + 1);
        assert!(tokens(&many).is_err());
    }
}
