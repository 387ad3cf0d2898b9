//! Damaged, hostile and mistaken folders: each is a good folder with one thing changed, and gets an error that says what, where and
//! what next.

use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::front::{self, LoadOptions, Loaded};
use modeldeploy_format::Task;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A copy of a good folder.
fn copy(name: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy_into(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/models").join(name), folder.path());
    folder
}

fn copy_into(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_into(&entry.path(), &to);
        } else {
            fs::write(&to, fs::read(entry.path()).expect("a file")).expect("a copy");
        }
    }
}

fn load(folder: &Path, task: Task) -> Result<Loaded, Vec<Diagnostic>> {
    front::load(folder, &LoadOptions::new(task))
}

/// Changes a copy of the folder `name`; loading it must fail with as many errors as are expected, each of which contains its text
/// and says where and what next.
fn check(name: &str, task: Task, change: impl FnOnce(&Path), expected: &[&str]) {
    let folder = copy(name);
    change(folder.path());
    let errors = load(folder.path(), task).expect_err(expected[0]);
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), expected.len(), "{expected:?}: {told:#?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert!(error.place.is_some() && error.help.is_some(), "{error}");
    }
}

fn set(folder: &Path, file: &str, key: &str, value: Value) {
    let path = folder.join(file);
    let mut map: Map<String, Value> = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
    map.insert(key.to_owned(), value);
    fs::write(&path, Value::Object(map).to_string()).expect("written");
}

/// Writes a safetensors file of that header and so many bytes of data.
fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// The header and the data of a good file.
fn split(bytes: &[u8]) -> (Map<String, Value>, Vec<u8>) {
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    (serde_json::from_slice(&bytes[8..8 + length]).expect("a header"), bytes[8 + length..].to_vec())
}

/// Changes the header of the folder's weights.
fn rewrite(folder: &Path, change: impl FnOnce(&mut Map<String, Value>, &mut Vec<u8>)) {
    let path = folder.join("model.safetensors");
    let (mut header, mut data) = split(&fs::read(&path).expect("weights"));
    change(&mut header, &mut data);
    fs::write(path, safetensors(&Value::Object(header).to_string(), &data)).expect("written");
}

#[test]
fn hostile_safetensors_files_are_refused() {
    let tensor = |name: &str, shape: Value, from: u64, to: u64| {
        format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}"#)
    };
    let two = |a: String, b: String| format!("{{{a},{b}}}");
    let overlapping: Vec<String> = (0..1000).map(|i| tensor(&format!("weight_{i}"), json!([2, 2]), 0, 16)).collect();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "the file is empty"),
        (b"{}".to_vec(), "2 bytes, too few"),
        (u64::MAX.to_le_bytes().to_vec(), "at most 100,000,000 are allowed"),
        // The library's abuse attempt 1: a header longer than the file.
        ([&1000u64.to_le_bytes()[..], &[b' '; 100]].concat(), "claims 1000 bytes, and the file has only 108"),
        // Attempts 2 and 3: many tensors over the same few bytes.
        (safetensors(&format!("{{{}}}", overlapping.join(",")), &[0; 16]), "overlap"),
        (b"PK\x03\x04 a pickle of PyTorch in a zip archive".to_vec(), "zip archive"),
        (safetensors("not JSON", &[]), "header is not that of a safetensors file"),
        (safetensors("[]", &[]), "header is not that of a safetensors file"),
        ([&4u64.to_le_bytes()[..], b"\xff\xfe\xfd\xfc"].concat(), "header is not UTF-8"),
        (safetensors(&format!("{{{}}}", tensor("a", json!([-1]), 0, 4)), &[0; 4]), "header is not that of"),
        (safetensors(&format!("{{{}}}", tensor("a", json!([1.5]), 0, 4)), &[0; 4]), "header is not that of"),
        (safetensors(&format!("{{{}}}", tensor("a", json!([u64::MAX, 4]), 0, 4)), &[0; 4]), "too large to count"),
        (safetensors(&format!("{{{}}}", tensor("a", json!([2]), 0, 4)), &[0; 4]), "another number of bytes"),
        (safetensors(&format!("{{{}}}", tensor("a", json!([1]), 4, 0)), &[0; 4]), "overlap"),
        (safetensors(&format!("{{{}}}", tensor("a", json!([1]), 4, 8)), &[0; 8]), "leave a gap"),
        (safetensors(&format!("{{{}}}", tensor("a", json!([1]), 0, 4)), &[0; 3]), "cut short"),
        (safetensors(&format!("{{{}}}", tensor("a", json!([1]), 0, 4)), &[0; 5]), "bytes after its end"),
        (
            safetensors(&two(tensor("a", json!([1]), 0, 4), tensor("a", json!([1]), 0, 4)), &[0; 4]),
            "names the tensor `a` twice",
        ),
        (safetensors(&format!("{{{}}}", tensor("a\\u0000", json!([1]), 0, 4)), &[0; 4]), "cannot be the name"),
        (
            safetensors(&format!("{{{}}}", tensor("a", json!([1, 1, 1, 1, 1, 1, 1, 1, 1]), 0, 4)), &[0; 4]),
            "9 dimensions",
        ),
        (safetensors(&"[".repeat(100_000), &[]), "header is not that of"),
    ];
    for (bytes, expected) in cases {
        let write = |folder: &Path| fs::write(folder.join("model.safetensors"), &bytes).expect("written");
        check("bert-embed", Task::Embed, write, &[expected]);
    }
}

