//! What the features of an ONNX model are may stand in its metadata: as in `features.toml`, which goes before.

use modeldeploy_compiler::front::{LoadedRanker, RankerOptions, load_ranker};
use prost::Message;
use std::fs;
use std::path::Path;

const SPECIFICATION: &str = r#"[feature.user]
of = "user"
type = "id"
size = 20
[feature.age]
of = "user"
column = "profile[0]"
type = "number"
default = 0
[feature.visits]
of = "user"
column = "profile[1]"
type = "number"
default = 0
[feature.item]
type = "id"
size = 40
[feature.brand]
type = "id"
size = 6
[feature.price]
type = "number"
default = 0
"#;

/// A model's metadata: what follows a message in its bytes belongs to it.
#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(message, repeated, tag = "14")]
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// Reads a folder with two towers whose metadata hold this, and that `features.toml`.
fn loaded(metadata: &str, file: Option<&str>) -> Result<LoadedRanker, Vec<String>> {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx/rankers/towers-torchscript.onnx");
    let mut bytes = fs::read(model).expect("an export");
    let entry = Entry { key: "modeldeploy.features".to_owned(), value: metadata.to_owned() };
    bytes.extend(Metadata { entries: vec![entry] }.encode_to_vec());
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("model.onnx"), bytes).expect("written");
    if let Some(file) = file {
        fs::write(folder.path().join("features.toml"), file).expect("written");
    }
    load_ranker(folder.path(), RankerOptions::default())
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[test]
fn features_are_those_of_the_metadata_where_there_is_no_file() {
    let ranker = loaded(SPECIFICATION, None).expect("a ranker");
    let names: Vec<&str> = ranker.features.list().iter().map(|feature| feature.name.as_str()).collect();
    assert_eq!(names, ["user", "age", "visits", "item", "brand", "price"]);
    assert!(ranker.absent.contains(&"features.toml".to_owned()), "a file that comes later is noticed");
    assert_eq!(ranker.files.len(), 1);
    let same = loaded("nonsense", Some(SPECIFICATION)).expect("a ranker");
    assert_eq!(same.features, ranker.features);
    let renamed = SPECIFICATION.replace("[feature.price]", "[feature.cost]\ncolumn = \"price\"");
    let other = loaded(SPECIFICATION, Some(&renamed)).expect("a ranker");
    assert_eq!(other.features.list()[5].name, "cost", "a file goes before");
}

#[test]
fn what_is_wrong_in_the_metadata_is_found_there() {
    for (text, said) in [
        (SPECIFICATION.replace("size = 40", "size = 41"), "ids below 41"),
        (SPECIFICATION.replace("type = \"number\"", "type = \"nothing\""), "`nothing`"),
        (SPECIFICATION.replace("[feature.item]", "[feature.item"), "unclosed table"),
    ] {
        let errors = loaded(&text, None).expect_err(said);
        assert!(errors[0].starts_with("error[MD1605]") && errors[0].contains(said), "{errors:?}");
        assert!(errors.iter().all(|error| error.contains("model.onnx, metadata `modeldeploy.features`")), "{errors:?}");
    }
}
