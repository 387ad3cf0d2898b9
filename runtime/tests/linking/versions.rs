//! Two versions of a model in one program: what they have in common is linked once, and each answers as if it were alone.

use crate::locks;
use crate::packs::{Head, Precision, Size, build_sized};
use crate::user::Workspace;
use modeldeploy::format::lock::{FILE_NAME, Lock, LockedPack, VERSION, manifest_digest, manifest_settings, store_path};
use modeldeploy::format::pack::{Aligned, Division, LAYOUT_FINGERPRINT, divide, gather};
use modeldeploy::format::program::{Step, Weights};
use modeldeploy::format::{Artifact, Digest};
use modeldeploy::model::{Engine, Input};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = r#"
[workspace]
members = ["models", "shop"]
resolver = "3"

[profile.dev]
debug = false

[profile.release]
opt-level = 0
strip = true
"#;

const MODELS: &str = r#"
[package]
name = "models"
version = "0.1.0"
edition = "2024"

[package.metadata.modeldeploy.model.encoder]
source = "models/encoder"
task = "embed"

[package.metadata.modeldeploy.model.encoder-next]
source = "models/encoder-next"
task = "embed"

[dependencies]
modeldeploy = { path = "RUNTIME" }
"#;

const MODELS_LIB: &str = r#"
#![forbid(unsafe_code)]
#![deny(warnings)]
#[modeldeploy::model("encoder")]
pub struct Encoder;
"#;

const SHOP: &str = r#"
[package]
name = "shop"
version = "0.1.0"
edition = "2024"

[dependencies]
models = { path = "../models" }
modeldeploy = { path = "RUNTIME" }
"#;

// The first version is named in two crates: of its parts there is one copy all the same.
const SHOP_MAIN: &str = r#"
#![forbid(unsafe_code)]
#![deny(warnings)]

#[modeldeploy::model("encoder")]
struct Encoder;

#[modeldeploy::model("encoder-next")]
struct EncoderNext;

fn show<M: modeldeploy::model::EmbedModel>(handle: modeldeploy::model::Handle<M>, how: modeldeploy::Warm) {
    handle.warm_with(how).expect("it can be held");
    handle.self_test().expect("its digest is the locked one");
    let vector = handle.embed("wireless headphones").expect("a vector");
    let bits = vector.as_slice().iter().map(|value| format!("{:08x}", value.to_bits())).collect::<Vec<_>>();
    println!("{}", bits.concat());
}

fn main() {
    show(Encoder::get(), modeldeploy::Warm::Touch);
    show(models::Encoder::get(), modeldeploy::Warm::Lock);
    show(EncoderNext::get(), modeldeploy::Warm::Touch);
}
"#;

/// Every matrix has more than 64 KiB.
const SIZE: Size = Size { layers: 3, width: 144, hidden: 200, heads: 4, max_tokens: 9 };

/// The pack with other weights in its last matrix, as training that leaves the lower layers alone gives them.
fn trained_further(pack: &Aligned) -> Aligned {
    let artifact = Artifact::parse(pack).expect("a pack");
    let mut matrices = artifact.program().steps.iter().filter_map(|step| match step {
        Step::Linear { weights: Weights::Float(tensor), .. } => Some(*tensor),
        _ => None,
    });
    let tensor = artifact.tensor(matrices.next_back().expect("a matrix"));
    let (start, len) = (tensor.offset as usize, tensor.bytes().expect("a tensor") as usize);
    let mut bytes = pack.to_vec();
    // Every weight has the other sign.
    bytes[start..start + len].chunks_exact_mut(4).for_each(|weight| weight[3] ^= 0x80);
    Aligned::copy(&bytes)
}

/// What the program prints of a pack.
fn bits(pack: &Aligned) -> String {
    let engine = Engine::new("the pack", pack).expect("an engine");
    let mut bits = String::new();
    let input = Input { text: "wireless headphones", ..Input::default() };
    engine.run([input], |row| row.iter().for_each(|value| bits += &format!("{:08x}", value.to_bits()))).expect("a row");
    bits + "\n"
}

/// The sections of an ELF file whose bytes lie in it: offset and length of those that are called so.
fn sections(program: &[u8], name: &str) -> Vec<usize> {
    let number = |at: usize, bytes: usize| {
        program[at..at + bytes].iter().rev().fold(0usize, |number, byte| (number << 8) | usize::from(*byte))
    };
    assert_eq!(&program[..5], b"\x7fELF\x02", "a program of 64 bits");
    let (table, size, count, names) = (number(0x28, 8), number(0x3a, 2), number(0x3c, 2), number(0x3e, 2));
    let header = |at: usize| table + at * size;
    let names = number(header(names) + 0x18, 8);
    let called = |at: usize| program[names + number(header(at), 4)..].starts_with(format!("{name}\0").as_bytes());
    (0..count).filter(|&at| called(at)).map(|at| number(header(at) + 0x20, 8)).collect()
}

struct Versions {
    workspace: Workspace,
    packs: [Aligned; 2],
}

