//! From settings to a subscriber: where lines go, in which form, and which of them.

use std::io::{self, IsTerminal as _};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Text,
    Off,
}

/// What is said, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// None: text on a terminal, else JSON.
    pub(crate) format: Option<Format>,
    /// A level, or levels by target: `info,h2=debug`. None: `info`.
    pub(crate) level: Option<String>,
    /// Whether texts of requests are said, redacted.
    pub(crate) texts: bool,
}

impl Format {
    const ALL: [(&str, Format); 3] = [("json", Format::Json), ("text", Format::Text), ("off", Format::Off)];

    /// The format of that name.
    ///
    /// # Errors
    ///
    /// The names that there are.
    pub(crate) fn from_name(name: &str) -> Result<Format, String> {
        let found = Format::ALL.into_iter().find(|(own, _)| *own == name);
        found.map(|(_, format)| format).ok_or_else(|| Format::ALL.map(|(name, _)| name).join(", "))
    }
}

impl Settings {
    /// What the environment says.
    ///
    /// # Errors
    ///
    /// The variable that is wrong.
    pub(crate) fn from_env(env: impl Fn(&str) -> Option<String>) -> Result<Settings, String> {
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        let format = env("MODELDEPLOY_LOG").map(|name| {
            Format::from_name(&name).map_err(|names| format!("MODELDEPLOY_LOG is `{name}`, which is none of {names}"))
        });
        let texts = match env("MODELDEPLOY_LOG_TEXTS").as_deref() {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(other) => return Err(format!("MODELDEPLOY_LOG_TEXTS is `{other}`, which is neither true nor false")),
        };
        Ok(Settings { format: format.transpose()?, level: env("MODELDEPLOY_LOG_LEVEL"), texts })
    }

    /// Which lines are written.
    ///
    /// # Errors
    ///
    /// If the level is none, or a target's is.
    pub(crate) fn filter(&self) -> Result<Targets, String> {
        let level = self.level.as_deref().unwrap_or("info");
        level
            .parse()
            .map_err(|_| format!("`{level}` is not a level (error, warn, info, debug, trace, off) or levels by target"))
    }
}

/// Begins to write lines to stderr, unless the process has a subscriber already.
///
/// # Errors
///
/// If the level is none.
pub(crate) fn start(settings: &Settings) -> Result<(), String> {
    let filter = settings.filter()?;
    let is_terminal = io::stderr().is_terminal();
    let format = settings.format.unwrap_or(if is_terminal { Format::Text } else { Format::Json });
    let layer = match format {
        Format::Off => return Ok(()),
        Format::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_writer(io::stderr)
            .boxed(),
        Format::Text => fmt::layer()
            .with_ansi(is_terminal && std::env::var_os("NO_COLOR").is_none())
            .with_writer(io::stderr)
            .boxed(),
    };
    // A service may have a subscriber of its own, and that one goes first.
    let _theirs = tracing::subscriber::set_global_default(registry().with(layer.with_filter(filter)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_words_and_may_differ_by_target() {
        for (level, error) in [
            (None, false),
            (Some("debug"), false),
            (Some("off"), false),
            (Some("warn,modeldeploy=debug"), false),
            (Some("loud"), true),
            (Some("modeldeploy=loud"), true),
        ] {
            let settings = Settings { level: level.map(str::to_owned), ..Settings::default() };
            assert_eq!(settings.filter().is_err(), error, "{level:?}");
        }
        assert_eq!(Format::from_name("json"), Ok(Format::Json));
        assert_eq!(Format::from_name("xml"), Err("json, text, off".to_owned()));
    }
}
