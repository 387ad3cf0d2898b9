//! From settings to a subscriber: where lines go, in which form, and which of them.

use std::io::{self, IsTerminal as _};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
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

/// Which lines are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Level(String);

/// What is said, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// None: text on a terminal, else JSON.
    pub(crate) format: Option<Format>,
    pub(crate) level: Level,
    /// Whether texts of requests are said, redacted.
    pub(crate) texts: bool,
}

impl Format {
    /// Each by its name.
    pub(crate) const ALL: [(&str, Format); 3] = [("json", Format::Json), ("text", Format::Text), ("off", Format::Off)];

    pub(crate) fn name(self) -> &'static str {
        Format::ALL[self as usize].0
    }
}

impl Level {
    /// A level, or levels by target: `info,h2=debug`.
    ///
    /// # Errors
    ///
    /// What is expected.
    pub(crate) fn parse(text: &str) -> Result<Level, String> {
        let expected =
            || "expected error, warn, info, debug, trace or off, or levels by target, such as info,h2=debug".to_owned();
        filter(text).map(|_| Level(text.to_owned())).ok_or_else(expected)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which lines a level lets through.
fn filter(level: &str) -> Option<Targets> {
    // A word alone could also be a target, of which all is heard: but nobody asks for that who means a level.
    let is_level = |part: &str| part.contains('=') || !part.is_empty() && part.parse::<LevelFilter>().is_ok();
    level.split(',').all(is_level).then(|| level.parse().ok()).flatten()
}

impl Default for Level {
    fn default() -> Level {
        Level("info".to_owned())
    }
}

/// Begins to write lines to stderr, unless the process has a subscriber already.
pub(crate) fn start(settings: &Settings) {
    let filter = filter(settings.level.as_str()).expect("it was read so");
    let is_terminal = io::stderr().is_terminal();
    let format = settings.format.unwrap_or(if is_terminal { Format::Text } else { Format::Json });
    let layer = match format {
        Format::Off => return,
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_words_and_may_differ_by_target() {
        for level in ["info", "debug", "off", "warn,modeldeploy=debug"] {
            assert_eq!(Level::parse(level).expect(level).as_str(), level);
        }
        for wrong in ["loud", "modeldeploy=loud", "", "info,"] {
            assert!(Level::parse(wrong).expect_err(wrong).contains("info,h2=debug"), "{wrong}");
        }
        assert_eq!(Level::parse("info"), Ok(Level::default()));
        for (name, format) in Format::ALL {
            assert_eq!(format.name(), name);
        }
    }
}
