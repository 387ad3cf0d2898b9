//! Writing a file so that it is there whole or not at all.

use super::IO;
use crate::diagnostic::Diagnostic;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Writes `bytes` to `path`: a temporary file in the same folder, synced to the disk, then renamed. Folders are made as needed; a
/// file that was there keeps its permissions, and a link is followed.
///
/// # Errors
///
/// If that fails, such as on a full disk. What was at `path` before is still there, and nothing else is left.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Diagnostic> {
    // A link such as a shared `Model.lock` stays a link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    write(&target, bytes).map_err(|error| {
        let help = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                "free some space (`cargo modeldeploy clean` drops what no lock names) and run it again"
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "make the folder writable",
            _ => "run it again once that is mended; nothing was changed",
        };
        Diagnostic::new(IO, format!("{} bytes cannot be written: {error}", bytes.len()))
            .at(path.display().to_string())
            .help(help)
    })
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".modeldeploy-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The process' umask takes from it what it usually does.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    if let Ok(facts) = fs::metadata(path) {
        file.as_file().set_permissions(facts.permissions())?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
