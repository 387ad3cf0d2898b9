//! What is around: the nearest folder, from the current one upwards, that has a certain file.

use std::path::{Path, PathBuf};

/// The folder that has a file of that name.
pub(crate) fn folder_with(name: &str) -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().find(|folder| folder.join(name).is_file()).map(Path::to_owned)
}
