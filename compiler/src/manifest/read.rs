//! Reading `[package.metadata.modeldeploy]` strictly.

use super::origin::has_versions;
use super::{ENTRY, GateEntry, IndexEntry, Manifest, ModelEntry};
use crate::compress::Precision;
use crate::diagnostic::Diagnostic;
use crate::section::{Section, Source, list, nearest};
use modeldeploy_format::Task;
use modeldeploy_format::features::MOST_TOGETHER;
use modeldeploy_format::lock::{manifest_digest, manifest_settings};
use std::path::Path;
use toml::de::DeTable;

pub(super) fn parse(path: &Path, shown: &str, text: &str) -> Result<Manifest, Vec<Diagnostic>> {
    let source = Source::new(shown, text, ENTRY);
    let Some(document) = source.parse() else { return Err(source.errors()) };
    let whole: toml::Table = text.parse().expect("the same text was TOML just now");
    let package = find(&document, &["package"]);
    let name = package.and_then(|package| package.get("name")).and_then(|name| name.get_ref().as_str());
    let mut manifest = Manifest {
        path: path.to_owned(),
        package: name.unwrap_or_default().to_owned(),
        models: vec![],
        indexes: vec![],
    };
    if let Some(metadata) = find(&document, &["package", "metadata", "modeldeploy"]) {
        let metadata = Section::new(&source, "", metadata, 0);
        for (name, _, section) in metadata.section("model").map_or(vec![], |models| models.entries()) {
            check_name(&source, &name, section.at);
            manifest.models.extend(model(&source, name, section, &whole));
        }
        for (name, _, section) in metadata.section("index").map_or(vec![], |indexes| indexes.entries()) {
            check_name(&source, &name, section.at);
            manifest.indexes.extend(index(&source, name, section, &whole));
        }
        metadata.finish();
    }
    manifest.models.sort_by(|a, b| a.name.cmp(&b.name));
    manifest.indexes.sort_by(|a, b| a.name.cmp(&b.name));
    let errors = source.errors();
    if errors.is_empty() { Ok(manifest) } else { Err(errors) }
}

fn find<'t, 'a>(document: &'t DeTable<'a>, keys: &[&str]) -> Option<&'t DeTable<'a>> {
    keys.iter().try_fold(document, |table, key| table.get(*key)?.get_ref().as_table())
}

/// Which names models and indexes can have.
pub const NAMES: &str = "names begin with a lower-case letter and have lower-case letters, digits, `-` and `_`";

/// Whether a model or an index can have this name.
pub fn is_name(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_lowercase());
    first && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

fn check_name(source: &Source<'_>, name: &str, at: usize) {
    if !is_name(name) {
        source.fail(at, format!("`{name}` cannot be a name here"), NAMES);
    }
}

fn model(source: &Source<'_>, name: String, section: Section<'_, '_>, whole: &toml::Table) -> Option<ModelEntry> {
    let folder = section.required("source", "name the model's folder: source = \"models/query-encoder\"");
    if let Some(folder) = &folder
        && ["http:", "https:"].iter().any(|scheme| folder.starts_with(scheme))
    {
        let help = "name a folder, `oci://host/name@^1.2`, `registry:name@^1.2`, `file:folder/name@^1.2` or `hf:organisation/name@revision`";
        source.fail(section.at("source"), "models do not come from a web address", help);
    }
    let task = section.required("task", "say what it is for: task = \"embed\", \"score\", \"classify\" or \"rank\"");
    let task = task.and_then(|task| {
        let found = Task::from_name(&task);
        if found.is_none() {
            let names = Task::ALL.map(Task::name);
            source.fail(
                section.at("task"),
                format!("there is no task `{task}`"),
                match nearest(&task, names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the tasks are {}", list(&names)),
                },
            );
        }
        found
    });
    let published = folder.as_deref().is_some_and(has_versions);
    let version = if published {
        if section.string("version").is_some() {
            let help = "take the line away: the version is that of the registry, and the range in `source` chooses it";
            source.fail(section.at("version"), "a model from a registry has its version there", help);
        }
        None
    } else {
        section.required("version", "give the model a version of its own: version = \"0.1.0\"")
    };
    if let Some(version) = &version
        && let Err(error) = semver::Version::parse(version)
    {
        source.fail(section.at("version"), format!("`{version}` is not a version: {error}"), "write it as 1.2.3");
    }
    let entry = ModelEntry {
        digest: manifest_digest(manifest_settings(whole, "model", &name)?),
        license: section.string("license"),
        released: released(source, &section),
        // Trees are not quantized, and networks as their own part of the pipeline has it where nothing is said.
        quantize: if task == Some(Task::Rank) && section.at("quantize") == section.at {
            vec![]
        } else {
            quantize(source, &section)
        },
        gate: section.section("gate").and_then(|section| gate(source, section)),
        max_tokens: section.count("max-tokens").or(section.count("max-length")),
        max_batch: max_batch(source, &section),
        calibration: section.string("calibration"),
        place: source.place(section.at),
        source: folder.unwrap_or_default(),
        origin: None,
        task: task.unwrap_or(Task::Embed),
        version: version.unwrap_or_default(),
        name,
    };
    let (foreign, help): (&[_], _) = match entry.task {
        Task::Rank => {
            (&["max-tokens", "calibration"], "take the line away; `max-length` is the most items of a session")
        }
        _ => (
            &["max-length", "max-batch"],
            "take the line away: it is for rankers; `max-tokens` is the most tokens of a text",
        ),
    };
    for key in foreign {
        if section.at(key) != section.at {
            source.fail(section.at(key), format!("a model that does `{}` has no `{key}`", entry.task), help);
        }
    }
    section.finish();
    Some(entry)
}