#[test]
fn every_truncation_of_a_header_is_refused() {
    let bytes = fs::read(copy("bert-embed").path().join("model.safetensors")).expect("weights");
    for length in (0..bytes.len()).step_by(97) {
        assert!(front::weights::parse_header("model.safetensors", &bytes[..length]).is_err(), "{length} bytes");
    }
    assert!(front::weights::parse_header("model.safetensors", &bytes).is_ok());
}

#[test]
fn wrong_tensors_are_named() {
    let missing = |folder: &Path| {
        rewrite(folder, |header, _| {
            let info = header.remove("encoder.layer.0.output.dense.bias").expect("there");
            header.insert("encoder.layer.0.output.dense.biass".to_owned(), info);
        });
    };
    check(
        "bert-embed",
        Task::Embed,
        missing,
        &[
            "the tensor `encoder.layer.0.output.dense.bias` is missing; expected shape [16]",
            "the tensor `encoder.layer.0.output.dense.biass`, of shape [16], has no place",
        ],
    );
    let misshapen = |folder: &Path| {
        rewrite(folder, |header, _| header["encoder.layer.1.intermediate.dense.weight"]["shape"] = json!([16, 32]));
    };
    check(
        "bert-embed",
        Task::Embed,
        misshapen,
        &["`encoder.layer.1.intermediate.dense.weight` has shape [16, 32]; expected [32, 16]"],
    );
    let integers = |folder: &Path| {
        rewrite(folder, |header, _| header["embeddings.LayerNorm.weight"]["dtype"] = json!("I32"));
    };
    check("bert-embed", Task::Embed, integers, &["`embeddings.LayerNorm.weight` is stored as I32"]);
    for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let not_finite = |folder: &Path| {
            rewrite(folder, |header, data| {
                let start = header["encoder.layer.0.output.dense.weight"]["data_offsets"][0]
                    .as_u64()
                    .expect("an offset") as usize;
                // Row 1, column 2 of [16, 32].
                data[start + 4 * 34..start + 4 * 35].copy_from_slice(&wrong.to_le_bytes());
            });
        };
        let expected = "`encoder.layer.0.output.dense.weight` has a number at [1, 2] that is NaN or infinite";
        check("bert-embed", Task::Embed, not_finite, &[expected]);
    }
}

