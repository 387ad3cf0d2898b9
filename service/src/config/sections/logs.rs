//! What a service says while it runs: [`logs`](crate::logs).

use crate::config::values::{one_of, put};
use crate::config::{Row, Section, Set};
use crate::logs::{Format, Level};

pub(super) const SECTION: Section = Section {
    title: "Logs on stderr",
    rows: &[
        Row {
            name: "log",
            help: "how lines are written: json, text, off; unless it is said, text on a terminal and json elsewhere",
            set: Set::Value("FORM", |config, text| {
                put(&mut config.logs.format, one_of(text, Format::ALL.map(|(name, format)| (name, Some(format)))))
            }),
            show: |config| config.logs.format.map(|format| format.name().into()),
        },
        Row {
            name: "log-level",
            help: "which lines are written: error, warn (overloads, one line a second), info (start and stop), debug (every request), \
                   trace, off; or levels by target: info,h2=debug",
            set: Set::Value("LEVEL", |config, text| put(&mut config.logs.level, Level::parse(text))),
            show: |config| Some(config.logs.level.as_str().into()),
        },
        Row {
            name: "log-texts",
            help: "write the texts that models are asked for, without e-mail addresses, phone and card numbers",
            set: Set::Switch(|config, texts| config.logs.texts = texts),
            show: |config| Some(config.logs.texts.into()),
        },
    ],
};
