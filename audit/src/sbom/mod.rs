//! Bills of materials: an audited program in the forms that others' tools read.
//!
//! The same program gives the same text, in each of them.

mod cyclonedx;
mod spdx;

pub use cyclonedx::cyclonedx;
pub use spdx::spdx;

use auditable_serde::Package;
use modeldeploy_format::Digest;

/// How a crate is called in a document, and by others where it is on crates.io: a [purl](https://github.com/package-url/purl-spec).
fn reference(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version.to_string().replace('+', "%2B"))
}

/// A number in the form of a UUID of version 8 that only this text has.
fn uuid(text: &str) -> String {
    let mut bytes = *Digest::of(text.as_bytes()).as_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = Digest::from_bytes(bytes).hex();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}