#[test]
fn all_errors_are_told_and_a_flood_is_cut() {
    let layers = |folder: &Path| set(folder, "config.json", "num_hidden_layers", json!(500));
    let folder = copy("bert-embed");
    layers(folder.path());
    let errors = load(folder.path(), Task::Embed).expect_err("layers are missing");
    assert_eq!(errors.len(), 33);
    assert!(
        errors[32].to_string().contains(&format!("and {} more tensors are missing", 498 * 16 - 32)),
        "{}",
        errors[32]
    );
    let both = |folder: &Path| {
        set(folder, "config.json", "hidden_size", json!(0));
        set(folder, "config.json", "num_attention_heads", json!("two"));
        set(folder, "1_Pooling/config.json", "pooling_mode", json!("attention"));
    };
    let expected = ["the pooling mode \"attention\" is not known", "key `hidden_size`", "key `num_attention_heads`"];
    check("bert-embed", Task::Embed, both, &expected);
}

#[test]
fn wrong_configurations_are_refused_with_their_key() {
    let cases: &[(&str, Value, &str)] = &[
        (
            "model_type",
            json!("gpt_bigcode"),
            "those supported are `bert`, `distilbert`, `roberta`, `xlm-roberta`, `mpnet`, `albert`",
        ),
        ("model_type", json!(null), "`model_type` is missing"),
        ("model_type", json!(7), "`model_type` is missing or not a text"),
        ("hidden_size", json!(-16), "from 1 to 65536, found -16"),
        ("hidden_size", json!(1_000_000_000u64), "from 1 to 65536"),
        ("num_hidden_layers", json!(1_000_000_000u64), "from 1 to 512"),
        ("num_attention_heads", json!(3), "the hidden size 16 is not a multiple of the 3 attention heads"),
        ("vocab_size", json!(null), "the key `vocab_size` is missing"),
        ("hidden_act", json!("gelu_10"), "the activation `gelu_10` is not supported"),
        ("layer_norm_eps", json!(0), "`layer_norm_eps` must be a number over 0"),
        ("position_embedding_type", json!("relative_key"), "position embedding `relative_key` is not supported"),
        ("is_decoder", json!(true), "a decoder is not supported"),
        ("quantization_config", json!({"bits": 4}), "quantized already"),
        ("problem_type", json!("ranking"), "problem type \"ranking\" is not known"),
        ("id2label", json!({"0": "a", "2": "b"}), "none with the number 1"),
    ];
    for (key, value, expected) in cases {
        check("bert-embed", Task::Embed, |folder| set(folder, "config.json", key, value.clone()), &[expected]);
    }
    let buckets = |folder: &Path| set(folder, "config.json", "relative_attention_num_buckets", json!(64));
    check("mpnet-embed", Task::Embed, buckets, &["64 buckets of distances are not supported"]);
    let padding = |folder: &Path| set(folder, "config.json", "pad_token_id", json!(25));
    check("roberta-embed", Task::Embed, padding, &["positions begin at 26, and the table has only 26"]);
}

