//! Models published and fetched: versions by semantic ranges, bytes by their digests, on any OCI registry, in a plain folder, or from
//! the Hugging Face Hub.
//!
//! A published model is an OCI artifact by the ModelPack specification ([`artifact`]): the files of its folder as layers, and what
//! `Model.lock` knows of it as annotations. [`Registry`] is where artifacts lie, [`resolve`] chooses a version, [`fetch`] brings its
//! files onto the [`Shelf`] of a store. Nothing that comes over the network is believed: sizes are bounded before anything is read,
//! every byte is proved by its digest before it has its name, and what is cut off is taken up where it ended.

#![forbid(unsafe_code)]

pub mod artifact;
pub mod compatible;
pub mod credentials;
mod error;
mod fetch;
mod folder;
pub mod hub;
pub mod journal;
mod options;
mod publish;
mod reference;
mod registry;
pub mod remote;
mod resolve;
mod shelf;
mod transfer;
mod web;

pub use error::{Error, Kind};
pub use fetch::{Pin, fetch, fetch_listed, locked_pin};
pub use folder::{Folder, check_index};
pub use options::Options;
pub use publish::{Publication, publish};
pub use reference::{Home, Reference, Source, VARIABLE, default_registry};
pub use registry::{Listed, Registry};
pub use resolve::{Resolved, Wish, resolve};
pub use shelf::{Shelf, tree_digest};
