//! `--help`, made from the rows.

use super::command::{ACTIONS, CONFIG};
use super::{Config, Set, sections};
use std::fmt::Write as _;

/// How wide a line is at most.
const WIDTH: usize = 100;
/// A space at which no line ends.
const TIED: char = '\u{a0}';
/// What is left of a flag's words.
const INDENT: &str = "          ";

const ENDING: &str = "\
Each option is a variable of the environment and a line of the file, too: `--max-texts 64`, `MODELDEPLOY_MAX_TEXTS=64` and
`max-texts = 64` are the same. A flag goes before a variable, and a variable before the file.

Every model inside answers the clients of Triton and KServe (/v2/...), OpenAI (/v1/embeddings), Text Embeddings Inference (/embed, ...),
TensorFlow Serving (/v1/models/NAME:predict), TorchServe (/predictions/NAME) and MLflow (/invocations); those of Triton, KServe
and TensorFlow Serving over gRPC, too, on the same port.
";

/// The text, with these defaults.
pub(super) fn text(base: &Config) -> String {
    let mut text = "Actions:\n".to_owned();
    for (name, letter, _, help) in ACTIONS {
        let letter = letter.map_or("    ".to_owned(), |letter| format!("-{letter}, "));
        flag(&mut text, &format!("  {letter}--{name}"), help);
    }
    flag(&mut text, &format!("      --{CONFIG} <FILE>"), "read options from this file, in TOML");
    for section in sections::ALL {
        let _infallible = write!(text, "\n{}:\n", section.title);
        for row in section.rows {
            let value = match row.set {
                Set::Switch(_) => String::new(),
                Set::Value(name, _) => format!(" <{name}>"),
            };
            let default = match (row.show)(base) {
                Some(default) if value.is_empty() && default.as_bool() == Some(false) => String::new(),
                Some(toml::Value::String(default)) => format!(" [default:{TIED}{}]", default),
                Some(default) => format!(" [default:{TIED}{default}]"),
                None => String::new(),
            };
            flag(&mut text, &format!("      --{}{value}", row.name), &format!("{}{default}", row.help));
        }
    }
    text.replace(TIED, " ") + "\n" + ENDING
}

/// A flag and, under it, its words.
fn flag(text: &mut String, flag: &str, help: &str) {
    text.push_str(flag);
    let mut column = usize::MAX;
    for word in help.split(' ') {
        if column.saturating_add(1 + word.len()) > WIDTH {
            text.push('\n');
            text.push_str(INDENT);
            column = INDENT.len();
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
}
