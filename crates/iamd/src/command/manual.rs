//! `iamd manual`: the manual pages, made from the command line itself.

use std::path::Path;

use crate::fault::Fault;

/// Writes a page for every command.
///
/// # Errors
/// [`Fault::Folder`] when the folder cannot be written to.
pub(super) fn write(command: clap::Command, folder: &Path) -> Result<(), Fault> {
    clap_mangen::generate_to(command, folder).map_err(|error| {
        Fault::Folder(format!("manual pages cannot be written to {}: {error}", folder.display()))
    })
}
