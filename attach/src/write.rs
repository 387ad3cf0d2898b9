//! The new file in the place of the old one.

use crate::Wrong;
use crate::image::{Ends, put};
use crate::plan::{Copy, Plan};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Writes the program anew and puts it in the place of that at `path`.
pub(crate) fn replace(path: &Path, ends: &Ends, plan: &Plan) -> Result<(), Wrong> {
    let own = |error: io::Error| Wrong::file(path, error);
    let mut head = ends.head.clone();
    for (&(slot, from), place) in ends.slots.iter().zip(&plan.places) {
        let distance = (ends.address + place).wrapping_sub(from);
        put(&mut head, slot, &distance.to_le_bytes()).map_err(|why| Wrong::program(path, why))?;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(own)?;
    let file = temporary.as_file_mut();
    file.write_all(&head).map_err(own)?;
    for copy in &plan.copies {
        one(copy, file, ends.offset).map_err(|error| Wrong::file(&copy.path, error))?;
    }
    file.seek(SeekFrom::Start(ends.tail_offset)).map_err(own)?;
    file.write_all(&ends.tail).map_err(own)?;
    file.set_permissions(fs::metadata(path).map_err(own)?.permissions()).map_err(own)?;
    temporary.persist(path).map_err(|error| own(error.error))?;
    Ok(())
}

/// Copies a part to its place; what lies between parts is a hole of the file.
fn one(copy: &Copy, file: &mut File, offset: u64) -> io::Result<()> {
    let mut source = File::open(&copy.path)?;
    source.seek(SeekFrom::Start(copy.from))?;
    file.seek(SeekFrom::Start(offset + copy.to))?;
    // From file to file the system copies by itself.
    if io::copy(&mut source.take(copy.size), file)? != copy.size {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it was cut meanwhile"));
    }
    Ok(())
}
