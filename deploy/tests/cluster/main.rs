//! Applying and comparing, against an API server in this process that behaves as Kubernetes' documentation says, and with kubectl as a
//! second client of it.

#![forbid(unsafe_code)]

mod applied;
mod compared;
mod refused;
mod server;
#[path = "../variants/mod.rs"]
mod variants;
