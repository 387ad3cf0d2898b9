//! The bill of a program: what it was made of, compressed, with a digest of its own.
//!
//! ```text
//! magic   8 bytes
//! digest  32 bytes: of all that follows
//! length  u64: of the text
//! zlib    the text, JSON
//! ```

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use modeldeploy_format::Digest;
use modeldeploy_format::lock::Lock;
use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 8] = b"MDBILL1\n";

/// The longest text: a lock of thousands of models.
const LIMIT: usize = 32 << 20;

/// What a program was made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    /// The models that it could have been given; which of them it holds, its records say.
    pub lock: Lock,
    /// What built it.
    pub toolchain: Toolchain,
    /// What `cargo modeldeploy build` was asked for, of all that decides on the program's bytes.
    pub arguments: Vec<String>,
    /// The digest of its crates' section, where it has one.
    pub crates: Option<Digest>,
}

/// What built a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toolchain {
    /// The compiler's own words: `rustc 1.95.0 (f2d3ce0bd 2026-03-21)`.
    pub rustc: String,
    /// The system that it ran on, as a target.
    pub host: String,
    /// The version of cargo-modeldeploy.
    pub modeldeploy: String,
    /// Cargo's profile.
    pub profile: String,
}

/// The text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    toolchain: Toolchain,
    arguments: Vec<String>,
    crates: Option<Digest>,
    /// As `Model.lock` is written, each block with its digest.
    lock: String,
}

impl Bill {
    /// The bill as a section: the same bill gives the same bytes.
    pub fn encode(&self) -> Vec<u8> {
        let Bill { lock, toolchain, arguments, crates } = self.clone();
        let text = Text { toolchain, arguments, crates, lock: lock.to_text() };
        let text = serde_json::to_vec(&text).expect("a bill has string keys and plain values");
        let body = [&(text.len() as u64).to_le_bytes()[..], &compress_to_vec_zlib(&text, 9)].concat();
        [&MAGIC[..], Digest::of(&body).as_bytes(), &body].concat()
    }

    /// Reads a section.
    ///
    /// # Errors
    ///
    /// What is wrong, to be read after its name.
    pub fn decode(section: &[u8]) -> Result<Bill, String> {
        let rest =
            section.strip_prefix(MAGIC).ok_or("is of another version, or damaged: its first bytes are others")?;
        let (digest, body) = rest.split_first_chunk().ok_or("ends early")?;
        let (stated, found) = (Digest::from_bytes(*digest), Digest::of(body));
        if stated != found {
            return Err(format!("has the digest {found}, and says {stated}"));
        }
        let (length, zlib) = body.split_first_chunk().ok_or("ends early")?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > LIMIT {
            return Err(format!("says that it has {length} bytes, and {LIMIT} are the most"));
        }
        let text = decompress_to_vec_zlib_with_limit(zlib, length).map_err(|_| "cannot be decompressed")?;
        if text.len() != length {
            return Err(format!("says that it has {length} bytes, and has {}", text.len()));
        }
        let text: Text = serde_json::from_slice(&text).map_err(|error| format!("cannot be read: {error}"))?;
        let lock = Lock::parse(&text.lock).map_err(|error| format!("has a lock that is none: {error}"))?;
        Ok(Bill { lock, toolchain: text.toolchain, arguments: text.arguments, crates: text.crates })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bill() -> Bill {
        let toolchain = Toolchain {
            rustc: "rustc 1.95.0".into(),
            host: "x86_64-unknown-linux-gnu".into(),
            modeldeploy: "0.1.0".into(),
            profile: "release".into(),
        };
        let lock = Lock { version: modeldeploy_format::lock::VERSION, models: vec![], indexes: vec![] };
        Bill { lock, toolchain, arguments: vec!["--package=shop".into()], crates: Some(Digest::of(b"crates")) }
    }

    /// A section with a digest that is right, whatever it holds.
    fn section(length: u64, text: &[u8]) -> Vec<u8> {
        let body = [&length.to_le_bytes()[..], &compress_to_vec_zlib(text, 9)].concat();
        [&MAGIC[..], Digest::of(&body).as_bytes(), &body].concat()
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Bill::decode(&bill().encode()), Ok(bill()));
    }

    #[test]
    fn no_byte_of_it_can_be_another() {
        let good = bill().encode();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            assert!(Bill::decode(&bad).is_err(), "byte {at}");
            assert!(Bill::decode(&good[..at]).is_err(), "cut at {at}");
        }
        assert!(Bill::decode(&[good, vec![0]].concat()).is_err());
    }

    #[test]
    fn a_bomb_stops_at_the_length_that_it_says() {
        let zeros = vec![0; 2 << 20];
        for (what, bytes, said) in [
            ("longer than it says", section(10, &zeros), "cannot be decompressed"),
            ("shorter than it says", section(3 << 20, &zeros), "and has 2097152"),
            ("longer than can be", section(u64::MAX, &zeros), "are the most"),
            ("no bill", section(2, b"{}"), "cannot be read"),
            ("deep", section(100_000, &[b'['; 100_000]), "cannot be read"),
        ] {
            let error = Bill::decode(&bytes).expect_err(what);
            assert!(error.contains(said), "{what}: {error}");
        }
    }
}
