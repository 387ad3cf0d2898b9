//! What a service uses of its system, and that it gets nothing else.
//!
//! [`uses`] is the table: system calls by what they are for, files, connections. `--print-sandbox` prints it, and [`enter`] hands it to the
//! kernel: seccomp holds the calls, Landlock the files and ports. Neither needs a privilege, and neither can be undone.
//!
//! All files that a service has been told of are read, and its port is bound, before: what remains is to answer sockets, and to read
//! tokens and certificates again. Landlock holds the thread that enters it and those that come of it, so a service enters before it
//! starts any; seccomp holds all threads of the process.

mod uses;

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod files;

pub use uses::Need;
pub(crate) use uses::Uses;

use crate::notice;

/// How much a sandbox matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// There is none.
    Off,
    /// What the kernel has of it; what it has not is told.
    #[default]
    On,
    /// All of it, or no service.
    Require,
}

impl Mode {
    pub(crate) const ALL: [(&str, Mode); 3] = [("off", Mode::Off), ("on", Mode::On), ("require", Mode::Require)];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::On => "on",
            Mode::Require => "require",
        }
    }
}

/// Gives up all that is not in the table.
///
/// # Errors
///
/// If it is required and the kernel has not all of it: what it has not.
pub(crate) fn enter(mode: Mode, uses: &Uses) -> Result<(), String> {
    if mode == Mode::Off {
        return Ok(());
    }
    let missing = drop_the_rest(uses);
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join("; ");
    if mode == Mode::Require {
        return Err(format!("--sandbox is `require`, and not all of it can be had here: {missing}"));
    }
    notice::warn(format_args!("the sandbox is not whole: {missing}; `--sandbox off` says that none is wanted"));
    Ok(())
}

/// Enters; answers what could not be.
#[cfg(target_os = "linux")]
fn drop_the_rest(uses: &Uses) -> Vec<String> {
    // Landlock first: its calls are not in the table.
    [files::hold(uses), calls::hold(uses)].into_iter().filter_map(Result::err).collect()
}

#[cfg(not(target_os = "linux"))]
fn drop_the_rest(_: &Uses) -> Vec<String> {
    vec!["Landlock and seccomp are Linux's, and this is another system".to_owned()]
}