/// The most candidates that are scored together.
fn max_batch(source: &Source<'_>, section: &Section<'_, '_>) -> Option<u32> {
    let batch = section.count("max-batch")?;
    if batch > MOST_TOGETHER {
        source.fail(
            section.at("max-batch"),
            format!("{batch} candidates are too many to be scored together"),
            format!("write a number from 1 to {MOST_TOGETHER}; a request of more candidates is scored in parts"),
        );
    }
    Some(batch)
}

fn released(source: &Source<'_>, section: &Section<'_, '_>) -> Option<String> {
    let day = section.string("released")?;
    let read = day.parse::<toml::value::Datetime>().ok();
    if !read.is_some_and(|read| read.date.is_some() && read.time.is_none() && read.offset.is_none()) {
        source.fail(section.at("released"), format!("`{day}` is not a day"), "write it as 2026-05-31");
    }
    Some(day)
}

fn quantize(source: &Source<'_>, section: &Section<'_, '_>) -> Vec<(String, String)> {
    let parts = section.text_or_table("quantize", "default");
    let mut parts = parts.unwrap_or_else(|| vec![("default".into(), "int8".into(), 0)]);
    for (part, precision, at) in &parts {
        if Precision::from_name(precision).is_none() {
            let names = Precision::ALL.map(Precision::name);
            source.fail(
                *at,
                format!("`{part}` cannot be quantized to `{precision}`"),
                match nearest(precision, names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", list(&names)),
                },
            );
        }
    }
    parts.sort();
    parts.into_iter().map(|(part, precision, _)| (part, precision)).collect()
}

fn gate(source: &Source<'_>, section: Section<'_, '_>) -> Option<GateEntry> {
    let suite = section.required("suite", "name the suite: suite = \"eval/search.toml\"");
    let gate = GateEntry {
        suite: suite.unwrap_or_default(),
        metric: section.string("metric").unwrap_or_else(|| "cosine".into()),
        min_ratio: section.number("min-ratio"),
        min_cosine: section.number("min-cosine"),
        min: section.number("min"),
    };
    if gate.min_ratio.is_none() && gate.min_cosine.is_none() && gate.min.is_none() {
        source.fail(section.at, "the gate has no threshold", "add `min-ratio`, `min-cosine` or `min`");
    }
    let cosine = gate.min_cosine.unwrap_or(0.0);
    if !(-1.0..=1.0).contains(&cosine) {
        source.fail(section.at("min-cosine"), format!("no cosine can be {cosine}"), "write a number from -1 to 1");
    }
    section.finish();
    Some(gate)
}

/// How an index' vectors are stored.
fn index_precision(source: &Source<'_>, section: &Section<'_, '_>) -> Precision {
    let named = section.string("quantize");
    match named.as_deref().map(Precision::from_name) {
        None => Precision::F32,
        Some(Some(precision @ (Precision::F32 | Precision::Int8))) => precision,
        Some(_) => {
            let message = format!("an index cannot be quantized to `{}`", named.unwrap_or_default());
            source.fail(section.at("quantize"), message, "write \"f32\" or \"int8\"");
            Precision::F32
        }
    }
}

