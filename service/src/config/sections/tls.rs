//! TLS.

use crate::config::{Config, Row, Section, Set, values};
use std::path::PathBuf;

/// The files of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tls {
    /// The service's certificate, and those between it and its root.
    pub(crate) certificate: Option<PathBuf>,
    /// Its key.
    pub(crate) key: Option<PathBuf>,
    /// The roots of the certificates that clients must have.
    pub(crate) clients: Option<PathBuf>,
}

pub(super) const SECTION: Section = Section {
    title: "TLS",
    rows: &[
        Row {
            name: "tls-cert",
            help: "speak TLS with the certificate of this file, in PEM, with those between it and its root after it; read again when it \
                   changes, and on SIGHUP",
            set: Set::Value("FILE", |config, text| values::put(&mut config.tls.certificate, Ok(Some(text.into())))),
            show: |config| values::show_path(config.tls.certificate.as_deref()),
        },
        Row {
            name: "tls-key",
            help: "the certificate's key, in PEM",
            set: Set::Value("FILE", |config, text| values::put(&mut config.tls.key, Ok(Some(text.into())))),
            show: |config| values::show_path(config.tls.key.as_deref()),
        },
        Row {
            name: "tls-client-ca",
            help: "answer clients alone that have a certificate by one of this file's, in PEM",
            set: Set::Value("FILE", |config, text| values::put(&mut config.tls.clients, Ok(Some(text.into())))),
            show: |config| values::show_path(config.tls.clients.as_deref()),
        },
    ],
};

/// What of it does not go together.
pub(super) fn check(config: &Config) -> Result<(), String> {
    let tls = &config.tls;
    match (&tls.certificate, &tls.key, &tls.clients) {
        (Some(_), None, _) => Err("--tls-cert wants its key, too: `--tls-key FILE`".to_owned()),
        (None, Some(_), _) => Err("--tls-key wants its certificate, too: `--tls-cert FILE`".to_owned()),
        (None, None, Some(_)) => {
            Err("--tls-client-ca wants `--tls-cert FILE` and `--tls-key FILE` beside it".to_owned())
        }
        _ => Ok(()),
    }
}
