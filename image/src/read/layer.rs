//! A layer, read through once: each entry as it comes, and at its end the proof that it was the layer that the image means.

use super::budget::Budget;
use super::entries::{self, Entry};
use super::source::{Opened, Source};
use crate::Error;
use crate::hashing::Hashing;
use flate2::read::MultiGzDecoder;
use modeldeploy_format::Digest;
use std::cell::RefCell;
use std::io::{self, Cursor, Read};

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// A layer as the image speaks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layer {
    /// Where it lies in the source.
    pub(super) path: String,
    /// Digest and size of the file; Docker's own archives say none.
    pub(super) blob: Option<(Digest, u64)>,
    /// Digest of what is unpacked from it.
    pub(super) unpacked: Digest,
}

/// Reads a layer and gives each of its entries to `each`, with its bytes. What `each` got counts only where this ends well.
pub(super) fn walk(
    source: &mut Source,
    layer: &Layer,
    budget: &mut Budget,
    each: impl FnMut(Entry, &mut dyn Read) -> Result<(), Error>,
) -> Result<(), Error> {
    let name = &layer.path;
    let damaged = |error: io::Error| Error::altered(format!("layer `{name}` cannot be unpacked: {error}"));
    let Some(Opened { file, length }) = source.open(name)? else {
        return Err(Error::altered(format!("layer `{name}` is not there")));
    };
    if let Some((_, said)) = layer.blob.filter(|(_, said)| *said != length) {
        return Err(Error::altered(format!("layer `{name}` has {length} bytes, and the image says {said}")));
    }
    let mut raw = Hashing::new(file);
    let mut head = vec![];
    (&mut raw).take(4).read_to_end(&mut head).map_err(damaged)?;
    if head == ZSTD {
        return Err(Error::unreadable(format!(
            "layer `{name}` is compressed by zstd; `skopeo copy --dest-compress-format gzip` writes it anew"
        )));
    }
    let is_gzip = head.starts_with(GZIP);
    let whole = Cursor::new(head).chain(&mut raw);
    let plain: Box<dyn Read + '_> = if is_gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
    let found = unpack(name, plain, budget, each)?;
    if found != layer.unpacked {
        let said = layer.unpacked;
        return Err(Error::altered(format!(
            "layer `{name}` has, unpacked, the digest {found}, and the image says {said}"
        )));
    }
    let (_, digest, _) = raw.finish();
    match layer.blob {
        Some((said, _)) if said != digest => {
            Err(Error::altered(format!("layer `{name}` has the digest {digest}, and the image says {said}")))
        }
        _ => Ok(()),
    }
}

/// Goes through what is unpacked to its end, and gives its digest.
fn unpack(
    name: &str,
    plain: impl Read,
    budget: &mut Budget,
    each: impl FnMut(Entry, &mut dyn Read) -> Result<(), Error>,
) -> Result<Digest, Error> {
    // Both the bytes and the entries are counted, in turns.
    let budget = RefCell::new(budget);
    let mut plain = Hashing::new(Counted { plain, budget: &budget });
    let mut archive = tar::Archive::new(&mut plain);
    let damaged = |error: io::Error| Error::altered(format!("layer `{name}` cannot be unpacked: {error}"));
    let found = archive.entries().map_err(damaged)?;
    entries::each(&format!("layer `{name}`"), found, |name| budget.borrow_mut().entry(name), each)?;
    // What follows the archive counts in the digest.
    io::copy(&mut plain, &mut io::sink()).map_err(damaged)?;
    Ok(plain.finish().1)
}

/// Bytes that are counted as unpacked.
struct Counted<'c, 'b, R> {
    plain: R,
    budget: &'c RefCell<&'b mut Budget>,
}

impl<R: Read> Read for Counted<'_, '_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.plain.read(into)?;
        self.budget.borrow_mut().unpacked(read as u64)?;
        Ok(read)
    }
}
