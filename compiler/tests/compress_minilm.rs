//! What compression costs a real model: all-MiniLM-L6-v2 on texts that it was not calibrated on.
//!
//! The model is read in place from `../shared/data`; where that is absent the test says so and ends.

use modeldeploy::session::{Batch, Capacity, Session};
use modeldeploy_compiler::compress::{Precision, Recipe, Sample, calibration_texts, compress};
use modeldeploy_compiler::compressed::CompressedModel;
use modeldeploy_compiler::emit::pack;
use modeldeploy_compiler::graph::{Bytes, Constant, Graph};
use modeldeploy_compiler::reference::Reference;
use modeldeploy_format::{Artifact, DType, Digest, Signature, Task};
use safetensors::SafeTensors;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokenizers::Tokenizer;

const TEXTS: usize = 300;

fn shared(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(path)
}

/// The model's graph as the passes leave it.
fn graph(file: &Bytes) -> Graph {
    let bytes: &[u8] = (**file).as_ref();
    let tensors = SafeTensors::deserialize(bytes).expect("a safetensors file");
    let mut text =
        "%ids = input{of=token_ids}()\n%types = input{of=token_types}()\n%at = input{of=positions}()\n".to_owned();
    for name in tensors.names() {
        let view = tensors.tensor(name).expect("a tensor");
        if view.dtype() == safetensors::Dtype::F32 {
            writeln!(text, "%{name} = constant \"{name}\" f32{:?}", view.shape()).expect("a line");
        }
    }
    let norm = |out: &str, x: &str, name: &str| {
        format!("%{out} = layer_norm{{epsilon=1e-12}}(%{x}, %{name}.weight, %{name}.bias) \"{name}\"\n")
    };
    let linear = |out: &str, x: &str, name: &str, activation: &str, residual: Option<&str>| {
        let (flag, input) =
            residual.map_or(("", String::new()), |residual| (", residual=true", format!(", %{residual}")));
        format!(
            "%{out} = dense{{activation={activation}, bias=true{flag}}}(%{x}, %{name}.weight, %{name}.bias{input}) \"{name}\"\n"
        )
    };
    text += "%sum = embed_sum(%embeddings.word_embeddings.weight, %ids, %embeddings.position_embeddings.weight, %at, \
             %embeddings.token_type_embeddings.weight, %types) \"embeddings\"\n";
    text += &norm("x0", "sum", "embeddings.LayerNorm");
    for layer in 0..6 {
        let p = format!("encoder.layer.{layer}");
        let x = format!("x{layer}");
        let at = |name: &str| format!("{name}{layer}");
        for name in ["query", "key", "value"] {
            text += &linear(&at(name), &x, &format!("{p}.attention.self.{name}"), "identity", None);
        }
        let inputs = format!("%{}, %{}, %{}", at("query"), at("key"), at("value"));
        text += &format!("%a{layer} = attention{{heads=12, scale=0.17677669}}({inputs}) \"{p}.attention\"\n");
        text += &linear(&at("o"), &at("a"), &format!("{p}.attention.output.dense"), "identity", Some(&x));
        text += &norm(&at("m"), &at("o"), &format!("{p}.attention.output.LayerNorm"));
        text += &linear(&at("u"), &at("m"), &format!("{p}.intermediate.dense"), "gelu", None);
        text += &linear(&at("d"), &at("u"), &format!("{p}.output.dense"), "identity", Some(&at("m")));
        text += &norm(&format!("x{}", layer + 1), &at("d"), &format!("{p}.output.LayerNorm"));
    }
    text += "%pool = pool{pooling=mean}(%x6) \"pool\"\n%unit = normalize(%pool) \"unit\"\noutput %unit\n";
    let constant = |name: &str, dtype: DType, shape: &[usize]| {
        let data = tensors.tensor(name).ok()?.data();
        let start = data.as_ptr().addr() - bytes.as_ptr().addr();
        Constant::within(dtype, shape.to_vec(), Arc::clone(file), start..start + data.len()).ok()
    };
    let mut graph = Graph::parse(&text, &constant).expect("the model's graph");
    graph.remove_dead();
    graph
}

fn sample(tokenizer: &Tokenizer, text: &str) -> Sample {
    let encoding = tokenizer.encode(text, true).expect("tokens");
    Sample { ids: encoding.get_ids().to_vec(), types: encoding.get_type_ids().to_vec() }
}

/// Titles and queries of the shop, evenly taken.
fn texts() -> Vec<String> {
    let products = std::fs::read_to_string(shared("search/chorus/products.jsonl")).expect("the products");
    let titles: Vec<String> = products
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()?["title"].as_str().map(str::to_owned))
        .filter(|title| !title.is_empty())
        .collect();
    let judgments = std::fs::read_to_string(shared("search/chorus/judgments.tsv")).expect("the judgments");
    let mut queries: Vec<String> =
        judgments.lines().skip(1).filter_map(|line| line.split('\t').next().map(str::to_owned)).collect();
    queries.sort();
    queries.dedup();
    let step = titles.len() / (TEXTS - queries.len());
    titles.into_iter().step_by(step).chain(queries).collect()
}

/// The mean and the least cosine of the pack's vectors to the reference's, over texts that the model was not calibrated on.
fn check(precision: Precision, mean: f64, least: f64) {
    let folder = shared("models/all-MiniLM-L6-v2");
    let Ok(weights) = std::fs::read(folder.join("model.safetensors")) else {
        modeldeploy_house::skipped(&format!("{} is not here", folder.display()));
        return;
    };
    let graph = graph(&(Arc::new(weights) as Bytes));
    let mut tokenizer = Tokenizer::from_file(folder.join("tokenizer.json")).expect("the tokenizer");
    tokenizer.with_padding(None);
    let samples: Vec<Sample> = calibration_texts().map(|text| sample(&tokenizer, text)).collect();
    let compressed = compress(&graph, &Recipe::of(precision), &samples, &mut |_| {}).expect("a compressed graph");
    let signature = Signature {
        task: Task::Embed,
        max_tokens: 128,
        outputs: 384,
        normalized: true,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: vec![],
    };
    let model = CompressedModel { graph: compressed, signature, tokenizer: vec![], space: Digest::of(b"a space") };
    let bytes = pack(&model, vec![]).expect("a pack");
    let artifact = Artifact::parse(&bytes).expect("a pack");
    let mut session = Session::new(&artifact, Capacity::new(128, 1)).expect("a session");
    let reference = Reference::new(&graph).expect("a reference");
    let texts = texts();
    assert!(texts.len() >= TEXTS);
    let cosines: Vec<f64> = texts
        .iter()
        .map(|text| {
            let Sample { ids, types } = sample(&tokenizer, text);
            let want = reference.run(&ids, &types).expect("a vector");
            let starts = [0, ids.len() as u32];
            let got = session.run(&Batch { ids: &ids, types: &types, starts: &starts }).expect("a vector");
            want.iter().zip(got).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        })
        .collect();
    let got_mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
    let got_least = cosines.iter().copied().fold(1.0, f64::min);
    println!("{precision}: mean cosine {got_mean:.7}, least {got_least:.7}, {} bytes", bytes.len());
    assert!(got_mean >= mean && got_least >= least, "{precision}: mean {got_mean}, least {got_least}");
}

#[test]
fn f32_is_the_reference() {
    check(Precision::F32, 0.999_999, 0.999_999);
}

#[test]
fn bf16_is_near() {
    check(Precision::Bf16, 0.9999, 0.9999);
}

#[test]
fn int8_keeps_its_promise() {
    check(Precision::Int8, 0.9991, 0.997);
}
