//! What the process keeps of its system.

use crate::config::{Row, Section, Set, values};
use crate::sandbox::Mode;

pub(super) const SECTION: Section = Section {
    title: "Sandbox",
    rows: &[Row {
        name: "sandbox",
        help: "give up all that --print-sandbox does not print, by Landlock and seccomp: on (what the kernel has not is told), require \
               (all of it, or the service does not start), off",
        set: Set::Value("HOW", |config, text| values::put(&mut config.sandbox, values::one_of(text, Mode::ALL))),
        show: |config| Some(config.sandbox.name().into()),
    }],
};
