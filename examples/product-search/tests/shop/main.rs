//! The example from outside: its service as a client meets it, and its page in a browser.

mod openapi;
mod page;
mod process;
mod reranking;
mod service;
