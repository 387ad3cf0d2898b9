//! The sources of a workspace, copied to a folder of their own: its files and those of the packages that it names by paths.

use crate::exit::Failure;
use crate::workspace::Workspace;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The sources cannot be copied.
const COPY: Code = Code("MD1006");

/// Folders that hold what is built, or a history.
const NO_SOURCES: [&str; 3] = [".git", ".modeldeploy", "target"];

/// What marks a folder as one that can be made again: <https://bford.info/cachedir/>.
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// Copies the workspace and what it needs beside it into `to`, each as far from the others as it was, and gives the copy of the
/// workspace's folder and the number of files.
pub(super) fn copy(workspace: &Workspace, to: &Path) -> Result<(PathBuf, usize), Failure> {
    let folders = folders(workspace)?;
    let above = above(&folders);
    let mut count = 0;
    for folder in &folders {
        for file in files(folder).map_err(|error| failed(folder, &error))? {
            let (from, to) = (folder.join(&file), to.join(within(folder, &above)).join(&file));
            copy_one(&from, &to).map_err(|error| failed(&from, &error))?;
            count += 1;
        }
    }
    Ok((to.join(within(workspace.root(), &above)), count))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Diagnostic::new(COPY, format!("the sources cannot be copied: {error}"))
        .at(path.display().to_string())
        .help("free some disk, or name a folder that can be written with `--folder`")
        .into()
}

/// The workspace's folder and those of other workspaces that have packages of this one's.
fn folders(workspace: &Workspace) -> Result<Vec<PathBuf>, Failure> {
    let mut folders = BTreeSet::from([workspace.root().to_owned()]);
    for manifest in workspace.manifests_outside()? {
        folders.insert(Workspace::find(Some(&manifest))?.root().to_owned());
    }
    Ok(folders.into_iter().collect())
}

/// The folder above all of them.
fn above(folders: &[PathBuf]) -> PathBuf {
    let mut above = folders[0].parent().unwrap_or(&folders[0]).to_owned();
    while !folders.iter().all(|folder| folder.starts_with(&above) && *folder != above) && above.pop() {}
    above
}

fn within<'a>(folder: &'a Path, above: &Path) -> &'a Path {
    folder.strip_prefix(above).unwrap_or(Path::new(""))
}

/// The files of a folder: those that git knows or would take, or else all but what is built.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.current_dir(folder).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    if let Some(said) = git.output().ok().filter(|said| said.status.success() && !said.stdout.is_empty()) {
        let names = said.stdout.split(|&byte| byte == 0).filter(|name| !name.is_empty());
        let mut files: Vec<PathBuf> = names.map(path).collect();
        // A file that was deleted and is still in the index.
        files.retain(|file| folder.join(file).symlink_metadata().is_ok_and(|it| !it.is_dir()));
        return Ok(files);
    }
    let mut files = vec![];
    walk(folder, Path::new(""), &mut files)?;
    Ok(files)
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

fn walk(folder: &Path, within: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder.join(within))? {
        let entry = entry?;
        let path = within.join(entry.file_name());
        if !entry.file_type()?.is_dir() {
            files.push(path);
        } else if !NO_SOURCES.iter().any(|name| entry.file_name() == *name) && !entry.path().join(CACHE_TAG).exists() {
            walk(folder, &path, files)?;
        }
    }
    Ok(())
}

/// A link stays one: what it names is copied where it is a source.
fn copy_one(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    #[cfg(unix)]
    if from.symlink_metadata()?.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    fs::copy(from, to).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_keep_their_distance() {
        for (folders, expected) in [
            (&["/a/shop"][..], "/a"),
            (&["/a/libs/x", "/a/shop"], "/a"),
            (&["/a", "/a/shop"], "/"),
            (&["/a/shop", "/b/x/y"], "/"),
        ] {
            let folders: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
            assert_eq!(above(&folders), Path::new(expected), "{folders:?}");
        }
    }

    #[test]
    fn what_is_built_is_no_source() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for file in ["Cargo.toml", "src/main.rs", "target/x", "sub/target/y", ".modeldeploy/z", "cache/CACHEDIR.TAG"] {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, "").expect("a file");
        }
        let mut files = files(folder.path()).expect("files");
        files.sort();
        assert_eq!(files, [Path::new("Cargo.toml"), Path::new("src/main.rs")]);
    }
}
