//! How a program was built: [SLSA's provenance](https://slsa.dev/provenance/v1), made of what the program and its lock say.
//!
//! The same program, workspace and flags give the same text: there is no time in it, unless one is given.

use crate::encoding::hex;
use crate::statement::Statement;
use modeldeploy_format::Digest;
use modeldeploy_format::lock::{Lock, LockedModel};
use serde_json::{Value, json};

/// The type of the predicate.
pub const PREDICATE_TYPE: &str = "https://slsa.dev/provenance/v1";

/// How `cargo modeldeploy build` builds; `docs/trust.md` says how to build the same.
pub const BUILD_TYPE: &str = "https://github.com/modeldeploy/modeldeploy/blob/main/docs/trust.md#build-v1";

/// Who built it where nothing else is said: whoever has the key.
pub const LOCAL_BUILDER: &str = "https://github.com/modeldeploy/modeldeploy/blob/main/docs/trust.md#local-builder-v1";

/// What is known of a build.
#[derive(Clone, Debug)]
pub struct Build<'a> {
    /// The program's name.
    pub name: &'a str,
    /// The program's digest.
    pub program: Digest,
    /// The lock that it was built with.
    pub lock: &'a Lock,
    /// The names of the models and indexes that are inside.
    pub inside: Vec<&'a str>,
    /// The package and its version, where the program lists its crates.
    pub package: Option<(String, String)>,
    /// What `cargo modeldeploy build` was asked for, of all that decides on the program's bytes.
    pub arguments: &'a [String],
    /// The compiler, in its own words.
    pub rustc: &'a str,
    /// The system that built it.
    pub host: &'a str,
    /// The version of cargo-modeldeploy that built it.
    pub modeldeploy: &'a str,
    /// The digest of `Cargo.lock`, where the workspace is at hand.
    pub cargo_lock: Option<Digest>,
    /// Where the sources come from, where that is known.
    pub source: Option<Source>,
    /// Who built it, as a URI.
    pub builder: &'a str,
    /// When it was built, as RFC 3339 has times.
    pub finished: Option<String>,
}

/// A commit of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The repository's address.
    pub repository: Option<String>,
    /// The commit, as hexadecimal digits.
    pub commit: String,
    /// Whether files differed from it.
    pub modified: bool,
}

/// The statement of a build.
pub fn statement(build: &Build<'_>) -> Statement {
    let mut external = json!({"command": "cargo modeldeploy build", "arguments": build.arguments});
    if let Some((name, version)) = &build.package {
        external["package"] = name.as_str().into();
        external["version"] = version.as_str().into();
    }
    let mut run = json!({
        "builder": {"id": build.builder, "version": {"cargo-modeldeploy": build.modeldeploy}},
    });
    if let Some(finished) = &build.finished {
        run["metadata"] = json!({"finishedOn": finished});
    }
    let predicate = json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": external,
            "internalParameters": {"host": build.host, "rustc": build.rustc},
            "resolvedDependencies": dependencies(build),
        },
        "runDetails": run,
    });
    Statement::new(build.name, &build.program, PREDICATE_TYPE, predicate)
}

fn dependencies(build: &Build<'_>) -> Vec<Value> {
    let lock = Digest::of(build.lock.to_text().as_bytes());
    let locks = [("Model.lock", Some(lock)), ("Cargo.lock", build.cargo_lock)];
    let locks = locks.into_iter().filter_map(|(name, digest)| Some(described(name, &digest?)));
    let models = build.lock.models.iter().flat_map(|model| files(model, build.inside.contains(&model.name.as_str())));
    let indexes = build.lock.indexes.iter().map(|index| {
        let mut source = described(&format!("{}/{}", index.name, index.source), &index.source_digest);
        source["annotations"] = json!({"index": index.name, "inside": build.inside.contains(&index.name.as_str())});
        source
    });
    let suites = build.lock.models.iter().filter_map(|model| {
        let mut suite = described(&format!("{}/suite", model.name), &model.gate.as_ref()?.suite);
        suite["annotations"] = json!({"gate-of": model.name});
        Some(suite)
    });
    build.source.iter().map(source).chain(locks).chain(models).chain(indexes).chain(suites).collect()
}

/// Every file that was read of a model, whether it is inside or the program could only have been given it.
fn files(model: &LockedModel, inside: bool) -> impl Iterator<Item = Value> {
    model.files.iter().map(move |file| {
        let mut described = described(&format!("{}/{}", model.name, file.path), &file.digest);
        described["annotations"] =
            json!({"model": model.name, "version": model.version, "source": model.source, "inside": inside});
        described
    })
}

fn described(name: &str, digest: &Digest) -> Value {
    json!({"name": name, "digest": {"sha256": hex(digest.as_bytes())}})
}

fn source(source: &Source) -> Value {
    let mut described = json!({"name": "source", "digest": {"gitCommit": source.commit}});
    if let Some(repository) = &source.repository {
        described["uri"] = format!("git+{repository}").into();
    }
    if source.modified {
        described["annotations"] = json!({"modified": true});
    }
    described
}

/// The first thing that a provenance says otherwise than what the program itself says; nothing where it is of that build.
///
/// What a signer added, such as a source or a time, is the signer's word.
pub fn contradiction(signed: &Statement, program: &Statement) -> Option<String> {
    let at = |statement: &Statement, path: &str| statement.predicate.pointer(path).cloned().unwrap_or_default();
    for (path, what) in [
        ("/buildDefinition/buildType", "its build type"),
        ("/buildDefinition/externalParameters", "its parameters"),
        ("/buildDefinition/internalParameters", "its toolchain"),
    ] {
        if at(signed, path) != at(program, path) {
            return Some(format!("{what}: signed {}, inside {}", at(signed, path), at(program, path)));
        }
    }
    let list = |statement: &Statement| match at(statement, "/buildDefinition/resolvedDependencies") {
        Value::Array(list) => list,
        _ => vec![],
    };
    let signed = list(signed);
    let absent = list(program).into_iter().find(|needed| !signed.contains(needed))?;
    Some(format!("what it was made of: {absent} is not in the signed statement"))
}
