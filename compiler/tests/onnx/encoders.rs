//! Encoders that PyTorch exported give the packs that their checkpoints give: the same plan, the same bits.

use crate::shared;
use modeldeploy_compiler::compress::{Precision, Recipe, Sample, Smoothing, compress};
use modeldeploy_compiler::compressed::CompressedModel;
use modeldeploy_compiler::front::{LoadOptions, Loaded, load};
use modeldeploy_compiler::{emit, passes};
use modeldeploy_format::{Digest, Task};
use std::fs;
use std::path::{Path, PathBuf};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// A copy of a model's folder with an ONNX model in the place of its checkpoint.
fn exported(folder: &Path, onnx: &Path) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        for entry in fs::read_dir(from).expect("a folder") {
            let path = entry.expect("an entry").path();
            let target = to.join(path.file_name().expect("a name"));
            if path.is_dir() {
                fs::create_dir(&target).expect("a folder");
                copy(&path, &target);
            } else {
                fs::copy(&path, &target).expect("a copy");
            }
        }
    }
    let copied = tempfile::tempdir().expect("a folder");
    copy(folder, copied.path());
    // The layers after an encoder keep theirs.
    let checkpoint = copied.path().join("model.safetensors");
    if checkpoint.exists() {
        fs::remove_file(checkpoint).expect("removed");
    }
    fs::copy(onnx, copied.path().join("model.onnx")).expect("a copy");
    copied
}

fn loaded(folder: &Path, task: Task) -> Loaded {
    load(folder, &LoadOptions::new(task)).unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}: {}", folder.display(), errors.join("\n"))
    })
}

