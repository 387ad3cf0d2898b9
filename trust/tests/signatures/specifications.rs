//! Where the specifications lie, which are not of this repository.

use std::path::{Path, PathBuf};

/// The folder of a specification; nothing where it is not here, which is said.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let near = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/specs");
    let folder = std::env::var_os("MODELDEPLOY_SPECS").map_or(near, PathBuf::from).join(name);
    if !folder.is_dir() {
        eprintln!("{name} is not here: skipped");
        return None;
    }
    Some(folder)
}
