//! A static program and its weights as an OCI image, without a daemon: written and read back.
//!
//! An image has the program in its root and nothing else but, where the program does not hold them, its weights:
//!
//! ```text
//! /shop                    the program, a layer, gzip
//! /packs/<sha256>.pack     weights, a layer each below it, as they are
//! ```
//!
//! It runs as uid 65534, and nothing in it can be written. [`write()`] makes the folder in the layout of OCI, [`docker_archive`] a file of
//! it; [`read::open`] finds the program in either, having held every byte against its digest.

#![forbid(unsafe_code)]

mod error;
mod hashing;
mod platform;
pub mod read;
mod spec;
mod write;

pub use error::Error;
pub use platform::{Platform, of_static};
pub use write::{Contents, Image, Layer, Name, Pack, docker_archive, write};

/// As whom a program runs: nobody.
pub const USER: u32 = 65534;

/// The folder of an image where its packs lie.
pub const PACKS_FOLDER: &str = "packs";

/// The variable by which a program is told where its packs are.
pub const PACKS_VARIABLE: &str = modeldeploy_format::variables::PACKS;
