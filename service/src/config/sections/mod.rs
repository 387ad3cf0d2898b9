//! The options, by what they are about. The order is that of `--help` and `--print-config`.

mod auth;
mod limits;
mod sandbox;
mod serving;
mod tls;

pub(crate) use auth::Auth;
pub(crate) use tls::Tls;

use super::{Config, Row, Section};

/// All of them.
pub(crate) const ALL: &[Section] = &[serving::SECTION, auth::SECTION, tls::SECTION, limits::SECTION, sandbox::SECTION];

/// What options must be together; what is wrong is said by the options' names.
pub(super) const CHECKS: &[fn(&Config) -> Result<(), String>] = &[auth::check, tls::check];

/// Every option.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    ALL.iter().flat_map(|section| section.rows)
}
