//! What a command says: results to stdout, for people or for programs; steps, notes and errors to stderr.

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use modeldeploy_compiler::diagnostic::Diagnostic;
use serde::Serialize;
use serde_json::json;
use std::fmt::Display;
use std::io::{self, Write};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const SOFT: Style = AnsiColor::Cyan.on_default().bold();

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Human,
    /// For programs: one JSON document on stdout; errors as JSON lines on stderr
    Json,
}

/// Where a command writes.
pub(crate) struct Output<'a> {
    out: &'a mut (dyn Write + Send),
    err: &'a mut (dyn Write + Send),
    format: Format,
    quiet: bool,
}

impl<'a> Output<'a> {
    pub(crate) fn new(
        out: &'a mut (dyn Write + Send),
        err: &'a mut (dyn Write + Send),
        format: Format,
        quiet: bool,
    ) -> Output<'a> {
        Output { out, err, format, quiet }
    }

    /// Whether steps and progress are shown: to people who have not asked for quiet.
    pub(crate) fn is_chatty(&self) -> bool {
        !self.quiet && self.format == Format::Human
    }

    /// The result, in one of its two forms; `human` may be of several lines and ends without a newline.
    pub(crate) fn result(&mut self, human: impl Display, program: impl Serialize) -> io::Result<()> {
        match self.format {
            Format::Human => {
                let text = human.to_string();
                if text.is_empty() { Ok(()) } else { writeln!(self.out, "{text}") }
            }
            Format::Json => {
                serde_json::to_writer_pretty(&mut *self.out, &program)?;
                writeln!(self.out)
            }
        }?;
        self.out.flush()
    }

    /// A step, as cargo shows its own: a verb and what it is about.
    pub(crate) fn step(&mut self, verb: &str, what: impl Display) {
        if self.is_chatty() {
            // Progress that cannot be shown is no reason to stop.
            let _ = writeln!(self.err, "{GOOD}{verb:>12}{GOOD:#} {what}");
        }
    }

    /// Something worth knowing that is not an error.
    pub(crate) fn note(&mut self, what: impl Display) {
        if !self.quiet {
            let _ = match self.format {
                Format::Human => writeln!(self.err, "{SOFT}note{SOFT:#}: {what}"),
                Format::Json => writeln!(self.err, "{}", json!({"note": what.to_string()})),
            };
        }
    }

    /// Whether the reader is a program.
    pub(crate) fn is_for_programs(&self) -> bool {
        self.format == Format::Json
    }

    /// What another tool said to programs, as a line of JSON among the errors.
    pub(crate) fn fact(&mut self, fact: &serde_json::Value) {
        let _ = writeln!(self.err, "{fact}");
    }

    /// An error without a number: the environment's, not the model's.
    pub(crate) fn error(&mut self, what: &str) {
        let _ = match self.format {
            Format::Human => writeln!(self.err, "{BAD}error{BAD:#}: {what}"),
            Format::Json => writeln!(self.err, "{}", json!({"error": what})),
        };
    }

    /// Errors with what, where and what next.
    pub(crate) fn diagnostics(&mut self, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            let Diagnostic { code, message, place, help } = diagnostic;
            let _ = match self.format {
                Format::Json => {
                    writeln!(self.err, "{}", json!({"error": message, "code": code.0, "place": place, "help": help}))
                }
                Format::Human => {
                    let place = place.as_ref().map(|place| format!("\n  {SOFT}-->{SOFT:#} {place}"));
                    let help = help.as_ref().map(|help| format!("\n  {SOFT}help{SOFT:#}: {help}"));
                    let (place, help) = (place.unwrap_or_default(), help.unwrap_or_default());
                    writeln!(self.err, "{BAD}error[{code}]{BAD:#}: {message}{place}{help}")
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeldeploy_compiler::diagnostic::Code;

    fn said(format: Format, quiet: bool, say: impl FnOnce(&mut Output<'_>)) -> (String, String) {
        let (mut out, mut err) = (vec![], vec![]);
        let mut plain = anstream::StripStream::new(&mut err);
        say(&mut Output::new(&mut out, &mut plain, format, quiet));
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (text(out), text(err))
    }

    #[test]
    fn results_and_the_rest_do_not_mix() {
        let say = |output: &mut Output<'_>| {
            output.step("Locking", "a model");
            output.result("done", json!({"done": true})).expect("written");
        };
        assert_eq!(said(Format::Human, false, say), ("done\n".into(), "     Locking a model\n".into()));
        assert_eq!(said(Format::Human, true, say), ("done\n".into(), String::new()));
        assert_eq!(said(Format::Json, false, say), ("{\n  \"done\": true\n}\n".into(), String::new()));
    }

    #[test]
    fn an_error_says_what_where_and_what_next() {
        let error = Diagnostic::new(Code("MD0901"), "there is no model `a`").at("Cargo.toml").help("`add` adds one");
        let say = |output: &mut Output<'_>| output.diagnostics(std::slice::from_ref(&error));
        let human = "error[MD0901]: there is no model `a`\n  --> Cargo.toml\n  help: `add` adds one\n";
        assert_eq!(said(Format::Human, true, say).1, human);
        let program: serde_json::Value = serde_json::from_str(&said(Format::Json, true, say).1).expect("JSON");
        assert_eq!(program["code"], "MD0901");
    }
}
