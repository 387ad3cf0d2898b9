//! The options, by what they are about. The order is that of `--help` and `--print-config`.

mod limits;
mod serving;

use super::{Row, Section};

/// All of them.
pub(crate) const ALL: &[Section] = &[serving::SECTION, limits::SECTION];

/// Every option.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    ALL.iter().flat_map(|section| section.rows)
}
