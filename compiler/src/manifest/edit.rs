//! Writing entries into a `Cargo.toml` and taking them out, with the user's comments and order kept.

use super::origin::has_versions;
use super::{ENTRY, ModelEntry};
use crate::diagnostic::Diagnostic;
use crate::section::nearest;
use modeldeploy_format::Task;
use toml_edit::{DocumentMut, InlineTable, Item, Table, value};

const PATH: [&str; 4] = ["package", "metadata", "modeldeploy", "model"];

/// The manifest's text with an entry more, at the end of the models.
///
/// # Errors
///
/// If there is one of that name already, or the text is no manifest of a package.
pub fn add_model(text: &str, shown: &str, entry: &ModelEntry) -> Result<String, Diagnostic> {
    let mut document = document(text, shown)?;
    let mut models = document.as_table_mut();
    for key in PATH {
        let mut implicit = Table::new();
        implicit.set_implicit(true);
        let item = models.entry(key).or_insert(Item::Table(implicit));
        models = item.as_table_mut().ok_or_else(|| {
            Diagnostic::new(ENTRY, format!("`{key}` is an inline table, which cannot be added to"))
                .at(shown)
                .help("write it as `[package.metadata.modeldeploy.model.NAME]` tables")
        })?;
    }
    if models.contains_key(&entry.name) {
        return Err(Diagnostic::new(ENTRY, format!("model `{}` is there already", entry.name))
            .at(shown)
            .help(format!("choose another name, or `cargo modeldeploy remove {}` first", entry.name)));
    }
    let mut table = Table::new();
    table["source"] = value(&entry.source);
    table["task"] = value(entry.task.name());
    if !has_versions(&entry.source) {
        table["version"] = value(&entry.version);
    }
    if let Some(license) = &entry.license {
        table["license"] = value(license);
    }
    if let Some(released) = &entry.released {
        table["released"] = value(released);
    }
    match entry.quantize.as_slice() {
        // Trees are packed as they are.
        [] => {}
        [(part, precision)] if part == "default" => table["quantize"] = value(precision),
        parts => {
            table["quantize"] = value(parts.iter().map(|(part, precision)| (part, precision)).collect::<InlineTable>());
        }
    }
    if let Some(max_tokens) = entry.max_tokens {
        let key = if entry.task == Task::Rank { "max-length" } else { "max-tokens" };
        table[key] = value(i64::from(max_tokens));
    }
    if let Some(batch) = entry.max_batch {
        table["max-batch"] = value(i64::from(batch));
    }
    table.decor_mut().set_prefix("\n");
    models.insert(&entry.name, Item::Table(table));
    Ok(document.to_string())
}

/// The manifest's text without that model, and without the indexes that it made.
///
/// # Errors
///
/// If there is none of that name.
pub fn remove_model(text: &str, shown: &str, name: &str) -> Result<(String, Vec<String>), Diagnostic> {
    let mut document = document(text, shown)?;
    let mut table = Some(document.as_table_mut() as &mut dyn toml_edit::TableLike);
    for key in &PATH[..3] {
        table = table.and_then(|table| table.get_mut(key)).and_then(Item::as_table_like_mut);
    }
    let metadata = table.ok_or_else(|| unknown(shown, name, &[]))?;
    let models = metadata.get_mut("model").and_then(Item::as_table_like_mut);
    let models = models.ok_or_else(|| unknown(shown, name, &[]))?;
    if models.remove(name).is_none() {
        let names: Vec<String> = models.iter().map(|(name, _)| name.to_owned()).collect();
        return Err(unknown(shown, name, &names));
    }
    let mut gone = vec![];
    if let Some(indexes) = metadata.get_mut("index").and_then(Item::as_table_like_mut) {
        let of_model = |item: &Item| item.get("model").and_then(Item::as_str) == Some(name);
        gone.extend(indexes.iter().filter(|(_, item)| of_model(item)).map(|(index, _)| index.to_owned()));
        gone.iter().for_each(|index| drop(indexes.remove(index)));
    }
    Ok((document.to_string(), gone))
}