#[test]
fn wrong_files_are_named() {
    let write = |file: &'static str, bytes: &'static [u8]| {
        move |folder: &Path| fs::write(folder.join(file), bytes).expect("written")
    };
    let remove = |file: &'static str| move |folder: &Path| fs::remove_file(folder.join(file)).expect("removed");
    let embed = |change: &dyn Fn(&Path), expected: &str| check("bert-embed", Task::Embed, change, &[expected]);
    embed(&write("config.json", b""), "the file is empty");
    embed(&write("config.json", b"\xff\xfe"), "the file is not UTF-8");
    embed(&write("config.json", b"{\"model_type\": "), "the file is not JSON");
    embed(&write("config.json", b"[]"), "expected an object, found a list");
    embed(&write("modules.json", b"{}"), "expected a list of modules");
    embed(&write("modules.json", b"[]"), "the first module must be a Transformer, found nothing");
    embed(&write("sentence_bert_config.json", b"{\"max_seq_length\": 0}"), "`max_seq_length` must be");
    embed(
        &write("config_sentence_transformers.json", b"{\"default_prompt_name\": \"q\"}"),
        "`q` is not among the prompts",
    );
    embed(&remove("config.json"), "the folder has no `config.json`");
    embed(&remove("1_Pooling/config.json"), "a module whose configuration is not there");
    embed(&remove("tokenizer.json"), "neither `tokenizer.json` nor `vocab.txt`");
    embed(&remove("model.safetensors"), "neither `model.safetensors` nor `model.safetensors.index.json`");
    let pickle = |folder: &Path| {
        fs::rename(folder.join("model.safetensors"), folder.join("pytorch_model.bin")).expect("renamed");
    };
    embed(&pickle, "convert it once: python -c");
    let directory = |folder: &Path| {
        fs::remove_file(folder.join("model.safetensors")).expect("removed");
        fs::create_dir(folder.join("model.safetensors")).expect("a folder");
    };
    embed(&directory, "a folder stands where a file is expected");
    let nowhere = tempfile::tempdir().expect("a temporary folder");
    for (path, expected) in
        [(nowhere.path().join("absent"), "cannot open the folder"), (nowhere.path().to_owned(), "no `config.json`")]
    {
        let errors = load(&path, Task::Embed).expect_err(expected);
        assert!(errors[0].to_string().contains(expected), "{errors:?}");
    }
}

#[test]
fn what_a_download_left_in_the_place_of_a_file_is_named() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 90868376\n";
    for file in ["model.safetensors", "tokenizer.json", "config.json", "modules.json", "1_Pooling/config.json"] {
        for (text, expected) in [
            (pointer, "the file is a Git LFS pointer, not"),
            ("<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", "the file is a web page, not"),
            ("\n<html lang=\"en\"></html>", "the file is a web page, not"),
        ] {
            let folder = copy("bert-embed");
            fs::write(folder.path().join(file), text).expect("written");
            let errors = load(folder.path(), Task::Embed).expect_err(file);
            let [error] = &errors[..] else { panic!("{file}: {errors:#?}") };
            let told = error.to_string();
            assert!(told.contains(expected) && told.contains("MD0114") && told.contains(file), "{told}");
            assert_eq!(told.contains("git lfs pull"), text == pointer, "{told}");
            assert_eq!(told.contains("not weights"), file == "model.safetensors", "{told}");
        }
    }
}

#[test]
fn a_length_that_the_model_does_not_have_is_told_with_the_file_that_says_it() {
    let file = "sentence_bert_config.json";
    let folder = copy("bert-embed");
    set(folder.path(), file, "max_seq_length", json!(33));
    let loaded = load(folder.path(), Task::Embed).expect("it is cut");
    assert_eq!(loaded.signature.max_tokens, 32);
    let notes = loaded.notes.join("\n");
    assert!(notes.contains("at most 32 tokens") && notes.contains("says 33") && notes.contains(file), "{notes}");
    set(folder.path(), file, "max_seq_length", json!(32));
    assert!(load(folder.path(), Task::Embed).expect("it fits").notes.iter().all(|note| !note.contains(file)));

    set(folder.path(), file, "max_seq_length", json!(2));
    let errors = load(folder.path(), Task::Embed).expect_err("too few");
    let told = errors[0].to_string();
    assert!(told.contains("MD0113") && told.contains(file) && told.contains("between 4 and 32"), "{told}");
    set(folder.path(), "config.json", "max_position_embeddings", json!(2));
    let errors = load(folder.path(), Task::Embed).expect_err("no text fits");
    let told = errors[0].to_string();
    assert!(told.contains("2 positions, and a text needs 4") && !told.contains("between"), "{told}");
}

#[cfg(unix)]
#[test]
fn links_that_lead_in_a_circle_and_pipes_are_refused() {
    let circle = |folder: &Path| {
        fs::remove_file(folder.join("model.safetensors")).expect("removed");
        std::os::unix::fs::symlink("model.safetensors", folder.join("model.safetensors")).expect("a link");
    };
    check("bert-embed", Task::Embed, circle, &["cannot read the file"]);
    let device = |folder: &Path| {
        fs::remove_file(folder.join("config.json")).expect("removed");
        std::os::unix::fs::symlink("/dev/zero", folder.join("config.json")).expect("a link");
    };
    check("bert-embed", Task::Embed, device, &["not a regular file"]);
}

