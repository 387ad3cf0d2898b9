//! Who may ask.

use crate::config::{Config, Row, Section, Set, values};
use std::path::PathBuf;

/// Who may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Auth {
    /// The file of tokens.
    pub(crate) tokens: Option<PathBuf>,
    /// Whether a service is open on any address.
    pub(crate) open: bool,
    /// Whether metrics are.
    pub(crate) open_metrics: bool,
}

pub(super) const SECTION: Section = Section {
    title: "Who may ask",
    rows: &[
        Row {
            name: "tokens",
            help: "ask each request for `Authorization: Bearer TOKEN` with a token of this file, whose lines are `name:token` or \
                   `name:sha256:HEX`, each with `rate=REQUESTS_A_SECOND` and `burst=REQUESTS` or without; it is read again when it \
                   changes, and on SIGHUP; routes that tell health alone are open",
            set: Set::Value("FILE", |config, text| values::put(&mut config.auth.tokens, Ok(Some(text.into())))),
            show: |config| values::show_path(config.auth.tokens.as_deref()),
        },
        Row {
            name: "no-auth",
            help: "answer everybody on an address that is not loopback, too",
            set: Set::Switch(|config, on| config.auth.open = on),
            show: |config| Some(config.auth.open.into()),
        },
        Row {
            name: "open-metrics",
            help: "answer metrics without a token",
            set: Set::Switch(|config, on| config.auth.open_metrics = on),
            show: |config| Some(config.auth.open_metrics.into()),
        },
    ],
};

/// What of it does not go together.
pub(super) fn check(config: &Config) -> Result<(), String> {
    match (&config.auth.tokens, config.auth.open) {
        (Some(_), true) => Err("--no-auth lets everybody ask, and --tokens only some; leave one out".to_owned()),
        (None, false) if !config.listen.ip().is_loopback() => Err(format!(
            "{} can be reached from other machines; say who may ask by `--tokens FILE`, or `--no-auth` if all may",
            config.listen
        )),
        _ => Ok(()),
    }
}
