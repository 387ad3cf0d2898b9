//! An audited program in [SPDX 3.0.1](https://spdx.github.io/spdx-spec/v3.0.1/), JSON-LD, with its profiles for software, builds, models
//! and datasets.

use super::{reference, uuid};
use crate::{Audit, Bill};
use auditable_serde::{DependencyKind, Package, Source};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::{LockedGate, LockedIndex, LockedModel};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const CONTEXT: &str = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld";

/// The one description of who made the elements and when, which all of them name.
const CREATION: &str = "_:creation";

/// What kind of build it was: <https://spdx.github.io/spdx-spec/v3.0.1/model/Build/Properties/buildType/>.
const BUILD_TYPE: &str = "https://github.com/modeldeploy/modeldeploy/cargo-modeldeploy-build";

/// The document of a program that is called `name` and has this digest.
///
/// SPDX asks when a document was `created`, as `2026-01-31T09:00:00Z`; a time that is always the same for the same program keeps the
/// document the same.
pub fn spdx(name: &str, program: &Digest, audit: &Audit, created: &str) -> Value {
    let base = format!("https://spdx.org/spdxdocs/{}-{}", part(name), uuid(&program.to_string()));
    let mut graph = Graph { base, elements: vec![], licenses: BTreeMap::new() };
    let maker = graph.add("SoftwareAgent", "maker", json!({"name": "cargo-modeldeploy"}));
    let packages: &[Package] = audit.crates.as_ref().map_or(&[], |crates| &crates.packages);
    let root = packages.iter().find(|package| package.root);
    let mut subject = json!({
        "name": name,
        "verifiedUsing": hashes([program]),
        "software_primaryPurpose": "executable",
    });
    if let Some(root) = root {
        subject["software_packageVersion"] = root.version.to_string().into();
    }
    let subject = graph.add("software_Package", "program", subject);
    crates(&mut graph, &subject, packages);
    let mut inside: BTreeMap<&str, String> = BTreeMap::new();
    for model in audit.models() {
        inside.insert(&model.name, add_model(&mut graph, model, audit.network(model)));
    }
    let indexes: Vec<(String, &LockedIndex)> = audit.indexes().map(|it| (add_index(&mut graph, it), it)).collect();
    let held = inside.values().cloned().chain(indexes.iter().map(|(id, _)| id.clone())).collect::<Vec<_>>();
    graph.relate(&subject, "contains", &held);
    for (id, index) in &indexes {
        graph.relate(id, "dependsOn", inside.get(index.model.as_str()).map_or(&[], std::slice::from_ref));
    }
    if let Some(bill) = &audit.bill {
        let build = graph.add("build_Build", "build", build(bill));
        graph.relate(&build, "hasOutput", std::slice::from_ref(&subject));
    }
    graph.document(name, &subject, &maker, created)
}

/// The elements of a document, in their order.
struct Graph {
    /// What the names of all elements begin with.
    base: String,
    elements: Vec<Value>,
    /// The elements of licences, by their expressions.
    licenses: BTreeMap<String, String>,
}

impl Graph {
    /// Adds an element and gives its name.
    fn add(&mut self, kind: &str, local: &str, mut element: Value) -> String {
        let id = format!("{}/{local}", self.base);
        element["type"] = kind.into();
        element["spdxId"] = id.clone().into();
        element["creationInfo"] = CREATION.into();
        self.elements.push(element);
        id
    }

    fn relate(&mut self, from: &str, kind: &str, to: &[String]) {
        self.relate_in("Relationship", from, kind, to, json!({}));
    }

    /// Nothing where there is nothing to relate to.
    fn relate_in(&mut self, class: &str, from: &str, kind: &str, to: &[String], mut relationship: Value) {
        if to.is_empty() {
            return;
        }
        relationship["from"] = from.into();
        relationship["relationshipType"] = kind.into();
        relationship["to"] = json!(to);
        let local = format!("relationship-{}", self.elements.len());
        self.add(class, &local, relationship);
    }

    fn license(&mut self, expression: &str) -> String {
        if let Some(known) = self.licenses.get(expression) {
            return known.clone();
        }
        let local = format!("license-{}", self.licenses.len());
        let element = json!({"simplelicensing_licenseExpression": expression});
        let id = self.add("simplelicensing_LicenseExpression", &local, element);
        self.licenses.insert(expression.into(), id.clone());
        id
    }

    fn document(mut self, name: &str, subject: &str, maker: &str, created: &str) -> Value {
        let ids: Vec<Value> = self.elements.iter().map(|element| element["spdxId"].clone()).collect();
        let bom = json!({"software_sbomType": ["analyzed"], "rootElement": [subject], "element": ids});
        let bom = self.add("software_Sbom", "sbom", bom);
        let profiles = ["core", "software", "simpleLicensing", "build", "ai", "dataset"];
        let all: Vec<Value> = self.elements.iter().map(|element| element["spdxId"].clone()).collect();
        let document = json!({"name": name, "profileConformance": profiles, "rootElement": [bom], "element": all});
        self.add("SpdxDocument", "document", document);
        let creation = json!({
            "type": "CreationInfo",
            "@id": CREATION,
            "specVersion": "3.0.1",
            "created": created,
            "createdBy": [maker],
        });
        let graph: Vec<Value> = std::iter::once(creation).chain(self.elements).collect();
        json!({"@context": CONTEXT, "@graph": graph})
    }
}

