//! Packs and indexes attached to a linked program: one more segment, read-only, that the system maps as it maps the others.
//!
//! A linker takes long and much memory for what is large, and past 2 GiB the addresses of its code no longer reach over it. So where
//! there is much, `#[model]` leaves a record in which the distance to each part is 0 (`modeldeploy_format::pack::Bytes::Awaited`), and
//! this writes them: the finished program is a new file, which takes the place of the old one by a rename. The old one is not written
//! to, for cargo keeps it under a second name as well.
//!
//! ```text
//! as linked     | headers | segments …                  | sections' names and table |
//! as attached   | headers | segments … | up to 2 MiB: 0 | packs | sections' names and table |
//! ```
//!
//! The table of segments stays where it is and as long as it is, which is what `strip` and older kernels count on: the new segment takes
//! the entry of a note that `#[model]` left for it. Addresses in the records count from the record itself, so that nothing is relocated
//! and it is one whether the program is static or not, at a fixed address or at any.

#![forbid(unsafe_code)]

mod image;
mod plan;
mod write;
mod wrong;

pub use wrong::Wrong;

use modeldeploy_format::Digest;
use modeldeploy_format::pack::Division;
use std::fs;
use std::path::{Path, PathBuf};

/// The section of what is attached.
pub const SECTION: &str = ".modeldeploy-attached";

/// A pack or an index to be attached.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its file.
    pub path: PathBuf,
    /// How it is divided into parts, some of which other packs have, too.
    pub division: Option<Division>,
}

/// What was attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The packs and indexes.
    pub digests: Vec<Digest>,
    /// The bytes of the new segment.
    pub size: u64,
}

/// Attaches what the program at `path` awaits; `find` says where that is. A program that awaits nothing, or is none of ours, stays as it
/// is.
///
/// # Errors
///
/// If something that it awaits cannot be found, or it cannot be read or written. It is as it was then.
pub fn attach(path: &Path, find: impl Fn(&Digest) -> Option<Source>) -> Result<Option<Attached>, Wrong> {
    let program = fs::read(path).map_err(|error| Wrong::file(path, error))?;
    let Some(image) = image::Image::parse(&program).map_err(|why| Wrong::program(path, why))? else {
        return Ok(None);
    };
    let plan = plan::Plan::of(&image.awaited, find)?;
    let ends = image.with_segment(plan.size).map_err(|why| Wrong::program(path, why))?;
    write::replace(path, &ends, &plan)?;
    Ok(Some(Attached { digests: image.awaited.iter().map(|awaited| awaited.digest).collect(), size: plan.size }))
}

/// Whether something was attached to a program.
pub fn is_attached(program: &[u8]) -> bool {
    use object::{Object, ObjectSection};
    let file = object::File::parse(program);
    file.is_ok_and(|file| file.sections().any(|section| section.name_bytes() == Ok(SECTION.as_bytes())))
}
