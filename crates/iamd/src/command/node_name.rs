//! The name under which a node counts: drawn once, and kept in its data folder.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::entropy;
use crate::fault::Fault;

/// The file in the data folder. No backup has it: what is restored elsewhere is another node.
const FILE: &str = "node-name";
/// Digits of a name.
const LENGTH: usize = 32;

/// The name of the node on this folder, which is drawn when there is none.
///
/// # Errors
/// [`Fault::Folder`] that says what is wrong with the file; [`Fault::Unavailable`] without entropy.
pub(super) fn of(folder: &Path) -> Result<String, Fault> {
    let path = folder.join(FILE);
    let fault = |what: String| Fault::Folder(format!("{} {what}", path.display()));
    let mut text = String::new();
    match std::fs::File::open(&path) {
        Ok(file) => {
            let read = file.take(2 * LENGTH as u64).read_to_string(&mut text);
            read.map_err(|error| fault(format!("cannot be read: {error}")))?;
            let name = text.trim_end();
            let is_name = name.len() == LENGTH && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            match is_name {
                true => Ok(name.to_owned()),
                false => Err(fault("is no name of a node; remove it".to_owned())),
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let name = format!("{:032x}", u128::from_be_bytes(entropy::bytes::<16>()?));
            let written = write(folder, &path, &name);
            written.map_err(|error| fault(format!("cannot be written: {error}")))?;
            Ok(name)
        }
        Err(error) => Err(fault(format!("cannot be read: {error}"))),
    }
}

/// The file is there whole, or not.
fn write(folder: &Path, path: &Path, name: &str) -> std::io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut open = OpenOptions::new();
    let mut file = open.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(format!("{name}\n").as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_drawn_once_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let name = of(folder.path()).unwrap();
        assert_eq!(of(folder.path()).unwrap(), name);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(of(other.path()).unwrap(), name);
        for text in ["", "short", &"x".repeat(LENGTH), &format!("{name}0")] {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            assert!(of(folder.path()).unwrap_err().to_string().contains("remove it"), "{text}");
        }
    }
}