/// Text as a part of an IRI's path.
fn part(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn hashes<'d>(digests: impl IntoIterator<Item = &'d Digest>) -> Value {
    let hash = |digest: &Digest| json!({"type": "Hash", "algorithm": "sha256", "hashValue": digest.hex()});
    digests.into_iter().map(hash).collect::<Vec<_>>().into()
}

fn dictionary<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> Value {
    let entry = |(key, value)| json!({"type": "DictionaryEntry", "key": key, "value": value});
    pairs.into_iter().map(entry).collect::<Vec<_>>().into()
}

fn texts(pairs: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

fn build(bill: &Bill) -> Value {
    let it = &bill.toolchain;
    let environment = [("rustc", &it.rustc), ("host", &it.host), ("cargo-modeldeploy", &it.modeldeploy)];
    json!({
        "build_buildType": BUILD_TYPE,
        "build_environment": dictionary(environment.map(|(key, value)| (key, value.as_str()))),
        "build_parameter": dictionary([("arguments", bill.arguments.join(" ").as_str())]),
    })
}

/// The crates, each with what it needs; one that is needed to build alone is so in its relationships.
fn crates(graph: &mut Graph, subject: &str, packages: &[Package]) {
    let ids: Vec<String> = packages
        .iter()
        .map(|package| {
            let mut element = json!({
                "name": package.name,
                "software_packageVersion": package.version.to_string(),
                "software_primaryPurpose": "library",
            });
            let purl = reference(package);
            if package.source == Source::CratesIo {
                element["software_packageUrl"] = purl.clone().into();
            }
            graph.add("software_Package", &format!("crate/{}@{}", part(&package.name), package.version), element)
        })
        .collect();
    let roots: Vec<String> =
        packages.iter().zip(&ids).filter(|(package, _)| package.root).map(|(_, id)| id.clone()).collect();
    graph.relate(subject, "dependsOn", &roots);
    for (package, id) in packages.iter().zip(&ids) {
        for (scope, kind) in [("runtime", DependencyKind::Runtime), ("build", DependencyKind::Build)] {
            let needs = package.dependencies.iter().filter_map(|&at| Some((packages.get(at)?, ids.get(at)?)));
            let needs: Vec<String> =
                needs.filter(|(needed, _)| needed.kind == kind).map(|(_, id)| id.clone()).collect();
            graph.relate_in("LifecycleScopedRelationship", id, "dependsOn", &needs, json!({"scope": scope}));
        }
    }
}

/// A model with its licence, what it was made from, and what it was measured on; gives its name.
fn add_model(graph: &mut Graph, model: &LockedModel, network: Option<&str>) -> String {
    let LockedModel { name, version, source, signature, recipe, packs, files, gate, license, space, .. } = model;
    let local = format!("model/{}", part(name));
    let unit = if signature.normalized { " of unit length" } else { "" };
    let mut element = json!({
        "name": name,
        "software_packageVersion": version,
        "software_primaryPurpose": "model",
        "software_sourceInfo": format!("compressed from {source}, as the hyperparameters say; space {space}"),
        "verifiedUsing": hashes(packs.iter().map(|pack| &pack.digest)),
        "ai_typeOfModel": network.into_iter().collect::<Vec<_>>(),
        "ai_informationAboutApplication": format!(
            "task {}: text of at most {} tokens in, {} float32{unit} out",
            signature.task, signature.max_tokens, signature.outputs
        ),
        "ai_hyperparameter": dictionary(texts(recipe)),
    });
    if let Some(gate) = gate {
        element["ai_metric"] = metrics(gate);
        element["ai_metricDecisionThreshold"] = dictionary(texts(&gate.thresholds));
    }
    let id = graph.add("ai_AIPackage", &local, element);
    if let Some(expression) = license {
        let license = graph.license(expression);
        graph.relate(&id, "hasDeclaredLicense", &[license]);
    }
    let base = json!({"name": source, "software_primaryPurpose": "model"});
    let base = graph.add("software_Package", &format!("{local}/source"), base);
    let files: Vec<String> = files
        .iter()
        .map(|file| {
            let element = json!({"name": file.path, "verifiedUsing": hashes([&file.digest])});
            let path: Vec<String> = file.path.split('/').map(part).collect();
            graph.add("software_File", &format!("{local}/source/{}", path.join("/")), element)
        })
        .collect();
    graph.relate(&base, "contains", &files);
    graph.relate(&id, "descendantOf", &[base]);
    if let Some(gate) = gate {
        let suite = json!({
            "name": format!("the suite of the gate of {name}"),
            "dataset_datasetType": ["text"],
            "verifiedUsing": hashes([&gate.suite]),
        });
        let suite = graph.add("dataset_DatasetPackage", &format!("{local}/suite"), suite);
        graph.relate(&id, "testedOn", &[suite]);
    }
    id
}

/// What the gate measured, of the pack and of what it was made from.
fn metrics(gate: &LockedGate) -> Value {
    let (got, base) = (gate.metric.clone(), format!("{} of the f32 reference", gate.metric));
    dictionary(
        [(got.as_str(), gate.got.as_str()), (base.as_str(), gate.base.as_str())]
            .into_iter()
            .chain(texts(&gate.figures)),
    )
}

fn add_index(graph: &mut Graph, index: &LockedIndex) -> String {
    let element = json!({
        "name": index.name,
        "description": format!("{} vectors of {} values, of {}", index.rows, index.width, index.source),
        "dataset_datasetType": ["numeric"],
        "dataset_datasetSize": index.rows,
        "verifiedUsing": hashes([&index.digest]),
    });
    graph.add("dataset_DatasetPackage", &format!("index/{}", part(&index.name)), element)
}
