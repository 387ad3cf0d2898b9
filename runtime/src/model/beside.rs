//! What may be wrong with a file beside the program, in words that say what to do.

use core::fmt;
use modeldeploy_format::Digest;
use std::path::Path;
use std::sync::Arc;

/// What is wrong with a file beside the program.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Beside {
    /// There is no such file.
    Absent,
    /// It cannot be read.
    Unreadable(Arc<std::io::Error>),
    /// It has another length.
    Length {
        /// In the program.
        pinned: u64,
        /// Of the file.
        actual: u64,
    },
    /// Its bytes are others.
    Digest {
        /// The digest in the program.
        pinned: Digest,
        /// That of the file's bytes.
        found: Digest,
    },
    /// The system does not say where the program lies.
    Nowhere,
}

impl Beside {
    pub(super) fn say(&self, f: &mut fmt::Formatter<'_>, what: &str, path: &Path) -> fmt::Result {
        let path = path.display();
        match self {
            Beside::Absent => write!(
                f,
                "{what} is not here: no file {path}; lay the folder of packs, which `cargo modeldeploy build --detached` made, beside \
                 the program again, or name it with MODELDEPLOY_PACKS"
            ),
            Beside::Unreadable(cause) => write!(
                f,
                "{what} cannot be read: {path}: {cause}; let the user who runs the program read it (`chmod a+r`, and `a+x` on its folders)"
            ),
            Beside::Length { pinned, actual } => write!(
                f,
                "{what} was cut or is another: {path} has {actual} bytes, the program was built with {pinned}; copy it again from where \
                 both were built"
            ),
            Beside::Digest { pinned, found } => write!(
                f,
                "{what} was altered or is another: the bytes of {path} are {found}, the program was built with {pinned}; copy it again \
                 from where both were built"
            ),
            Beside::Nowhere => write!(
                f,
                "{what} lies in a file beside the program, and the system does not say where that is; name the folder of packs with \
                 MODELDEPLOY_PACKS"
            ),
        }
    }
}
