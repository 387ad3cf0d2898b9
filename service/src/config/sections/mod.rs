//! The options, by what they are about. The order is that of `--help` and `--print-config`.

mod auth;
mod limits;
mod logs;
mod sandbox;
mod serving;
mod tls;

pub(crate) use auth::Auth;
pub(crate) use tls::Tls;

use super::{Config, Row, Section};

/// All of them.
pub(crate) const ALL: &[Section] =
    &[serving::SECTION, auth::SECTION, tls::SECTION, limits::SECTION, logs::SECTION, sandbox::SECTION];

/// What is wrong with options together.
pub(super) type Check = fn(&Config) -> Result<(), String>;

/// What options must be together; what is wrong is said by the options' names.
pub(super) const CHECKS: &[Check] = &[auth::check, tls::check, limits::check];

/// Every option.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    ALL.iter().flat_map(|section| section.rows)
}
