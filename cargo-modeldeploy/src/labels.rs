//! What an image says of the models in it: its labels, made from what the audit of its program proved, and held against it again.

use cargo_metadata::Package;
use modeldeploy_audit::Audit;
use modeldeploy_compiler::diagnostic::Diagnostic;
use std::collections::BTreeMap;

/// What the labels of models begin with.
const OWN: &str = "org.modeldeploy.";
/// What those that OCI names begin with.
const USUAL: &str = "org.opencontainers.image.";

/// The models and indexes that a program was proved to hold.
pub(crate) fn of_models(audit: &Audit) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for model in audit.models() {
        let name = format!("{OWN}model.{}", model.name);
        labels.insert(format!("{name}.version"), model.version.clone());
        let packs = model.packs.iter().filter(|pack| audit.holds(&pack.digest) || audit.reads(&pack.digest));
        labels.insert(format!("{name}.pack"), packs.map(|pack| pack.digest.to_string()).collect::<Vec<_>>().join(" "));
        if let Some(license) = &model.license {
            labels.insert(format!("{name}.license"), license.clone());
        }
    }
    for index in audit.indexes() {
        labels.insert(format!("{OWN}index.{}.digest", index.name), index.digest.to_string());
    }
    labels
}

/// What the manifest says of a package.
pub(crate) fn of_package(package: &Package) -> BTreeMap<String, String> {
    let version = Some(package.version.to_string());
    let said = [
        ("title", Some(package.name.to_string())),
        ("version", version),
        ("description", package.description.clone()),
        ("licenses", package.license.clone()),
        ("source", package.repository.clone()),
        ("url", package.homepage.clone()),
        ("documentation", package.documentation.clone()),
        ("authors", Some(package.authors.join(", ")).filter(|authors| !authors.is_empty())),
    ];
    said.into_iter().filter_map(|(key, value)| Some((format!("{USUAL}{key}"), value?))).collect()
}

/// The first label that speaks of a model otherwise than the program that was proved.
pub(crate) fn contradiction(labels: &BTreeMap<String, String>, audit: &Audit) -> Option<String> {
    let proved = of_models(audit);
    let about = ["model.", "index."].map(|kind| format!("{OWN}{kind}"));
    let mut said = labels.iter().filter(|(key, _)| about.iter().any(|start| key.starts_with(start)));
    let (key, value) = said.find(|(key, value)| proved.get(*key) != Some(value))?;
    Some(match proved.get(key) {
        Some(proved) => format!("its label {key} says `{value}`, and its program has `{proved}`"),
        None => format!("its label {key} says `{value}`, and its program has no such model"),
    })
}

/// Reads `key=value`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.into(), value.into())),
        _ => Err("`key=value` is wanted".into()),
    }
}

/// A label that the user gives and that is not the user's to give.
pub(crate) fn reserved(key: &str) -> Option<Diagnostic> {
    key.starts_with(OWN).then(|| {
        let message =
            format!("the label `{key}` says what was proved of the program, and is set by this command alone");
        Diagnostic::new(crate::imaged::INPUT, message).help("give it another name")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::shop::{Shop, bill};
    use modeldeploy_audit::audit;

    #[test]
    fn labels_of_models_are_what_was_proved_and_are_held_to_it() {
        let shop = Shop::new();
        let audited = audit(&shop.program()).expect("a program");
        let mut labels = of_models(&audited);
        let packs = bill(&shop.packs, None).lock.models;
        assert_eq!(labels["org.modeldeploy.model.model-0.pack"], packs[0].packs[0].digest.to_string());
        assert_eq!(labels["org.modeldeploy.model.model-0.version"], packs[0].version);
        labels.insert("org.opencontainers.image.title".into(), "shop".into());
        assert_eq!(contradiction(&labels, &audited), None);
        assert_eq!(contradiction(&BTreeMap::new(), &audited), None);
        for (key, value, said) in [
            ("org.modeldeploy.model.model-0.version", "9.9.9", "says `9.9.9`, and its program has `"),
            ("org.modeldeploy.model.another.version", "1.0.0", "no such model"),
            ("org.modeldeploy.index.another.digest", "sha256:0", "no such model"),
        ] {
            let mut wrong = labels.clone();
            wrong.insert(key.into(), value.into());
            let found = contradiction(&wrong, &audited).expect(key);
            assert!(found.contains(said), "{found}");
        }
    }
}
