//! A certificate and a key that somebody else keeps fresh, in two files.

use std::io::Read;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Pair;
use crate::fault::Fault;

/// Longest of the files, in bytes.
// CHOICE: a chain of a dozen of the largest certificates.
const LENGTH_MAX: u64 = 256 * 1024;

/// The two files.
pub struct Given {
    certificate: PathBuf,
    key: PathBuf,
    seen: Option<Pair>,
    /// A change that is judged only once it has stayed: one file is written before the other.
    settling: Option<Pair>,
}

impl Given {
    pub fn new(certificate: PathBuf, key: PathBuf) -> Given {
        Given { certificate, key, seen: None, settling: None }
    }

    /// What the files hold now.
    ///
    /// # Errors
    /// [`Fault::Refused`]
    pub fn first(&mut self) -> Result<Pair, Fault> {
        let pair = self.read()?;
        self.seen = Some(pair.clone());
        Ok(pair)
    }

    /// What the files hold if that is new, and has been the same at two looks.
    ///
    /// # Errors
    /// [`Fault::Refused`], once per change.
    pub fn changed(&mut self) -> Result<Option<Pair>, Fault> {
        // Files that are away are most likely about to be replaced.
        let Ok(pair) = self.read() else { return Ok(None) };
        if self.seen.as_ref() == Some(&pair) {
            self.settling = None;
            return Ok(None);
        }
        if self.settling.as_ref() != Some(&pair) {
            self.settling = Some(pair);
            return Ok(None);
        }
        self.seen = self.settling.take();
        Ok(Some(pair))
    }

    pub fn unusable(&self, reason: &str) -> Fault {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        Fault::Refused(format!("the TLS certificate {certificate} with the key {key}: {reason}"))
    }

    fn read(&self) -> Result<Pair, Fault> {
        Ok(Pair { chain: text(&self.certificate)?.to_string(), key: text(&self.key)? })
    }
}

fn text(path: &Path) -> Result<Zeroizing<String>, Fault> {
    let fault =
        |error| Fault::Refused(format!("the TLS file {} cannot be read: {error}", path.display()));
    let mut text = Zeroizing::new(String::new());
    let file = std::fs::File::open(path).map_err(fault)?;
    file.take(LENGTH_MAX).read_to_string(&mut text).map_err(fault)?;
    Ok(text)
}
