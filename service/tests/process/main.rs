//! A service as a process, by real clients on real sockets: who may ask, TLS, limits, the sandbox, its life and its end.
//!
//! The process is this program itself, told by a variable to be the service of `examples/confined.rs`, so that it is never an older one.

#[path = "../../examples/confined.rs"]
mod confined;
mod curl;
mod lifecycle;
mod limits;
mod probe;
mod sandbox;
mod service;
mod texts;
mod tls;
mod tokens;
mod weights;
mod workers;

use confined::packs;
use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

/// A test by its name.
type Test = (&'static str, fn());

/// Functions by their names.
macro_rules! tests {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), $name as fn())),*] };
}
pub(crate) use tests;

fn main() -> ExitCode {
    if std::env::var_os(service::ROLE).is_some() {
        return confined::main();
    }
    let rooms: [(&str, &'static [Test]); 9] = [
        ("lifecycle", lifecycle::ALL),
        ("limits", limits::ALL),
        ("probe", probe::ALL),
        ("sandbox", sandbox::ALL),
        ("texts", texts::ALL),
        ("tls", tls::ALL),
        ("tokens", tokens::ALL),
        ("weights", weights::ALL),
        ("workers", workers::ALL),
    ];
    let trials = rooms.iter().flat_map(|(room, tests)| {
        tests.iter().map(move |(name, test)| {
            Trial::test(format!("{room}::{name}"), move || {
                test();
                Ok(())
            })
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
