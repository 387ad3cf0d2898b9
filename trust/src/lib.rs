//! Who vouches for models and programs, and what a team asks of them.
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`keys`] | Ed25519 and ECDSA keys, as PEM |
//! | [`dsse`] | [envelopes](https://github.com/secure-systems-lab/dsse) with signatures over what they carry |
//! | [`statement`] | in-toto's statements, and files of envelopes around them |
//! | [`provenance`] | [SLSA's provenance](https://slsa.dev/provenance/v1) of a program |
//! | [`model_signing`] | [OpenSSF's signatures](https://github.com/ossf/model-signing-spec) of model folders |
//! | [`policy`] | `modeldeploy.toml`: what models must be, and which break a rule |
//!
//! Whatever is read here came from outside: it is bounded in size and depth, no key of an object may stand twice, and what is not
//! understood is refused with its reason. Which algorithm a signature has is said by the key that is trusted, never by the envelope.

#![forbid(unsafe_code)]

pub mod dsse;
pub mod keys;
pub mod model_signing;
pub mod policy;
pub mod provenance;
pub mod statement;

mod date;
mod encoding;
mod json;
mod pem;
mod refusal;

pub use date::{Date, timestamp};
pub use refusal::Refusal;

/// The longest file of signatures that is read: a manifest of a hundred thousand shards is shorter.
pub const LONGEST: usize = 32 << 20;
