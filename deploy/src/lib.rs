//! Manifests of a service with models inside, from what is locked and measured; applied, and compared with what runs.
//!
//! ```text
//! lock, packs, program ─▶ Facts ─┐
//! deploy.toml, flags ─▶ Settings ─┴▶ Context ─▶ templates ─▶ quoted ─▶ read again as YAML ─▶ files ─▶ cluster: apply, status
//! ```
//!
//! The same facts, settings and templates give the same bytes. Every image is pinned by its digest, in templates of a team's own, too:
//! what was rendered is read again before anybody sees it.

#![forbid(unsafe_code)]

pub mod cluster;
mod context;
mod documents;
pub mod facts;
mod image;
mod layout;
mod memory;
mod names;
mod options;
mod problem;
mod quote;
mod render;
pub mod settings;
mod target;
mod templates;
mod tracks;

pub use context::{Context, Installed, Knative, Route};
pub use image::Pinned;
pub use layout::{Layout, read as read_layout};
pub use memory::Memory;
pub use problem::{Kind, Problem};
pub use render::{Rendered, Rendering, render, write};
pub use settings::Settings;
pub use target::{TARGETS, Target};
pub use templates::Templates;
pub use tracks::Track;

/// What owns the fields that are applied, and is the label `app.kubernetes.io/managed-by`.
pub const MANAGER: &str = "modeldeploy";
/// The annotation that lists the models inside: JSON, a list of names, versions and digests.
pub const MODELS: &str = "modeldeploy/models";
/// The annotation with the plan of a replica's memory: JSON, bytes.
pub const MEMORY: &str = "modeldeploy/memory";
