//! `--print-config`: every option's value and who set it. What is printed can be read by `--config`.

use super::given::Given;
use super::{Config, sections};
use crate::Limits;
use std::fmt::Write as _;

/// The text: `config` is what is in use, `base` what the service's code says, `given` what others say.
pub(super) fn text(config: &Config, base: &Config, given: &Given) -> String {
    let plain = Config::with(Limits::default());
    let mut text = String::new();
    for section in sections::ALL {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _infallible = writeln!(text, "{gap}# {}", section.title);
        for row in section.rows {
            let said = match given.get(row.name) {
                Some((origin, _)) => origin.to_string(),
                None if (row.show)(base) != (row.show)(&plain) => "the service's own default".to_owned(),
                None => "default".to_owned(),
            };
            let _infallible = match (row.show)(config) {
                Some(value) => {
                    let line = format!("{} = {value}", row.name);
                    writeln!(text, "{line:<40} # {said}")
                }
                None => writeln!(text, "# {} is not set", row.name),
            };
        }
    }
    text
}
