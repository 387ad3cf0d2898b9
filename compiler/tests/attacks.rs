//! The inputs that fuzzing and malice have found, as the fuzz targets keep them: each is refused with an error, but for the few that
//! are odd and right.

use modeldeploy_compiler::front::{config, weights};
use modeldeploy_compiler::onnx::{self, Bounds, Tensor};
use modeldeploy_compiler::suite::Suite;
use modeldeploy_compiler::tokenizer::compile_json;
use modeldeploy_compiler::trees;
use modeldeploy_format::Artifact;
use modeldeploy_format::index::Vectors;
use modeldeploy_format::lock::Lock;
use modeldeploy_format::pack::Aligned;
use modeldeploy_format::tokenizer::Tables;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Whether bytes are refused, in the way in which a target reads them.
type Refused = fn(&[u8]) -> bool;

const TARGETS: [(&str, Refused); 10] = [
    ("index", |bytes| Vectors::parse(&Aligned::copy(bytes)).is_err()),
    ("interpreter", |bytes| {
        let Ok(model) = onnx::read("model.onnx", bytes.to_vec(), &mut |_| Err("there is none".to_owned())) else {
            return false;
        };
        // It is read, and refuses to be run.
        let given = |name: &str| (name == "x").then(|| Tensor::new([2, 2], vec![1.0_f32; 4]).expect("a square"));
        let inputs = model.inputs().iter().filter_map(|port| Some((port.name.as_str(), given(&port.name)?)));
        let bounds = Bounds { numbers: 1 << 16, multiplications: 1 << 20 };
        model.run_within(&inputs.collect::<Vec<_>>(), bounds).is_err()
    }),
    ("lock", |bytes| std::str::from_utf8(bytes).map_or(true, |text| Lock::parse(text).is_err())),
    ("model_folder", |bytes| {
        config::parse("config.json", bytes).is_err()
            && weights::parse_header("model.safetensors", bytes).is_err()
            && weights::parse_index("model.safetensors.index.json", bytes).is_err()
    }),
    ("onnx", |bytes| {
        // External data are there under one name, as long as the file itself.
        let external = |name: &str| match name {
            "w" => Ok(Arc::new(bytes.to_vec()) as Arc<dyn AsRef<[u8]> + Send + Sync>),
            _ => Err(format!("`{name}` is not there")),
        };
        onnx::read("model.onnx", bytes.to_vec(), &mut { external }).is_err()
    }),
    ("pack", |bytes| Artifact::parse(&Aligned::copy(bytes)).is_err()),
    ("suite", |bytes| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut parts = bytes.splitn(4, |&byte| byte == 0);
        for name in ["suite.toml", "corpus.jsonl", "queries.tsv", "judgments.tsv"] {
            fs::write(folder.path().join(name), parts.next().unwrap_or_default()).expect("a file");
        }
        Suite::read(&folder.path().join("suite.toml")).is_err()
    }),
    ("tables", |bytes| Tables::parse(bytes).is_err()),
    ("trees", |bytes| trees::read("a model", bytes).is_err()),
    ("tokenizer", |bytes| {
        compile_json(bytes.split(|&byte| byte == 0).next().unwrap_or_default(), "tokenizer.json").is_err()
    }),
];

/// Nothing at all, but well formed; and a tokenizer from which others are bred.
const RIGHT: [&str; 3] = ["index/no_rows", "lock/nothing", "tokenizer/tiny_wordpiece"];

/// Those that the tests of these packages read, and those that the service's own tests send to it.
const ELSEWHERE: [&str; 5] = ["audit", "image", "protocols", "registry", "trust"];

#[test]
fn every_attack_is_refused() {
    let attacks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/attacks");
    let folders = fs::read_dir(&attacks).expect("the attacks").count();
    assert_eq!(folders, TARGETS.len() + ELSEWHERE.len(), "a target without a row here, or a row without its attacks");
    for (target, refused) in TARGETS {
        let mut count = 0;
        for entry in fs::read_dir(attacks.join(target)).expect(target) {
            let path = entry.expect("an entry").path();
            let bytes = fs::read(&path).expect("an attack");
            let right = RIGHT.iter().any(|name| path.ends_with(name));
            assert_ne!(refused(&bytes), right, "{}", path.display());
            count += 1;
        }
        assert!(count > 0, "{target} has no attacks");
    }
}