#[test]
fn modules_that_are_not_computed_are_named() {
    let module = |index: usize, kind: &str| json!({"idx": index, "name": "m", "path": "", "type": format!("sentence_transformers.models.{kind}")});
    let cases: [(&[&str], &str); 6] = [
        (&["Transformer", "WordWeights"], "module `sentence_transformers.models.WordWeights` is not supported"),
        (&["CLIPModel"], "first module must be a Transformer"),
        (&["Transformer"], "no module makes one vector"),
        (&["Transformer", "Normalize"], "a Normalize before the Pooling"),
        (&["Transformer", "Dense"], "a Dense before the Pooling"),
        (&["Transformer", "LSTM"], "LSTM` is not supported"),
    ];
    for (kinds, expected) in cases {
        let list: Vec<Value> = kinds.iter().enumerate().map(|(index, kind)| module(index, kind)).collect();
        let write = |folder: &Path| {
            fs::write(folder.join("modules.json"), Value::Array(list.clone()).to_string()).expect("written")
        };
        check("bert-embed", Task::Embed, write, &[expected]);
    }
    let outside = |folder: &Path| {
        let list = json!([module(0, "Transformer"), {"idx": 1, "path": "../../secrets", "type": "sentence_transformers.models.Pooling"}]);
        fs::write(folder.join("modules.json"), list.to_string()).expect("written");
    };
    check("bert-embed", Task::Embed, outside, &["no `path` that lies in the folder"]);
    let pooling =
        |value: Value| move |folder: &Path| set(folder, "1_Pooling/config.json", "pooling_mode", value.clone());
    check(
        "bert-embed",
        Task::Embed,
        pooling(json!(["cls", "mean"])),
        &["one mode of pooling is supported at a time, found `cls + mean`"],
    );
    check("bert-embed", Task::Embed, pooling(json!("lasttoken")), &["pooling by `lasttoken` is not supported"]);
    for flags in [
        json!({"pooling_mode_cls_token": false, "pooling_mode_mean_tokens": false, "pooling_mode_max_tokens": false}),
        json!({"pooling_mode_mean_tokens": false}),
        json!({"pooling_mode": []}),
    ] {
        let none = |folder: &Path| {
            fs::write(folder.join("1_Pooling/config.json"), flags.to_string()).expect("written");
        };
        check("bert-embed", Task::Embed, none, &["no mode of pooling is true\n  --> "]);
        check("bert-embed", Task::Embed, none, &["1_Pooling/config.json, key"]);
        check("bert-embed", Task::Embed, none, &["help: use cls, max, mean or mean_sqrt_len_tokens"]);
    }
    let wide = |folder: &Path| set(folder, "1_Pooling/config.json", "embedding_dimension", json!(32));
    check("bert-embed", Task::Embed, wide, &["the pooling takes rows of 32, the encoder gives 16"]);
    let narrow = |folder: &Path| set(folder, "3_Dense/config.json", "in_features", json!(11));
    check(
        "mpnet-embed",
        Task::Embed,
        narrow,
        &["takes 11 numbers, and those before it give 12", "has shape [8, 12]; expected [8, 11]"],
    );
    let activation = |folder: &Path| set(folder, "2_Dense/config.json", "activation_function", json!("os.system"));
    check("mpnet-embed", Task::Embed, activation, &["the activation `os.system` is not supported"]);
}

