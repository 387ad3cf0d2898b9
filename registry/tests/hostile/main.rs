//! Registries that lie, break off, stall or send whoever asks elsewhere; and one that does as it should, against which the same
//! requests succeed.

#![forbid(unsafe_code)]

mod attacks;
mod cuts;
mod folder;
mod hub;
mod lies;
mod login;
mod model;
mod push;
mod resolve;
mod server;
mod slow;
mod spec;
