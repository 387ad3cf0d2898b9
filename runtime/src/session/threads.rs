//! How many threads a session computes with: a number that this process has cores for.

use super::team;
use core::fmt;
use core::num::NonZeroUsize;
use std::thread::available_parallelism;

/// The environment variable that says how many threads a session has.
pub const THREADS_VARIABLE: &str = modeldeploy_format::variables::THREADS;

/// How many threads a session computes with. Any number gives the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads(NonZeroUsize);

impl Threads {
    /// The caller's own thread and no other.
    pub const ONE: Threads = Threads(NonZeroUsize::MIN);

    /// So many threads.
    ///
    /// # Errors
    ///
    /// If it is none, or more than this process may use cores, or more than 64.
    pub fn new(count: usize) -> Result<Threads, ThreadsError> {
        Threads::within(count, cores()).ok_or(ThreadsError { asked: Asked::Count(count), cores: cores() })
    }

    /// As many as `MODELDEPLOY_THREADS` says; one where it is not set, or empty.
    ///
    /// # Errors
    ///
    /// As [`new`](Threads::new), and if it is no number.
    pub fn from_env() -> Result<Threads, ThreadsError> {
        match std::env::var_os(THREADS_VARIABLE).filter(|value| !value.is_empty()) {
            None => Ok(Threads::ONE),
            Some(value) => Threads::parse(&value.to_string_lossy()),
        }
    }

    fn parse(value: &str) -> Result<Threads, ThreadsError> {
        let no_number = |_| ThreadsError { asked: Asked::Value(value.to_owned()), cores: cores() };
        value.parse().map_err(no_number).and_then(Threads::new)
    }

    /// So many threads, if they are as many as one at least and `cores` at most.
    fn within(count: usize, cores: usize) -> Option<Threads> {
        NonZeroUsize::new(count).filter(|_| count <= cores.min(team::MOST)).map(Threads)
    }

    /// So many threads, be there cores for them or not: for tests, as they are slow then.
    ///
    /// # Panics
    ///
    /// If it is none or more than 64.
    #[doc(hidden)]
    pub fn for_test(count: usize) -> Threads {
        Threads::within(count, usize::MAX).expect("from 1 to 64 threads")
    }

    /// How many.
    pub fn count(self) -> usize {
        self.0.get()
    }
}

/// The cores that this process may use.
pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get)
}

impl Default for Threads {
    fn default() -> Threads {
        Threads::ONE
    }
}

impl fmt::Display for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A session cannot have as many threads as were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadsError {
    asked: Asked,
    cores: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Count(usize),
    Value(String),
}

impl fmt::Display for ThreadsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = self.cores;
        match &self.asked {
            Asked::Count(0) => f.write_str("a session of no thread")?,
            Asked::Count(count) => {
                let s = if cores == 1 { "" } else { "s" };
                write!(f, "a session of {count} threads, where this process can use {cores} core{s}")?;
            }
            Asked::Value(value) => write!(f, "`{value}` is no number of threads")?,
        }
        match cores.min(team::MOST) {
            1 => write!(f, "; {THREADS_VARIABLE} can be 1"),
            most => write!(f, "; {THREADS_VARIABLE} can be 1 to {most}"),
        }
    }
}

impl std::error::Error for ThreadsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_threads_as_cores_can_be_had_and_no_more() {
        for (count, cores, had) in
            [(1, 1, true), (2, 2, true), (8, 8, true), (0, 4, false), (2, 1, false), (5, 4, false), (65, 128, false)]
        {
            assert_eq!(Threads::within(count, cores).map(Threads::count), had.then_some(count), "{count} of {cores}");
        }
        assert_eq!(Threads::new(1), Ok(Threads::ONE));
        let most = cores().min(team::MOST);
        assert_eq!(Threads::new(most).map(Threads::count), Ok(most));
    }

    #[test]
    fn what_cannot_be_had_is_an_error_that_says_what_can() {
        let error = |asked, cores| ThreadsError { asked, cores }.to_string();
        assert_eq!(
            error(Asked::Count(9), 2),
            "a session of 9 threads, where this process can use 2 cores; MODELDEPLOY_THREADS can be 1 to 2"
        );
        assert_eq!(
            error(Asked::Count(2), 1),
            "a session of 2 threads, where this process can use 1 core; MODELDEPLOY_THREADS can be 1"
        );
        assert_eq!(
            error(Asked::Count(100), 128),
            "a session of 100 threads, where this process can use 128 cores; MODELDEPLOY_THREADS can be 1 to 64"
        );
        assert_eq!(error(Asked::Count(0), 4), "a session of no thread; MODELDEPLOY_THREADS can be 1 to 4");
        for value in ["two", "-1", "1.5", " 1", "99999999999999999999"] {
            let error = Threads::parse(value).expect_err(value).to_string();
            assert!(error.starts_with(&format!("`{value}` is no number of threads; MODELDEPLOY_THREADS can be 1")));
        }
        assert!(Threads::parse("65").is_err());
        assert_eq!(Threads::parse("1"), Ok(Threads::ONE));
    }
}
