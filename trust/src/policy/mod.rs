//! `modeldeploy.toml` beside `Model.lock`: what a team asks of the models that it ships, and whose word it takes.
//!
//! ```toml
//! [policy]
//! licenses = ["Apache-2.0", "MIT"]       # what a model's licence must allow, as SPDX expressions are read
//! max-age  = "365d"                      # days (d) or weeks (w) since the manifest's `released`
//! max-size = "500MB"                     # of a model's files together, as they come in
//!
//! [policy.sources]
//! allowed   = ["models/*", "oci://registry.shop.example/*"]
//! forbidden = ["hf:*"]                   # goes before what is allowed
//!
//! [policy.signatures]
//! required     = true
//! signers      = ["keys/ml-team.pub"]    # public keys, relative to this file
//! certificates = ["keys/ca.pem"]         # roots, for models that are signed by certificate
//! threshold    = 1                       # how many of them must have signed a model
//!
//! [trust]
//! keys      = ["keys/release.pub"]       # whose signatures of programs, locks and packs count
//! threshold = 1
//! ```
//!
//! [`judge`] is a pure function of the rules and of what is known of a model.

mod judge;
mod pattern;
mod read;
mod table;
mod units;

pub use judge::{Facts, Listed, Rule, Signed, Violation, judge};
pub use pattern::Pattern;
pub use read::parse;

use spdx::Licensee;

/// The file's name.
pub const FILE_NAME: &str = "modeldeploy.toml";

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// `[policy]`.
    pub policy: Policy,
    /// `[trust]`.
    pub trust: Trust,
}

/// What models must be. What is not said is not asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// The licences that are allowed.
    pub licenses: Option<Vec<Licensee>>,
    /// The most days since a model's release.
    pub max_age: Option<u32>,
    /// The most bytes of a model's files together.
    pub max_size: Option<u64>,
    /// Where models may come from; from anywhere if there are none.
    pub allowed: Option<Vec<Pattern>>,
    /// Where they may not.
    pub forbidden: Vec<Pattern>,
    /// Who must have signed them.
    pub signatures: Signatures,
}

/// Who signs models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signatures {
    /// Whether a model without a signature is refused.
    pub required: bool,
    /// Files of public keys, relative to the settings' folder.
    pub signers: Vec<String>,
    /// Files of root certificates, likewise.
    pub certificates: Vec<String>,
    /// How many of them must have signed.
    pub threshold: usize,
}

/// Whose signatures of programs, locks and packs count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Files of public keys, relative to the settings' folder.
    pub keys: Vec<String>,
    /// How many of them must have signed.
    pub threshold: usize,
}

/// What is wrong with a file of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line and the column, counted from 1.
    pub at: (usize, usize),
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}
