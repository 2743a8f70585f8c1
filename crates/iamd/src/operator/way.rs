//! The way to the socket, however long the path of the data folder is.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::SOCKET_FILE;
use crate::fault::Fault;

/// A way to the socket of a folder whose path is short enough for the system.
pub(super) enum Way {
    Direct(PathBuf),
    /// Through a link in a private folder, which lasts as long as this value.
    Linked(PathBuf),
}

impl Way {
    /// Longest path of a socket, in bytes. Linux takes 107, macOS 103.
    const LENGTH_MAX: usize = 103;
    const LINK: &str = "data";

    pub(super) fn to(folder: &Path) -> Result<Way, Fault> {
        let direct = folder.join(SOCKET_FILE);
        if direct.as_os_str().len() <= Way::LENGTH_MAX {
            return Ok(Way::Direct(direct));
        }
        let private = std::env::temp_dir().join(format!("iamd-{}", crate::entropy::request_id()?));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&private);
        made.map_err(|error| cannot_link(&private, &error))?;
        let way = Way::Linked(private);
        if let Way::Linked(private) = &way {
            std::fs::canonicalize(folder)
                .and_then(|folder| std::os::unix::fs::symlink(folder, private.join(Way::LINK)))
                .map_err(|error| cannot_link(private, &error))?;
        }
        Ok(way)
    }

    pub(super) fn socket(&self) -> PathBuf {
        match self {
            Way::Direct(path) => path.clone(),
            Way::Linked(private) => private.join(Way::LINK).join(SOCKET_FILE),
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        if let Way::Linked(private) = self {
            let _ = std::fs::remove_file(private.join(Way::LINK));
            let _ = std::fs::remove_dir(private);
        }
    }
}

fn cannot_link(private: &Path, error: &std::io::Error) -> Fault {
    Fault::Folder(format!("the folder {} cannot be made: {error}", private.display()))
}
