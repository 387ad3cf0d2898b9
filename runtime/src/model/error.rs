//! What may go wrong with a model, in words that say what to do.

use super::Beside;
use crate::isa::IsaError;
use crate::link::Warm;
use crate::session::{RunError, SessionError, ThreadsError};
use crate::tokenizer::EncodeError;
use core::fmt;
use modeldeploy_format::features::ValueError;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a model cannot be had, or cannot answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The store does not have the file. Only debug builds read the store; a release build holds its packs.
    Absent {
        /// The model or index, such as ``model `query-encoder` ``.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The store's file cannot be read.
    Unreadable {
        /// The model or index.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        cause: Arc<std::io::Error>,
    },
    /// The store's file is not the one that the lock names.
    Length {
        /// The model or index.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Its length in the lock.
        locked: u64,
        /// Its length.
        actual: u64,
    },
    /// The model's bytes are to be attached to the program, and were not.
    NotAttached {
        /// The model or index.
        what: &'static str,
    },
    /// The file beside the program, in which the model's bytes are, cannot be had or is another.
    Beside {
        /// The model.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: Beside,
    },
    /// The bytes are not what they should be.
    Damaged {
        /// What is wrong.
        cause: String,
    },
    /// `MODELDEPLOY_ISA` names an instruction set that is not there.
    Isa(IsaError),
    /// `MODELDEPLOY_THREADS` asks for what is no number of threads, or for more than there are cores.
    Threads(ThreadsError),
    /// The system does not hold the bytes as [`Warm`] asks.
    Warm {
        /// The model.
        name: &'static str,
        /// What was asked.
        warm: Warm,
        /// Its bytes.
        bytes: usize,
        /// What the system says.
        cause: Arc<std::io::Error>,
    },
    /// There is no session to be had.
    Session(SessionError),
    /// A text cannot be tokenized.
    Text(EncodeError),
    /// A text cannot be run.
    Run(RunError),
    /// There is no prompt of that name.
    Prompt {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A golden vector did not come back to the bit: this machine computes something else than the one that built the pack.
    SelfTest {
        /// Which golden vector.
        vector: usize,
        /// Which of its values.
        value: usize,
        /// What the pack gave when it was built.
        built: f32,
        /// What it gives here.
        here: f32,
    },
    /// A value of a candidate is not what its feature takes.
    Value {
        /// Which row.
        row: usize,
        /// What is wrong with it.
        cause: ValueError,
    },
    /// A value of a user or a session is not what its feature takes.
    User {
        /// What is wrong with it.
        cause: ValueError,
    },
    /// A golden row of a ranker did not come back to the bit.
    GoldenRow {
        /// Which golden row.
        row: usize,
        /// Which of its scores.
        value: usize,
        /// What the pack gave when it was built.
        built: f64,
        /// What it gives here.
        here: f64,
    },
}

const BUILD: &str = "`cargo modeldeploy build` makes it";

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Absent { what, path } => write!(f, "{what} is not in the store: no {}; {BUILD}", path.display()),
            Error::Unreadable { what, path, cause } => write!(f, "{what} cannot be read: {}: {cause}", path.display()),
            Error::Length { what, path, locked, actual } => write!(
                f,
                "{what} is damaged: {} has {actual} bytes, {locked} are locked; delete it, and {BUILD} again",
                path.display()
            ),
            Error::NotAttached { what } => write!(
                f,
                "{what} is not in the program: cargo alone built it; `cargo modeldeploy build --release` attaches it, and \
                 `cargo modeldeploy test --release` tests without"
            ),
            Error::Beside { what, path, why } => why.say(f, what, path),
            Error::Damaged { cause } => write!(f, "{cause}; delete the file from the store, and {BUILD} again"),
            Error::Isa(error) => error.fmt(f),
            Error::Threads(error) => error.fmt(f),
            Error::Warm { name, warm: Warm::Lock, bytes, cause } => write!(
                f,
                "the {bytes} bytes of model `{name}` cannot be locked in memory: {cause}; raise the limit \
                 (`ulimit -l unlimited`, LimitMEMLOCK=infinity, or the capability IPC_LOCK), or take `touch`"
            ),
            Error::Warm { name, warm, bytes, cause } => write!(
                f,
                "the {bytes} bytes of model `{name}` cannot be held as `{}` asks: {cause}; take `touch`",
                warm.name()
            ),
            Error::Session(error) => error.fmt(f),
            Error::Text(error) => error.fmt(f),
            Error::Run(error) => error.fmt(f),
            Error::Prompt { name, known } if known.is_empty() => write!(f, "no prompt `{name}`: the model has none"),
            Error::Prompt { name, known } => write!(f, "no prompt `{name}`; there is `{}`", known.join("`, `")),
            Error::SelfTest { vector, value, built, here } => write!(
                f,
                "value {value} of golden vector {vector} is {here:e}, and was {built:e} when the pack was built; \
                 do not trust this machine's results, and report it with its CPU"
            ),
            Error::Value { row, cause } => write!(f, "row {row}: {cause}"),
            Error::User { cause } => write!(f, "the user or the session: {cause}"),
            Error::GoldenRow { row, value, built, here } => write!(
                f,
                "score {value} of golden row {row} is {here:e}, and was {built:e} when the pack was built; do not trust this \
                 machine's results, and report it with its CPU"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Unreadable { cause, .. } | Error::Warm { cause, .. } => Some(cause),
            Error::Beside { why: Beside::Unreadable(cause), .. } => Some(cause),
            _ => None,
        }
    }
}

impl From<IsaError> for Error {
    fn from(error: IsaError) -> Error {
        Error::Isa(error)
    }
}

impl From<ThreadsError> for Error {
    fn from(error: ThreadsError) -> Error {
        Error::Threads(error)
    }
}

impl From<SessionError> for Error {
    fn from(error: SessionError) -> Error {
        Error::Session(error)
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Error {
        Error::Text(error)
    }
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Error {
        Error::Run(error)
    }
}
