//! What a service is told: flags go before the environment, the environment before a file, the file before the defaults.
//!
//! ```text
//! sections/* (a row an option) ─▶ arguments, environment, file ─▶ given (who says what) ─▶ Config
//!                              └▶ help, print
//! ```
//!
//! An option has one name: `--max-texts`, `MODELDEPLOY_MAX_TEXTS` and the file's key `max-texts` are the same. A new one is a row in a
//! file of `sections/`, which says all that is known of it; a new section is a file there and a line in [`sections::ALL`].

mod command;
mod file;
mod given;
mod help;
mod print;
mod sections;
mod values;

pub(crate) use command::Command;
pub(crate) use sections::{Auth, Tls};

use crate::Limits;
use crate::sandbox::Mode;
use modeldeploy::Warm;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// What a service is told, as it is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) warm: Option<Warm>,
    pub(crate) auth: Auth,
    pub(crate) tls: Tls,
    pub(crate) limits: Limits,
    pub(crate) drain_delay: Duration,
    pub(crate) sandbox: Mode,
}

impl Config {
    /// What holds where nothing is said, over the limits that the service's own code sets.
    pub(crate) fn with(limits: Limits) -> Config {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            warm: None,
            auth: Auth::default(),
            tls: Tls::default(),
            limits,
            drain_delay: Duration::ZERO,
            sandbox: Mode::default(),
        }
    }
}

/// A heading of `--help` and the options under it.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) rows: &'static [Row],
}

/// An option: all that is known of it.
#[derive(Debug)]
pub(crate) struct Row {
    /// `max-texts` for `--max-texts`, `MODELDEPLOY_MAX_TEXTS`, and `max-texts` in a file.
    pub(crate) name: &'static str,
    /// For `--help`: what it is for and what values mean.
    pub(crate) help: &'static str,
    pub(crate) set: Set,
    /// The value in use, as a file has it; none where there is none.
    pub(crate) show: fn(&Config) -> Option<toml::Value>,
}

/// How an option is read.
#[derive(Debug)]
pub(crate) enum Set {
    /// Off until it is named; the environment and files say true or false.
    Switch(fn(&mut Config, bool)),
    /// By a text, which `--help` calls by this name. A list is its elements with commas between. What is wrong is answered by what is
    /// expected instead.
    Value(&'static str, fn(&mut Config, &str) -> Result<(), String>),
}

impl Row {
    /// The variable of the environment.
    pub(crate) fn variable(&self) -> String {
        format!("{}{}", given::PREFIX, self.name.to_uppercase().replace('-', "_"))
    }
}

#[cfg(test)]
mod tests;
