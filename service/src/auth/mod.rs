//! Who may ask, and how often: tokens with names, from a file that can change while the service runs.
//!
//! On a loopback address a service is open. On any other it does not start without a file of tokens, unless it is told to be open there,
//! too. What says no more than that the process lives is open always.

mod gate;
mod rate;
mod tokens;

pub use gate::Caller;
pub(crate) use gate::Gate;
pub(crate) use tokens::Tokens;

use crate::watched::Watched;
use crate::{config, notice};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Who may ask.
#[derive(Clone, Debug)]
pub(crate) enum Auth {
    /// Everybody.
    Open,
    /// Who has one of these tokens; for the metrics, too, unless they are open.
    Tokens { tokens: Arc<Watched<Tokens>>, open_metrics: bool },
}

impl Auth {
    /// Reads the file that a configuration names.
    ///
    /// # Errors
    ///
    /// That it cannot be used, and why.
    pub(crate) fn open(config: &config::Auth) -> Result<Auth, String> {
        let Some(file) = &config.tokens else { return Ok(Auth::Open) };
        let tokens = Watched::new("tokens", vec![file.clone()], |files, before| read(&files[0], before))?;
        Ok(Auth::Tokens { tokens: Arc::new(tokens), open_metrics: config.open_metrics })
    }
}

fn read(file: &Path, before: Option<&Tokens>) -> Result<Tokens, String> {
    let wrong = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
    let tokens = Tokens::parse(&fs::read_to_string(file).map_err(|error| wrong(&error))?, before);
    let tokens = tokens.map_err(|error| wrong(&error))?;
    if is_open(file) {
        notice::warn(format_args!(
            "{} holds tokens, and others than its owner may read or write it; `chmod 600` closes it",
            file.display()
        ));
    }
    Ok(tokens)
}

/// Whether everybody may read a file, or others than its owner write it.
fn is_open(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(file).is_ok_and(|of| of.mode() & 0o026 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}
