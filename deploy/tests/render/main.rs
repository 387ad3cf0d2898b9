//! What is rendered: its form, what must hold between its parts, what others make of it, and what hostile values do to it.

#![forbid(unsafe_code)]

mod form;
mod hostile;
mod overridden;
mod systemd;
mod together;
#[path = "../variants/mod.rs"]
mod variants;