fn index(source: &Source<'_>, name: String, section: Section<'_, '_>, whole: &toml::Table) -> Option<IndexEntry> {
    let entry = IndexEntry {
        digest: manifest_digest(manifest_settings(whole, "index", &name)?),
        model: section.required("model", "name the model that makes the vectors").unwrap_or_default(),
        source: section.required("source", "name the texts: source = \"catalogue.jsonl\"").unwrap_or_default(),
        id: section.string("id").unwrap_or_else(|| "id".into()),
        text: section.required("text", "say what a line's text is: text = \"{title}\"").unwrap_or_default(),
        prompt: section.string("prompt"),
        precision: index_precision(source, &section),
        place: source.place(section.at),
        name,
    };
    section.finish();
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Result<Manifest, String> {
        Manifest::parse(Path::new("/shop/Cargo.toml"), "Cargo.toml", text)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    const WHOLE: &str = r#"[package]
name = "shop"
[package.metadata.modeldeploy.model.query-encoder]
source = "../m"
task = "embed"
version = "1.2.0"
license = "Apache-2.0"
released = "2026-05-31"
quantize = { default = "int8", embeddings = "f32" }
max-tokens = 128
calibration = "texts.txt"
gate = { suite = "eval/search.toml", metric = "ndcg@10", min-ratio = 0.99, min-cosine = 0.99 }
[package.metadata.modeldeploy.index.catalogue]
model = "query-encoder"
source = "products.jsonl"
text = "{title}"
"#;

    #[test]
    fn every_key_is_read() {
        let manifest = parse_text(WHOLE).expect("a manifest");
        let model = &manifest.models[0];
        assert_eq!(
            (manifest.package.as_str(), model.name.as_str(), model.task),
            ("shop", "query-encoder", Task::Embed)
        );
        assert_eq!(model.quantize, [("default".into(), "int8".into()), ("embeddings".into(), "f32".into())]);
        assert_eq!((model.max_tokens, model.released.as_deref()), (Some(128), Some("2026-05-31")));
        assert_eq!(model.place, "Cargo.toml:3:37");
        let gate = model.gate.as_ref().expect("a gate");
        assert_eq!(
            (gate.metric.as_str(), gate.min_ratio, gate.min_cosine, gate.min),
            ("ndcg@10", Some(0.99), Some(0.99), None)
        );
        assert_eq!((manifest.indexes[0].id.as_str(), manifest.indexes[0].text.as_str()), ("id", "{title}"));
        assert_eq!(manifest.resolve(&model.source), Path::new("/shop/../m"));
    }

    #[test]
    fn a_manifest_without_models_has_none() {
        let manifest = parse_text("[package]\nname = \"a\"\n[package.metadata.docs.rs]\nx = 1\n").expect("a manifest");
        assert!(manifest.models.is_empty() && manifest.indexes.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (from, to, said) in [
            (
                "source = \"../m\"",
                "sorce = \"../m\"",
                vec!["`source` of `model.query-encoder` is missing", "no key `sorce`"],
            ),
            ("\"embed\"", "\"embd\"", vec!["no task `embd`", "did you mean `embed`", "Cargo.toml:5:8"]),
            ("\"1.2.0\"", "\"1.2\"", vec!["`1.2` is not a version", "Cargo.toml:6:11"]),
            ("2026-05-31", "2026-02-30", vec!["`2026-02-30` is not a day", "Cargo.toml:8:12"]),
            ("2026-05-31", "2026-05-31T00:00:00Z", vec!["is not a day", "write it as 2026-05-31"]),
            ("max-tokens = 128", "max-tokens = 0", vec!["a whole number from 1", "Cargo.toml:10:14"]),
            ("max-tokens = 128", "max-tokens = \"x\"", vec!["is not a whole number from 1 but of type string"]),
            ("\"f32\"", "\"f3\"", vec!["`embeddings` cannot be quantized to `f3`", "`f32`"]),
            ("min-ratio", "min_ratio", vec!["no key `min_ratio`", "`min-ratio`", "Cargo.toml:12"]),
            ("min-cosine = 0.99", "min-cosine = 99", vec!["no cosine can be 99"]),
            ("metric = \"ndcg@10\", min-ratio = 0.99, min-cosine = 0.99", "metric = \"a\"", vec!["no threshold"]),
            ("model.query-encoder]", "model.Query]", vec!["`Query` cannot be a name"]),
            ("index.catalogue]", "indx.catalogue]", vec!["the file has no key `indx`", "`index`"]),
            ("text = ", "text = 1 #", vec!["is not a text in quotes but of type integer", "Cargo.toml:16"]),
            ("[package]", "[package", vec!["not TOML", "Cargo.toml:1"]),
            ("../m", "https://a/b", vec!["models do not come from a web address", "oci://"]),
            ("../m", "oci://a/b@^1", vec!["a model from a registry has its version there", "Cargo.toml:6"]),
        ] {
            assert!(WHOLE.contains(from), "{from}");
            let errors = parse_text(&WHOLE.replacen(from, to, 1)).expect_err(to);
            for said in said {
                assert!(errors.contains(said), "{to}: `{said}` is not said in\n{errors}");
            }
        }
    }

    #[test]
    fn all_errors_of_a_file_come_at_once() {
        let wrong = WHOLE.replace("\"embed\"", "\"x\"").replace("\"int8\"", "\"y\"").replace("max-tokens", "maxtokens");
        let errors = Manifest::parse(Path::new("Cargo.toml"), "Cargo.toml", &wrong).expect_err("three errors");
        assert_eq!(errors.len(), 3, "{errors:?}");
    }

    #[test]
    fn one_name_in_two_manifests_is_an_error() {
        let a = parse_text(WHOLE).expect("a manifest");
        let errors = super::super::duplicates(&[a.clone(), a]);
        assert_eq!(errors.len(), 2);
        assert!(errors[0].to_string().contains("model `query-encoder` stands in two manifests"), "{}", errors[0]);
    }
}
