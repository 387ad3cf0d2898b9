//! A cluster of Kubernetes: what is applied to it, and what runs there.
//!
//! All of it is done as kubectl does it, by the same kubeconfig: server-side apply, kinds by discovery.

mod apply;
mod connect;
mod fault;
mod leftovers;
mod objects;
mod rollout;
mod status;

pub use apply::{Applied, Apply, apply};
pub use connect::Where;
pub use leftovers::Leftover;
pub use status::{Expected, Running, Status, status};
