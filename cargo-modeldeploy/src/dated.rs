//! The time that documents and images say they are of: `SOURCE_DATE_EPOCH`, or the beginning of 1970, and never the clock's, so that the
//! same program has the same ones: <https://reproducible-builds.org/specs/source-date-epoch/>.

use crate::exit::Failure;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};

/// `SOURCE_DATE_EPOCH` is no time.
const EPOCH: Code = Code("MD1007");

/// The variable by which a build says when its sources are of.
const VARIABLE: &str = "SOURCE_DATE_EPOCH";

/// The last second of the last year of four digits.
const LAST: u64 = 253_402_300_799;

/// The time in seconds since 1970; at most the end of the year 9999, past which dates have no common form.
///
/// # Errors
///
/// What is said and is no such number.
pub(crate) fn seconds() -> Result<u64, Failure> {
    let Some(said) = std::env::var_os(VARIABLE).filter(|said| !said.is_empty()) else { return Ok(0) };
    let seconds = said.to_str().and_then(|said| said.parse().ok()).filter(|&seconds| seconds <= LAST);
    seconds.ok_or_else(|| {
        let said = said.display();
        Diagnostic::new(EPOCH, format!("{VARIABLE} is no number of seconds since 1970: `{said}`"))
            .help("`git log -1 --format=%ct` gives that of a commit")
            .into()
    })
}
