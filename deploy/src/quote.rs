//! Every value that a template writes is quoted as its file's language wants it, so that no value becomes syntax.

use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State};

/// The languages of templates.
const YAML: &str = "yaml";
const COMPOSE: &str = "compose";
const SYSTEMD: &str = "systemd";

/// Sets how values are written.
pub(crate) fn set(environment: &mut Environment<'_>) {
    environment.set_auto_escape_callback(|name| AutoEscape::Custom(language(name).into()));
    environment.set_formatter(write);
    environment.add_filter("argument", argument);
    environment.add_filter("assignment", assignment);
}

/// The language of a template, by its folder.
fn language(name: &str) -> &'static str {
    match name.split('/').next() {
        Some("compose") => COMPOSE,
        Some("systemd") => SYSTEMD,
        _ => YAML,
    }
}

fn write(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::new(ErrorKind::UndefinedError, "it writes a value that is not there"));
    }
    // By the template's name, whatever it switches to: there is no way to write a value as it is.
    let text = match language(state.name()) {
        COMPOSE => yaml(value)?.replace('$', "$$"),
        SYSTEMD => systemd(value).and_then(unbroken)?,
        _ => yaml(value)?,
    };
    out.write_str(&text).map_err(|_| Error::new(ErrorKind::WriteFailure, "it cannot be written"))
}

/// JSON, which is YAML, with what YAML does not take as it is escaped.
fn yaml(value: &Value) -> Result<String, Error> {
    let json =
        serde_json::to_string(value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => text.push(c),
        }
    }
    Ok(text)
}

/// A plain text on one line, in which `%` is no specifier.
fn systemd(value: &Value) -> Result<String, Error> {
    if !matches!(value.kind(), ValueKind::String | ValueKind::Number | ValueKind::Bool) {
        return Err(Error::new(ErrorKind::InvalidOperation, format!("a unit takes no {}", value.kind())));
    }
    let text = value.to_string();
    if text.contains(char::is_control) {
        return Err(Error::new(ErrorKind::InvalidOperation, format!("a unit takes no {text:?} on one line")));
    }
    // The filters have quoted it, or a template asks for a specifier of systemd's with `|safe`.
    Ok(if value.is_safe() { text } else { text.replace('%', "%%") })
}

/// A backslash at the end of a line would make the next a part of it.
fn unbroken(text: String) -> Result<String, Error> {
    if text.ends_with('\\') {
        return Err(Error::new(ErrorKind::InvalidOperation, format!("a unit takes no {text:?} at the end of a line")));
    }
    Ok(text)
}

/// The filter `argument`: one word of a unit's command line, in which `$` is no variable.
fn argument(value: &Value) -> Result<Value, Error> {
    word(&systemd(value)?.replace('$', "$$"))
}

/// The filter `assignment`: one `NAME=value` of a unit's `Environment`, where `$` means nothing.
fn assignment(value: &Value) -> Result<Value, Error> {
    word(&systemd(value)?)
}

fn word(text: &str) -> Result<Value, Error> {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    Ok(Value::from_safe_string(format!("\"{text}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    const HOSTILE: [&str; 14] = [
        "plain",
        "yes",
        "1.0",
        "~",
        "a: b",
        "a\n- b",
        "\"quoted\" 'twice'",
        "# no comment",
        "{{ env }} {% raw %}",
        "${HOME} $$ $(id)",
        "back\\slash",
        "\u{0}\u{7f}\u{85}\u{2028}\u{feff}",
        "漢字 🙂",
        "---\n...",
    ];

    fn render(name: &str, source: &str, value: &str) -> Result<String, Error> {
        let mut environment = Environment::new();
        set(&mut environment);
        environment.add_template_owned(name.to_owned(), source.to_owned())?;
        environment.get_template(name)?.render(context! { value })
    }

    #[test]
    fn a_value_in_yaml_stays_that_value() {
        for value in HOSTILE {
            for source in
                ["a: {{ value }}", "a: {{ value|safe }}", "{% autoescape false %}a: {{ value }}{% endautoescape %}"]
            {
                let text = render("kubernetes/x.yaml", source, value).expect("rendered");
                let read: serde_json::Value =
                    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!(read, serde_json::json!({"a": value}), "{text}");
            }
            let text = render("compose/compose.yaml", "a: {{ value }}", value).expect("rendered");
            let read: serde_json::Value = serde_saphyr::from_str(&text).expect("YAML");
            // Compose reads `$$` as `$`.
            assert_eq!(read["a"].as_str().expect("a text").replace("$$", "$"), value);
            assert!(!text.replace("$$", "").contains('$'), "{text}");
        }
    }

    #[test]
    fn a_value_in_a_unit_stays_on_its_line() {
        for value in HOSTILE {
            let text = render("systemd/x.service", "Description={{ value }}", value);
            if value.contains(char::is_control) {
                assert!(text.is_err(), "{text:?}");
            } else {
                assert_eq!(text.expect("rendered"), format!("Description={}", value.replace('%', "%%")));
            }
        }
        for (filter, written) in [("argument", "$$HOME"), ("assignment", "$HOME")] {
            let text = render("systemd/x.service", &format!("A={{{{ value|{filter} }}}}"), "a b\"c\\d %h $HOME");
            assert_eq!(text.expect("rendered"), format!("A=\"a b\\\"c\\\\d %%h {written}\""));
        }
        assert!(render("systemd/x.service", "A={{ value }}", "continued \\").is_err());
    }

    #[test]
    fn what_is_not_there_is_no_empty_text() {
        assert!(render("kubernetes/x.yaml", "a: {{ other }}", "").is_err());
        assert!(render("kubernetes/x.yaml", "a: {{ value.b.c }}", "").is_err());
    }
}
