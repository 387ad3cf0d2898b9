//! Compiled models for Rust services: a model is a dependency, pinned in `Model.lock` and linked into the executable.
//!
//! ```text
//! cargo modeldeploy add ../all-MiniLM-L6-v2 --name query-encoder --task embed
//! cargo modeldeploy build --release
//! ```
//!
//! ```text
//! #![forbid(unsafe_code)]
//! use modeldeploy::{index, model};
//!
//! /// Turns a shopper's query into a vector.
//! #[model("query-encoder")]
//! pub struct QueryEncoder;
//!
//! /// The shop's products, embedded at build time by the same pack.
//! #[index("catalogue", of = QueryEncoder)]
//! pub struct Catalogue;
//!
//! fn main() -> Result<(), modeldeploy::Error> {
//!     let query = QueryEncoder::get().embed("wireless headphones")?; // Embedding<QueryEncoder>
//!     for hit in Catalogue::get().top(&query, 10)? {
//!         println!("{:.3} {}", hit.score, hit.id);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A handle has the methods of its model's task: `embed`, `score` or `classify` ([`model::Handle`]), or `rank` ([`rank::Handle`]). Vectors of two models can be
//! compared only if their spaces are one, which the compiler checks. A release build holds its models; where debug assertions are
//! on, they are mapped from the store beside `Model.lock`, or from where `MODELDEPLOY_STORE` says, unless it was built with
//! `MODELDEPLOY_LINK=1`.
//!
//! The same text gives the same bits: on any CPU, alone or in any batch, on any thread or several ([`session`]). One thread works on a
//! text unless `MODELDEPLOY_THREADS` or [`Handle::set_threads`](model::Handle::set_threads) asks for more.

// What `#[model]` writes names `::modeldeploy`, also here.
extern crate self as modeldeploy;

pub mod index;
#[doc(hidden)]
pub mod isa;
#[doc(hidden)]
pub mod kernels;
#[doc(hidden)]
pub mod link;
pub mod model;
mod numerics;
pub mod rank;
pub mod session;
pub mod tokenizer;

pub use link::Warm;
pub use model::{Embedding, Error, Model};
pub use modeldeploy_format as format;
pub use modeldeploy_macros::{index, model};
