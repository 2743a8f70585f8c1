//! The defaults, as a file that explains itself.

use super::Config;
use super::keys::Key;

/// A file with every key at its default, and what it is for.
pub fn defaults() -> String {
    let mut text = String::from(
        "# The settings of `iamd serve`, each at its default.\n\
         # Options of the command line go before variables, variables before this file.\n",
    );
    let mut config = Config::default();
    let mut section = "";
    for key in Key::all() {
        if key.section != section {
            section = key.section;
            text.push_str(&format!("\n[{section}]\n"));
        }
        text.push('\n');
        for line in key.about.lines() {
            text.push_str(&format!("# {}\n", line.trim()));
        }
        if let Some((least, most)) = key.range {
            text.push_str(&format!("# From {least} to {most}.\n"));
        }
        text.push_str(&format!("# Variable: {}\n", key.variable()));
        text.push_str(&format!("{} = {}\n", key.name, key.toml(&mut config)));
    }
    text
}
