//! An audited program as a bill of materials: [CycloneDX 1.6](https://cyclonedx.org/docs/1.6/json/).
//!
//! The same program gives the same text: there is no time in it, and its serial number comes from the rest.

use super::{reference, uuid};
use crate::{Audit, Bill};
use auditable_serde::{DependencyKind, Package, Source};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::{LockedFile, LockedGate, LockedIndex, LockedModel};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The document of a program that is called `name` and has this digest. Without a list of crates, the models are all of it.
pub fn cyclonedx(name: &str, program: &Digest, audit: &Audit) -> Value {
    let packages: &[Package] = audit.crates.as_ref().map_or(&[], |crates| &crates.packages);
    let root = packages.iter().find(|package| package.root);
    let subject = json!({
        "type": "application",
        "bom-ref": format!("program:{name}"),
        "name": name,
        "version": root.map_or(String::new(), |root| root.version.to_string()),
        "hashes": hashes(program),
    });
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "post-build"}],
            "component": subject,
            "properties": audit.bill.as_ref().map_or(vec![], toolchain),
        },
        "components": packages.iter().map(library)
            .chain(audit.models().map(|it| model(it, audit.network(it))))
            .chain(audit.indexes().map(index))
            .collect::<Vec<_>>(),
        "dependencies": dependencies(name, audit, packages),
    });
    document["serialNumber"] = format!("urn:uuid:{}", uuid(&document.to_string())).into();
    document
}

fn hashes(digest: &Digest) -> Value {
    json!([{"alg": "SHA-256", "content": digest.hex()}])
}

fn property(name: &str, value: &str) -> Value {
    json!({"name": format!("modeldeploy:{name}"), "value": value})
}

fn properties(pairs: &BTreeMap<String, String>, kind: &str) -> impl Iterator<Item = Value> {
    pairs.iter().map(move |(name, value)| property(&format!("{kind}:{name}"), value))
}

fn toolchain(bill: &Bill) -> Vec<Value> {
    let it = &bill.toolchain;
    let arguments = bill.arguments.join(" ");
    let facts = [("rustc", &it.rustc), ("host", &it.host), ("version", &it.modeldeploy), ("arguments", &arguments)];
    facts.iter().map(|(name, value)| property(name, value)).collect()
}

/// One that is needed to build alone is not in the program.
fn library(package: &Package) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version.to_string(),
        "scope": if package.kind == DependencyKind::Build { "excluded" } else { "required" },
    });
    if package.source == Source::CratesIo {
        component["purl"] = reference(package).into();
    }
    component
}

fn model(model: &LockedModel, network: Option<&str>) -> Value {
    let packs: Vec<Value> =
        model.packs.iter().flat_map(|pack| hashes(&pack.digest).as_array().cloned()).flatten().collect();
    let mut component = json!({
        "type": "machine-learning-model",
        "bom-ref": format!("model:{}", model.name),
        "name": model.name,
        "version": model.version,
        "hashes": packs,
        "pedigree": {
            "ancestors": [{
                "type": "machine-learning-model",
                "name": model.source,
                "components": model.files.iter().map(file).collect::<Vec<_>>(),
            }],
            "notes": "the ancestor's weights, compressed as the properties say, in the order in which the kernels read them",
        },
        "modelCard": card(model, network),
        "properties": [property("space", &model.space.to_string()), property("signature", &model.signature_digest.to_string())],
    });
    if let Some(license) = &model.license {
        component["licenses"] = json!([{"expression": license}]);
    }
    component
}

fn file(file: &LockedFile) -> Value {
    json!({"type": "file", "name": file.path, "hashes": hashes(&file.digest)})
}

fn card(model: &LockedModel, network: Option<&str>) -> Value {
    let signature = &model.signature;
    let unit = if signature.normalized { ", of unit length" } else { "" };
    let mut parameters = json!({
        "task": signature.task.to_string(),
        "inputs": [{"format": format!("text of at most {} tokens", signature.max_tokens)}],
        "outputs": [{"format": format!("{} float32{unit}", signature.outputs)}],
    });
    if let Some((family, _)) = network.and_then(|network| network.split_once(':')) {
        parameters["architectureFamily"] = family.into();
    }
    if let Some(network) = network {
        parameters["modelArchitecture"] = network.into();
    }
    let mut card = Map::new();
    let mut facts: Vec<Value> = properties(&model.recipe, "recipe").collect();
    if let Some(gate) = &model.gate {
        let name = format!("the suite of the gate of {}", model.name);
        let digest = property("digest", &gate.suite.to_string());
        parameters["datasets"] = json!([{"type": "dataset", "name": name, "contents": {"properties": [digest]}}]);
        card.insert("quantitativeAnalysis".into(), json!({"performanceMetrics": metrics(gate)}));
        facts.extend(properties(&gate.thresholds, "gate"));
    }
    card.insert("modelParameters".into(), parameters);
    card.insert("properties".into(), facts.into());
    card.into()
}

/// What the gate measured, of the pack and of what it was made from.
fn metrics(gate: &LockedGate) -> Vec<Value> {
    let metric = |name: &str, value: &str, slice: &str| json!({"type": name, "value": value, "slice": slice});
    let deciding = [("pack", &gate.got), ("f32 reference", &gate.base)];
    let deciding = deciding.map(|(slice, value)| metric(&gate.metric, value, slice));
    deciding.into_iter().chain(gate.figures.iter().map(|(name, value)| metric(name, value, "pack"))).collect()
}

fn index(index: &LockedIndex) -> Value {
    json!({
        "type": "data",
        "bom-ref": format!("index:{}", index.name),
        "name": index.name,
        "hashes": hashes(&index.digest),
        "data": [{
            "type": "dataset",
            "name": index.source,
            "description": format!("{} vectors of {} values", index.rows, index.width),
            "contents": {"properties": [property("digest", &index.source_digest.to_string())]},
        }],
    })
}

/// The program needs its root crate, its models and its indexes; an index needs its model, a crate its crates.
fn dependencies(name: &str, audit: &Audit, packages: &[Package]) -> Vec<Value> {
    let mut needs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let roots = packages.iter().filter(|package| package.root).map(reference);
    let models = audit.models().map(|model| format!("model:{}", model.name));
    let indexes = audit.indexes().map(|index| format!("index:{}", index.name));
    needs.insert(format!("program:{name}"), roots.chain(models).chain(indexes).collect());
    for package in packages {
        let named = package.dependencies.iter().filter_map(|&at| packages.get(at)).map(reference);
        needs.entry(reference(package)).or_default().extend(named);
    }
    let inside: Vec<&str> = audit.models().map(|model| model.name.as_str()).collect();
    for index in audit.indexes().filter(|index| inside.contains(&index.model.as_str())) {
        needs.insert(format!("index:{}", index.name), vec![format!("model:{}", index.model)]);
    }
    let sorted = needs.into_iter().map(|(name, mut on)| {
        on.sort_unstable();
        on.dedup();
        json!({"ref": name, "dependsOn": on})
    });
    sorted.collect()
}
