//! Secrets from files and standard input.

use std::io::Read;
use std::path::Path;

use iamd_core::session::TOKEN_LENGTH_MAX;
use iamd_wire::Secret;
use zeroize::Zeroizing;

use crate::fault::Fault;

/// Longest file with a password, in bytes: the longest one in the longest form of UTF-8, and a line
/// end.
const PASSWORD_LENGTH_MAX: usize = 4 * 128 + 2;

/// The password in a file, or on standard input for `-`: its first line, whatever ends it.
///
/// # Errors
/// [`Fault::Refused`]
pub(super) fn password(path: &Path) -> Result<Secret, Fault> {
    let text = read(path, "password", PASSWORD_LENGTH_MAX)?;
    Ok(Secret::from(text.lines().next().unwrap_or_default().to_owned()))
}

/// The secret access key in a file.
///
/// # Errors
/// [`Fault::Refused`]
pub(super) fn secret_access_key(path: &Path) -> Result<Secret, Fault> {
    let text = read(path, "secret access key", PASSWORD_LENGTH_MAX)?;
    Ok(Secret::from(text.trim().to_owned()))
}

/// The session token in a file, or on standard input for `-`.
///
/// # Errors
/// [`Fault::Refused`]
pub(super) fn token(path: &Path) -> Result<Secret, Fault> {
    // A little more than the longest, so that a longer one is not taken for it.
    let text = read(path, "session token", TOKEN_LENGTH_MAX + 2)?;
    Ok(Secret::from(text.trim().to_owned()))
}

fn read(path: &Path, what: &str, length_max: usize) -> Result<Zeroizing<String>, Fault> {
    let unreadable = |error: std::io::Error| {
        Fault::Refused(format!("the {what} cannot be read from {}: {error}", path.display()))
    };
    let mut text = Zeroizing::new(String::new());
    let length_max = length_max as u64;
    if path == Path::new("-") {
        std::io::stdin().lock().take(length_max).read_to_string(&mut text).map_err(unreadable)?;
    } else {
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(length_max).read_to_string(&mut text).map_err(unreadable)?;
    }
    Ok(text)
}
