//! What an operator is told while a service runs: lines on stderr.

use std::fmt::Arguments;
use std::io::Write as _;

/// Something happened as it was meant to.
pub(crate) fn info(line: Arguments<'_>) {
    say("info", line);
}

/// Something is not as it should be, and the service goes on.
pub(crate) fn warn(line: Arguments<'_>) {
    say("warning", line);
}

fn say(kind: &str, line: Arguments<'_>) {
    // Nobody need listen in order to be served.
    let _unheard = writeln!(std::io::stderr(), "{kind}: {line}");
}
