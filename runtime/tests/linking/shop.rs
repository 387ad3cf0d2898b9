//! The user's workspace: written to a folder of the target folder, with its own lock and store.

use crate::locks;
use crate::user::{Outcome, Workspace};
use modeldeploy::format::index::Values;
use modeldeploy::format::lock::{
    FILE_NAME, Lock, LockedIndex, LockedPack, VERSION, manifest_digest, manifest_settings, store_path,
};
use modeldeploy::format::pack::{Aligned, LAYOUT_FINGERPRINT};
use modeldeploy::format::{Artifact, Digest};
use modeldeploy::model::{Engine, Input};
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const ROOT: &str = r#"
[workspace]
members = ["models", "shop"]
resolver = "3"

[profile.dev]
debug = false

# Link-time optimisation puts all crates into one module: the hardest case for keeping one copy.
[profile.release]
opt-level = 0
lto = "fat"
codegen-units = 1
strip = true
"#;

const MODELS: &str = r#"
[package]
name = "models"
version = "0.1.0"
edition = "2021"

[package.metadata.modeldeploy.model.query-encoder]
source = "models/query-encoder"
task = "embed"

[package.metadata.modeldeploy.index.catalogue]
model = "query-encoder"
source = "catalogue.tsv"

[dependencies]
modeldeploy = { path = "RUNTIME" }
"#;

const MODELS_LIB: &str = r#"
#![forbid(unsafe_code)]
#![deny(warnings)]
//! ```
//! assert_eq!(models::QueryEncoder::get().embed("a")?.as_slice().len(), 20);
//! # Ok::<(), modeldeploy::Error>(())
//! ```

/// Turns a query into a vector.
#[modeldeploy::model("query-encoder")]
pub struct QueryEncoder;

/// The shop's products.
#[modeldeploy::index("catalogue", of = QueryEncoder)]
pub struct Catalogue;

#[test]
fn a_text_is_its_own_nearest() {
    let query = QueryEncoder::get().embed("a").expect("a vector");
    assert!((query.dot(&query) - 1.0).abs() < 1e-5);
}
"#;

const SHOP: &str = r#"
[package]
name = "shop"
version = "0.1.0"
edition = "2024"

[[bin]]
name = "one"
path = "src/main.rs"

[[bin]]
name = "two"
path = "src/main.rs"

[dependencies]
models = { path = "../models" }
modeldeploy = { path = "RUNTIME" }
"#;

const SHOP_MAIN: &str = r#"
#![forbid(unsafe_code)]
#![deny(warnings)]

/// The same model a second time in one program.
#[modeldeploy::model("query-encoder")]
struct Encoder;

