//! Deployments of every kind, each a file of settings beside this one whose name begins with its target.

use modeldeploy_deploy::facts::{Facts, Model, Program};
use modeldeploy_deploy::{Rendering, Settings, TARGETS, Target, Templates, render, settings};
use modeldeploy_format::Digest;
use std::path::{Path, PathBuf};

/// A shop with two models, of an older and a newer version, and its program.
pub(crate) fn facts() -> Facts {
    let model = |name: &str, version: &str, size, arena| Model {
        name: name.into(),
        version: version.into(),
        digest: Digest::of(name.as_bytes()),
        size,
        arena,
    };
    Facts {
        package: "shop".into(),
        version: "1.2.0+build.7".into(),
        models: vec![
            model("query-encoder", "1.2.0", 22_000_000, 3_000_000),
            model("re-ranker", "0.3.0", 4_000_000, 900_000),
        ],
        indexes: 5_000_000,
        program: Some(Program { digest: Digest::of(b"program"), size: 40_000_000 }),
    }
}

/// The variants, by name, sorted.
pub(crate) fn all() -> Vec<(String, Target, Settings)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/variants");
    let entries = std::fs::read_dir(folder).expect("the variants").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|it| it == "toml")).collect();
    files.sort();
    let variant = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_str().expect("UTF-8").to_owned();
        let target = TARGETS.iter().find(|(target, _)| name.split('-').next() == Some(target)).expect("a target").1;
        (name, target, settings::read(&path).unwrap_or_else(|problem| panic!("{problem}")))
    };
    files.into_iter().map(variant).collect()
}

/// One of them, rendered with the templates inside.
pub(crate) fn rendered(target: Target, settings: &Settings) -> Rendering {
    let templates = Templates::new(None).expect("the templates inside");
    render(target, &facts(), settings, &templates).unwrap_or_else(|wrong| panic!("{wrong:#?}"))
}
