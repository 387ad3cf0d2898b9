//! The file of `--config`: TOML, an option a line, by the names of the flags.

use super::given::{Given, Origin, nearest};
use super::sections;
use std::fs;
use toml::de::{DeTable, DeValue};

/// What the file says, into `given`; what is wrong, into `wrong`.
pub(crate) fn read(path: &str, given: &mut Given, wrong: &mut Vec<String>) {
    match fs::read_to_string(path) {
        Ok(text) => parse(path, &text, given, wrong),
        Err(error) => wrong.push(format!("the file of --config cannot be read: {path}: {error}")),
    }
}

fn parse(file: &str, text: &str, given: &mut Given, wrong: &mut Vec<String>) {
    let line = |at: usize| text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1;
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let at = line(error.span().map_or(0, |span| span.start));
            return wrong.push(format!("{file}:{at}: {}", error.message()));
        }
    };
    for (key, value) in table.get_ref() {
        let (name, line) = (key.get_ref().as_ref(), line(key.span().start));
        let Some(row) = sections::rows().find(|row| row.name == name) else {
            let near = nearest(name, sections::rows().map(|row| row.name));
            let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            wrong.push(format!("{file}:{line}: `{name}` is no option{near}"));
            continue;
        };
        match text_of(value.get_ref()) {
            Some(text) => {
                let origin = Origin::Line { file: file.to_owned(), line, key: row.name };
                given.insert(row.name, (origin, text));
            }
            None => {
                wrong.push(format!("{file}:{line}: `{name}` is a {}, which no option is", value.get_ref().type_str()))
            }
        }
    }
}

/// A value as a flag would have it.
fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(small) => Some(small.to_string()),
            Err(_) => Some(number.as_str().to_owned()),
        },
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(is) => Some(is.to_string()),
        DeValue::Array(list) => {
            let texts: Option<Vec<String>> = list.iter().map(|element| text_of(element.get_ref())).collect();
            texts.map(|texts| texts.join(","))
        }
        DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}