fn main() {
    if let Err(error) = run() {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), modeldeploy::Error> {
    let here = Encoder::get();
    here.warm_with(modeldeploy::Warm::Touch)?;
    println!("{} {} {}", Encoder::NAME, Encoder::VERSION, Encoder::DIGEST);
    assert_eq!(Encoder::SPACE, models::QueryEncoder::SPACE);
    let text = "wireless headphones";
    let (a, b) = (here.embed(text)?, models::QueryEncoder::get().embed(text)?);
    assert_eq!(a.as_slice(), b.as_slice());
    println!("dot {:08x}", a.dot(&b).to_bits());
    println!("{:08x?}", a.as_slice().iter().map(|value| value.to_bits()).collect::<Vec<_>>());
    println!("{} golden vectors", here.self_test()?.vectors);
    let catalogue = models::Catalogue::get();
    let row = catalogue.vector(1)?.expect("row 1");
    let hits = catalogue.top(&row, 2)?;
    println!("nearest of its own vector: {} at {:08x}, of {}", hits[0].id, hits[0].score.to_bits(), catalogue.rows());
    Ok(())
}
"#;

pub(crate) struct Shop(Workspace);

pub(crate) struct Program {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Shop {
    pub(crate) fn new(name: &str) -> Shop {
        let workspace = Workspace::new(name);
        for (path, text) in [
            ("Cargo.toml", ROOT),
            ("models/Cargo.toml", MODELS),
            ("models/src/lib.rs", MODELS_LIB),
            ("shop/Cargo.toml", SHOP),
            ("shop/src/main.rs", SHOP_MAIN),
        ] {
            workspace.write_text(path, text);
        }
        Shop(workspace)
    }

    pub(crate) fn cargo(&self, args: &[&str]) -> Outcome {
        self.0.cargo(args)
    }

    pub(crate) fn cargo_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Outcome {
        self.0.cargo_with(variables, args)
    }

    pub(crate) fn folder(&self) -> &str {
        self.0.folder.to_str().expect("UTF-8")
    }

    /// Locks the pack, and an index of three texts by it, whose file is stored at once.
    pub(crate) fn lock(&self, pack: &Aligned) {
        let artifact = Artifact::parse(pack).expect("a pack");
        let signature = artifact.signature().clone();
        let manifest: toml::Table = MODELS.parse().expect("TOML");
        let settings = |kind, name| manifest_digest(manifest_settings(&manifest, kind, name).expect("its settings"));
        let space = Digest::of(b"a space");
        let index = self.index(pack, &space);
        let pack = LockedPack {
            layout: format!("{LAYOUT_FINGERPRINT:016x}"),
            size: pack.len() as u64,
            digest: Digest::of(pack),
        };
        let model = locks::model("query-encoder", "models", signature, space, settings("model", "query-encoder"), pack);
        let index = LockedIndex {
            manifest: settings("index", "catalogue"),
            size: index.len() as u64,
            digest: Digest::of(&index),
            ..locks::index("catalogue", &model)
        };
        let lock = Lock { version: VERSION, models: vec![model], indexes: vec![index] };
        self.0.write(FILE_NAME, lock.to_text().as_bytes());
    }

    fn index(&self, pack: &Aligned, space: &Digest) -> Vec<u8> {
        let mut values = vec![];
        let texts = ["a", "wireless headphones", "xyz"].map(|text| Input { text, ..Input::default() });
        let engine = Engine::new("the pack", pack).expect("an engine");
        engine.run(texts, |row| values.extend_from_slice(row)).expect("vectors");
        let index = modeldeploy::format::index::write(
            space,
            (values.len() / 3) as u32,
            &["a1", "b1", "c1"],
            Values::F32(&values),
        );
        self.0.write(store_path(&Digest::of(&index), "index"), &index);
        index
    }

    pub(crate) fn store(&self, pack: &[u8]) {
        self.store_as(pack, pack);
    }

    /// Stores `bytes` under the digest of `pack`.
    pub(crate) fn store_as(&self, pack: &[u8], bytes: &[u8]) {
        self.0.write(store_path(&Digest::of(pack), "pack"), bytes);
    }

    /// Puts an index of other rows, but of the same length, in the place of the locked one; what was there is returned.
    pub(crate) fn swap_index(&self, pack: &Aligned) -> (PathBuf, Vec<u8>) {
        let space = Digest::of(b"a space");
        let locked = self.index(pack, &space);
        let width = Artifact::parse(pack).expect("a pack").signature().outputs;
        let values = vec![0.0; 2 * width as usize];
        let bare = modeldeploy::format::index::write(&space, width, &["", ""], Values::F32(&values)).len();
        let id = "x".repeat(locked.len() - bare);
        let other = modeldeploy::format::index::write(&space, width, &[&id, ""], Values::F32(&values));
        let path = store_path(&Digest::of(&locked), "index");
        self.0.write(&path, &other);
        (path.into(), locked)
    }

    pub(crate) fn write(&self, path: PathBuf, bytes: &[u8]) {
        self.0.write(path, bytes);
    }

    pub(crate) fn remove_store(&self) {
        fs::remove_dir_all(self.0.folder.join(".modeldeploy")).expect("there is a store");
    }

    pub(crate) fn change_manifest(&self) {
        self.0.write_text("models/Cargo.toml", &MODELS.replace("\"embed\"", "\"embed\"\nquantize = \"bf16\""));
    }

    /// What a build in this profile made.
    pub(crate) fn program(&self, profile: &str, name: &str) -> Program {
        // Where cargo builds for another target, it makes a folder of that name.
        let triple = std::env::var_os("CARGO_BUILD_TARGET").unwrap_or_default();
        let path = self.0.target.join(triple).join(profile).join(name);
        let bytes = fs::read(&path).expect("the program was built");
        Program { path, bytes }
    }
}

impl Program {
    pub(crate) fn run(&self) -> String {
        let output = self.command().current_dir("/").output().expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// As cargo would run it: where it was built for another target, by what cargo is told to run such programs with.
    fn command(&self) -> Command {
        let triple = std::env::var("CARGO_BUILD_TARGET").unwrap_or_default().to_uppercase().replace('-', "_");
        let runner = std::env::var(format!("CARGO_TARGET_{triple}_RUNNER")).unwrap_or_default();
        let mut words = runner.split_whitespace().map(OsStr::new).chain([self.path.as_os_str()]);
        let mut command = Command::new(words.next().expect("the program at least"));
        command.args(words);
        command
    }

    /// How often the bytes stand in the file.
    pub(crate) fn count(&self, bytes: &[u8]) -> usize {
        let (first, rest) = bytes.split_first().expect("some bytes");
        let starts = self.bytes.iter().enumerate().filter(|(_, byte)| *byte == first);
        starts.filter(|(at, _)| self.bytes[at + 1..].starts_with(rest)).count()
    }
}