fn unknown(shown: &str, name: &str, names: &[String]) -> Diagnostic {
    let help = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "it has no models".into(),
        None => format!("it has {}", crate::section::list(&names.iter().map(String::as_str).collect::<Vec<_>>())),
    };
    Diagnostic::new(ENTRY, format!("there is no model `{name}` here")).at(shown).help(help)
}

fn document(text: &str, shown: &str) -> Result<DocumentMut, Diagnostic> {
    let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        Diagnostic::new(ENTRY, format!("not TOML: {}", error.message())).at(shown).help("mend it first")
    })?;
    if !document.contains_key("package") {
        return Err(Diagnostic::new(ENTRY, "the manifest has no `[package]`")
            .at(shown)
            .help("choose a package of the workspace with `--package NAME`"));
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;
    use modeldeploy_format::{Digest, Task};
    use std::path::Path;

    const BEFORE: &str = r#"# My shop.
[package]
name = "shop" # the best
version = "0.1.0"

[package.metadata.docs.rs]
all-features = true

[dependencies]
# Numbers.
num = "1"
"#;

    fn entry(name: &str) -> ModelEntry {
        ModelEntry {
            name: name.into(),
            source: "../m".into(),
            origin: None,
            task: Task::Embed,
            version: "0.1.0".into(),
            license: None,
            released: None,
            quantize: vec![("default".into(), "int8".into())],
            gate: None,
            max_tokens: None,
            max_batch: None,
            calibration: None,
            place: String::new(),
            digest: Digest::from_bytes([0; 32]),
        }
    }

    #[test]
    fn an_entry_is_added_and_the_rest_stays() {
        let after = add_model(BEFORE, "Cargo.toml", &entry("query-encoder")).expect("added");
        let block = "\n[package.metadata.modeldeploy.model.query-encoder]\nsource = \"../m\"\ntask = \"embed\"\n\
                     version = \"0.1.0\"\nquantize = \"int8\"\n";
        assert!(after.contains(block), "{after}");
        assert_eq!(after.replacen(block, "", 1), BEFORE);
        let manifest = Manifest::parse(Path::new("Cargo.toml"), "Cargo.toml", &after).expect("a manifest");
        assert_eq!(manifest.models[0].source, "../m");
    }

    #[test]
    fn what_was_added_can_be_removed() {
        let one = add_model(BEFORE, "Cargo.toml", &entry("a")).expect("added");
        let two = add_model(&one, "Cargo.toml", &entry("b")).expect("added");
        let (back, gone) = remove_model(&two, "Cargo.toml", "b").expect("removed");
        assert_eq!((back.as_str(), gone.len()), (one.as_str(), 0));
    }

    #[test]
    fn a_models_indexes_go_with_it() {
        let text = add_model(BEFORE, "Cargo.toml", &entry("a")).expect("added")
            + "\n[package.metadata.modeldeploy.index.i]\nmodel = \"a\"\n\
               [package.metadata.modeldeploy.index.j]\nmodel = \"b\"\n";
        let (text, gone) = remove_model(&text, "Cargo.toml", "a").expect("removed");
        assert_eq!(gone, ["i"]);
        assert!(!text.contains("index.i]") && text.contains("index.j]"), "{text}");
    }

    #[test]
    fn a_name_twice_and_a_name_unknown_are_errors() {
        let one = add_model(BEFORE, "Cargo.toml", &entry("query-encoder")).expect("added");
        let twice = add_model(&one, "Cargo.toml", &entry("query-encoder")).expect_err("twice");
        assert!(twice.to_string().contains("is there already"), "{twice}");
        let unknown = remove_model(&one, "Cargo.toml", "query-encodr").expect_err("unknown");
        assert!(unknown.to_string().contains("did you mean `query-encoder`"), "{unknown}");
        assert!(remove_model(BEFORE, "Cargo.toml", "a").is_err());
        let bare = add_model("[workspace]\n", "Cargo.toml", &entry("a")).expect_err("no package");
        assert!(bare.to_string().contains("no `[package]`"), "{bare}");
    }
}
