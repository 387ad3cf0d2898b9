//! The example from outside: its models against training, its service as a client meets it, and its page in a browser.

mod follows;
mod golden;
mod openapi;
mod page;
mod process;
mod service;