#[test]
fn a_checkpoint_that_cannot_do_the_task_says_so() {
    check(
        "albert-embed",
        Task::Classify,
        |_| (),
        &["no head for sequence classification, so that it cannot `classify`"],
    );
    let expected = ["the folder is a sentence encoder, which cannot `score`", "is one for `feature-extraction`"];
    check("bert-embed", Task::Score, |_| (), &expected);
    check("bert-classify", Task::Score, |_| (), &["a relevance is one number, and the head has 3 labels"]);
    let regression = |folder: &Path| set(folder, "config.json", "problem_type", json!("regression"));
    check("bert-classify", Task::Classify, regression, &["trained for regression"]);
    let labels = |folder: &Path| set(folder, "config.json", "id2label", json!({"0": "a", "1": "b"}));
    let expected =
        ["`classifier.weight` has shape [3, 16]; expected [2, 16]", "`classifier.bias` has shape [3]; expected [2]"];
    check("bert-classify", Task::Classify, labels, &expected);
}

#[test]
fn shards_that_disagree_with_their_index_are_refused() {
    let index = "model.safetensors.index.json";
    let absent = |folder: &Path| fs::remove_file(folder.join("model-00002-of-00004.safetensors")).expect("removed");
    check("bert-embed-sharded", Task::Embed, absent, &["cannot read the file"]);
    let outside = |folder: &Path| set(folder, index, "weight_map", json!({"a": "../model.safetensors"}));
    check("bert-embed-sharded", Task::Embed, outside, &["the tensor `a` cannot lie in"]);
    let edit = |change: fn(&mut Map<String, Value>)| {
        move |folder: &Path| {
            let path = folder.join(index);
            let mut file: Value = serde_json::from_slice(&fs::read(&path).expect("the index")).expect("JSON");
            change(file["weight_map"].as_object_mut().expect("a map"));
            fs::write(path, file.to_string()).expect("written");
        }
    };
    let unlisted = edit(|map| drop(map.remove("pooler.dense.bias")));
    check("bert-embed-sharded", Task::Embed, unlisted, &["does not list the tensor `pooler.dense.bias`"]);
    let elsewhere = edit(|map| {
        let other = if map["pooler.dense.bias"] == "model-00001-of-00004.safetensors" {
            "model-00002-of-00004.safetensors"
        } else {
            "model-00001-of-00004.safetensors"
        };
        map.insert("pooler.dense.bias".to_owned(), json!(other));
    });
    check("bert-embed-sharded", Task::Embed, elsewhere, &["holds the tensor `pooler.dense.bias`, which it does not"]);
    let twice = |folder: &Path| {
        let copy = fs::read(folder.join("model-00001-of-00004.safetensors")).expect("a shard");
        fs::write(folder.join("model-00002-of-00004.safetensors"), copy).expect("written");
    };
    let folder = copy("bert-embed-sharded");
    twice(folder.path());
    let errors = load(folder.path(), Task::Embed).expect_err("a shard twice");
    assert!(errors.iter().all(|error| error.to_string().contains("stands in two shards")), "{errors:?}");
}

#[test]
fn a_vocabulary_larger_than_the_embedding_is_refused() {
    let shrink = |folder: &Path| {
        set(folder, "config.json", "vocab_size", json!(100));
        rewrite(folder, |header, data| {
            // The last 60 rows of 160 go; their bytes stand at the place of the table in the file.
            let name = "embeddings.word_embeddings.weight";
            let start = header[name]["data_offsets"][0].as_u64().expect("an offset") as usize;
            data.drain(start + 100 * 64..start + 160 * 64);
            header[name]["shape"] = json!([100, 16]);
            header[name]["data_offsets"] = json!([start, start + 100 * 64]);
            for (other, info) in header.iter_mut().filter(|(other, _)| *other != name && *other != "__metadata__") {
                let offsets = info["data_offsets"].as_array_mut().unwrap_or_else(|| panic!("{other} has offsets"));
                for offset in offsets {
                    let at = offset.as_u64().expect("an offset");
                    if at > start as u64 {
                        *offset = json!(at - 60 * 64);
                    }
                }
            }
        });
    };
    check("bert-embed", Task::Embed, shrink, &["the tokenizer has 160 tokens, and the embedding only 100 rows"]);
}
