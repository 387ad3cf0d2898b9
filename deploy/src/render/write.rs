//! A rendering into a folder.

use super::Rendering;
use crate::problem::{Kind, Problem};
use std::fs;
use std::path::Path;

/// Writes the files of a rendering; answers which others lie beside them, that an earlier one may have left.
///
/// # Errors
///
/// If the folder or a file cannot be written.
pub fn write(rendering: &Rendering, folder: &Path) -> Result<Vec<String>, Problem> {
    let failed = |path: &Path, error: std::io::Error| {
        Problem::new(Kind::File, format!("it cannot be written: {error}"))
            .at(path.display().to_string())
            .help("`--output FOLDER` names a folder that can be, or leave it out to write to stdout")
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for file in &rendering.files {
        let path = folder.join(&file.name);
        fs::write(&path, &file.text).map_err(|error| failed(&path, error))?;
    }
    let entries = fs::read_dir(folder).map_err(|error| failed(folder, error))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_manifest = |name: &String| name.ends_with(".yaml") || name.ends_with(".service");
    let is_left = |name: &String| is_manifest(name) && !rendering.files.iter().any(|file| file.name == *name);
    let mut left: Vec<String> = names.filter(is_left).collect();
    left.sort();
    Ok(left)
}
