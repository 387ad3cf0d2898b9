//! The messages of gRPC, generated from `service/proto` and committed: no service's build needs protoc, nor what takes its place.
//! `tests/protos/` holds them against the protos.

#![allow(missing_docs, unreachable_pub, reason = "generated")]
#![allow(clippy::all, reason = "generated")]

#[rustfmt::skip]
pub mod health;
#[rustfmt::skip]
pub mod inference;
#[rustfmt::skip]
pub mod tensorflow;

/// The descriptors of all of them, for reflection.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!("descriptors.bin");