impl Versions {
    fn new() -> Versions {
        let workspace = Workspace::new("versions");
        for (path, text) in [
            ("Cargo.toml", ROOT),
            ("models/Cargo.toml", MODELS),
            ("models/src/lib.rs", MODELS_LIB),
            ("shop/Cargo.toml", SHOP),
            ("shop/src/main.rs", SHOP_MAIN),
        ] {
            workspace.write_text(path, text);
        }
        let first = build_sized(SIZE, Precision::F32, Head::Embed).pack;
        let packs = [trained_further(&first), first];
        let manifest: toml::Table = MODELS.parse().expect("TOML");
        let models = ["encoder", "encoder-next"].into_iter().zip(&packs).map(|(name, pack)| {
            let signature = Artifact::parse(pack).expect("a pack").signature().clone();
            let settings = manifest_digest(manifest_settings(&manifest, "model", name).expect("its settings"));
            let locked = LockedPack {
                layout: format!("{LAYOUT_FINGERPRINT:016x}"),
                size: pack.len() as u64,
                digest: Digest::of(pack),
            };
            workspace.write(store_path(&locked.digest, "pack"), pack);
            locks::model(name, "models", signature, Digest::of(name.as_bytes()), settings, locked)
        });
        let lock = Lock { version: VERSION, models: models.collect(), indexes: vec![] };
        workspace.write(FILE_NAME, lock.to_text().as_bytes());
        Versions { workspace, packs }
    }

    /// Stores how the packs are divided.
    fn divide(&self) -> Vec<Division> {
        let [a, b] = &self.packs;
        let divisions = divide(&[a, b]).expect("packs");
        for (pack, division) in self.packs.iter().zip(&divisions) {
            let path = store_path(&Digest::of(pack), "parts");
            self.workspace.write(path, division.to_string().as_bytes());
        }
        divisions
    }

    /// Builds in release, link-time optimisation being so, and reads the program.
    fn build(&self, lto: &str) -> (PathBuf, Vec<u8>) {
        // Cargo does not see a file that was not there when it built before.
        self.workspace.cargo(&["clean", "--release", "-p", "models", "-p", "shop"]).succeeds();
        self.workspace
            .cargo_with(&[("CARGO_PROFILE_RELEASE_LTO", lto)], &["build", "--release", "-p", "shop"])
            .succeeds();
        let triple = std::env::var_os("CARGO_BUILD_TARGET").unwrap_or_default();
        let path = self.workspace.target.join(triple).join("release/shop");
        let program = fs::read(&path).expect("the program was built");
        (path, program)
    }
}

fn run(path: &Path) -> String {
    let output = Command::new(path).current_dir("/").output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn count(program: &[u8], bytes: &[u8]) -> usize {
    program.windows(bytes.len()).filter(|window| window == &bytes).count()
}

#[cfg(target_os = "linux")]
#[test]
fn what_two_versions_have_in_common_is_linked_once() {
    let versions = Versions::new();
    let [first, next] = &versions.packs;
    let expected = [bits(first), bits(first), bits(next)].concat();
    assert_ne!(bits(first), bits(next));

    // Without a word of how they are divided, each is linked whole.
    let (path, whole) = versions.build("off");
    assert_eq!(run(&path), expected);
    let held = sections(&whole, ".modeldeploy").iter().sum::<usize>();
    assert!(held >= first.len() + next.len(), "{held}");

    let divisions = versions.divide();
    let digests = |at: usize| divisions[at].parts().iter().map(|part| part.digest);
    let shared = divisions[0].parts().iter().filter(|part| digests(1).any(|digest| digest == part.digest));
    let common: usize = shared.map(|part| part.size as usize).sum();
    assert!(common * 10 > first.len() * 8, "{common} of {} bytes are common", first.len());
    let artifact = Artifact::parse(first).expect("a pack");
    let matrix = artifact.tensors().iter().find(|tensor| tensor.bytes() > Some(1 << 16)).expect("a matrix");
    let start = matrix.offset as usize;
    let lower = &first[start..start + 4096];
    assert_eq!(count(&whole, lower), 2, "copies of a lower layer where packs are whole");
    for lto in ["off", "fat"] {
        let (path, program) = versions.build(lto);
        assert_eq!(run(&path), expected, "lto {lto}");
        assert_eq!(count(&program, lower), 1, "copies of a lower layer, lto {lto}");
        // Parts begin at their own places, and a table says where: some bytes more.
        let held = sections(&program, ".modeldeploy").iter().sum::<usize>();
        let least = first.len() + next.len() - common;
        assert!((least..least + 8192).contains(&held), "lto {lto}: {held} bytes, {least} must be");
        // Whoever has only the program finds both packs in it, byte for byte.
        let mut found = gather(&program);
        found.sort_by_key(|pack| pack != &first.to_vec());
        assert_eq!(found.len(), 2, "lto {lto}");
        assert!(found[0] == first[..] && found[1] == next[..], "lto {lto}");
    }

    // In debug they are mapped from the store, each whole.
    let debug = versions.workspace.cargo(&["run", "-q", "-p", "shop"]).succeeds();
    assert_eq!(debug, expected);

    // What says how they are divided is proved, too.
    versions.workspace.write(store_path(&Digest::of(first), "parts"), b"among nothing\n");
    let wrong = versions.workspace.cargo(&["build", "--release", "-p", "shop"]).fails();
    assert!(wrong.contains(".parts is damaged: its first line"), "{wrong}");
}