/// A graph as text without the names of its nodes, which are those of the file that it was made of; constants keep theirs.
fn nameless(text: &str) -> String {
    let line = |line: &str| match line.rsplit_once(" \"") {
        Some((node, name)) if !line.contains("= constant") => {
            format!("{node}{}\n", name.split_once('"').map_or("", |(_, rest)| rest))
        }
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// The pack of a model, and its graph as text.
fn made(mut loaded: Loaded, precision: Precision) -> (Vec<u8>, String) {
    passes::run(&mut loaded.graph);
    let text = nameless(&loaded.graph.to_string());
    let recipe = Recipe { smoothing: Smoothing::Off, ..Recipe::of(precision) };
    let sample = Sample { ids: (0..12).collect(), types: vec![0; 12] };
    let graph = compress(&loaded.graph, &recipe, &[sample], &mut |_| {}).expect("a compressed graph");
    let (signature, tokenizer) = (loaded.signature, loaded.tokenizer);
    let model = CompressedModel { graph, signature, tokenizer, space: Digest::of(b"space") };
    (emit::pack(&model, vec![]).expect("a pack").to_vec(), text)
}

/// The packs of the exported models are the checkpoint's, byte for byte.
fn check(folder: &Path, exports: &[PathBuf], task: Task) {
    let precisions = [Precision::F32, Precision::Int8];
    let all = |loaded: Loaded| precisions.map(|precision| made(loaded.clone(), precision));
    let checkpoint = all(loaded(folder, task));
    for onnx in exports {
        let exported = all(loaded(exported(folder, onnx).path(), task));
        for ((precision, (pack, graph)), (wanted_pack, wanted)) in precisions.iter().zip(exported).zip(&checkpoint) {
            assert_eq!(graph, *wanted, "{}", onnx.display());
            assert!(pack == *wanted_pack, "{}, {precision}: another pack", onnx.display());
        }
    }
}

#[test]
fn every_exporter_gives_the_pack_of_the_checkpoint() {
    for (name, task, exporters) in [
        ("bert-embed", Task::Embed, &["torchscript", "dynamo", "opset13", "optimum"][..]),
        ("bert-score", Task::Score, &["torchscript", "dynamo"]),
        ("bert-classify", Task::Classify, &["dynamo"]),
        ("distilbert-embed", Task::Embed, &["torchscript", "dynamo"]),
        ("roberta-embed", Task::Embed, &["torchscript", "dynamo"]),
        ("roberta-score", Task::Score, &["torchscript", "dynamo"]),
        ("xlm-roberta-embed", Task::Embed, &["torchscript", "dynamo"]),
        ("mpnet-embed", Task::Embed, &["torchscript", "dynamo"]),
        ("mpnet-score", Task::Score, &["torchscript", "dynamo"]),
        ("albert-embed", Task::Embed, &["torchscript", "dynamo"]),
    ] {
        let exports: Vec<PathBuf> =
            exporters.iter().map(|exporter| data().join(format!("onnx/{name}-{exporter}.onnx"))).collect();
        check(&data().join("models").join(name), &exports, task);
    }
}

/// Made by hand, with the recipe of the small models: `MODELDEPLOY_MINILM_ONNX` names the file.
#[test]
fn all_minilm_exported_by_hand_gives_the_pack_of_its_checkpoint() {
    let Some(folder) = shared("models/all-MiniLM-L6-v2") else { return };
    let Some(onnx) = std::env::var_os("MODELDEPLOY_MINILM_ONNX") else {
        modeldeploy_house::skipped("MODELDEPLOY_MINILM_ONNX names no export of all-MiniLM-L6-v2");
        return;
    };
    check(&folder, &[onnx.into()], Task::Embed);
}

fn refused(folder: &Path, onnx: &Path, task: Task, parts: &[&str]) {
    let copy = exported(folder, onnx);
    let errors = load(copy.path(), &LoadOptions::new(task)).expect_err("a model that is not compiled");
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    for part in parts {
        assert!(errors.iter().any(|error| error.contains(part)), "{part}: {errors:#?}");
    }
}

#[test]
fn a_file_of_another_task_or_another_configuration_is_refused() {
    let models = data().join("models");
    let embed = data().join("onnx/bert-embed-dynamo.onnx");
    refused(
        &models.join("bert-score"),
        &embed,
        Task::Score,
        &["error[MD0115]: none of the outputs `last_hidden_state` is 1 numbers"],
    );
    let score = data().join("onnx/bert-score-dynamo.onnx");
    refused(
        &models.join("bert-embed"),
        &score,
        Task::Embed,
        &["error[MD0115]: none of the outputs `logits` is a row of 16 numbers"],
    );
    let copy = exported(&models.join("bert-embed"), &embed);
    let config = fs::read_to_string(copy.path().join("config.json")).expect("a configuration");
    fs::write(copy.path().join("config.json"), config.replace("\"vocab_size\": 160", "\"vocab_size\": 161"))
        .expect("written");
    let errors = load(copy.path(), &LoadOptions::new(Task::Embed)).expect_err("another vocabulary");
    assert!(errors[0].to_string().contains("has 160 rows, and the configuration says 161"), "{errors:?}");
}

#[test]
fn positions_that_count_another_padding_than_the_configuration_has_are_refused() {
    let roberta = data().join("onnx/roberta-embed-torchscript.onnx");
    let copy = exported(&data().join("models/roberta-embed"), &roberta);
    let config = fs::read_to_string(copy.path().join("config.json")).expect("a configuration");
    fs::write(copy.path().join("config.json"), config.replace("\"pad_token_id\": 1", "\"pad_token_id\": 3"))
        .expect("written");
    let errors = load(copy.path(), &LoadOptions::new(Task::Embed)).expect_err("another padding");
    assert!(errors[0].to_string().contains("the file's padding has the id 1, and the configuration's"), "{errors:?}");
}

#[test]
fn external_data_outside_the_folder_are_refused() {
    let attacks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/attacks/onnx");
    let folder = data().join("models/bert-embed");
    for attack in ["external_outside", "external_absolute"] {
        let parts = ["error[MD1705]: the tensor `w`", "leads out of the model's folder"];
        refused(&folder, &attacks.join(attack), Task::Embed, &parts);
    }
}

#[test]
fn a_recommender_is_no_encoder() {
    let Some(ncf) = shared("models/ncf") else { return };
    let folder = data().join("models/bert-embed");
    refused(
        &folder,
        &ncf.join("ncf.onnx"),
        Task::Embed,
        &["error[MD0115]: the input `user_input_0` is not one of an encoder's"],
    );
}
