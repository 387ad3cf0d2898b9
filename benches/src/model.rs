//! A model's folder as the pack that a service would ship, and how much arithmetic a forward of it is.

use modeldeploy::tokenizer::{Encoding, Tables, Tokenizer, Truncation};
use modeldeploy_compiler::compress::{Precision, Recipe, Sample, calibration_texts, compress};
use modeldeploy_compiler::compressed::CompressedModel;
use modeldeploy_compiler::front::{LoadOptions, load};
use modeldeploy_compiler::{emit, passes};
use modeldeploy_format::pack::Aligned;
use modeldeploy_format::program::{Rows, Step, Weights};
use modeldeploy_format::{Artifact, Digest, Task};
use std::path::{Path, PathBuf};

/// The folder that `MODELDEPLOY_BENCH_MODEL` names, or the example's encoder.
pub fn folder() -> PathBuf {
    std::env::var_os("MODELDEPLOY_BENCH_MODEL").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/product-search/models/query-encoder"),
        PathBuf::from,
    )
}

/// The folder's encoder as a pack, calibrated on the compiler's own texts.
///
/// # Errors
///
/// What the compiler says of the folder, a line each.
pub fn pack(folder: &Path, precision: Precision) -> Result<Aligned, String> {
    let said = |errors: Vec<modeldeploy_compiler::diagnostic::Diagnostic>| {
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let mut loaded = load(folder, &LoadOptions::new(Task::Embed)).map_err(said)?;
    passes::run(&mut loaded.graph);
    let tables = Tables::parse(&loaded.tokenizer).expect("the compiler's own tables");
    let tokenizer = Tokenizer::new(tables);
    let truncation = Truncation { max_len: loaded.signature.max_tokens, ..tokenizer.truncation() };
    let mut encoding = Encoding::default();
    let samples: Vec<Sample> = calibration_texts()
        .map(|text| {
            tokenizer.encode_into(text, None, truncation, &mut encoding).expect("a short text");
            let types = encoding.type_ids().iter().copied().map(u32::from).collect();
            Sample { ids: encoding.ids().to_vec(), types }
        })
        .collect();
    let graph = compress(&loaded.graph, &Recipe::of(precision), &samples, &mut |_| {}).map_err(said)?;
    let model = CompressedModel {
        graph,
        signature: loaded.signature,
        tokenizer: loaded.tokenizer,
        space: Digest::from_bytes([0; 32]),
    };
    emit::pack(&model, vec![]).map_err(said)
}

/// The multiply-accumulates of texts of so many tokens: those of the products, and of attention's scores and mixes.
pub fn macs(artifact: &Artifact<'_>, lengths: &[usize]) -> u64 {
    let program = artifact.program();
    let tokens: usize = lengths.iter().sum();
    let of_step = |step: &Step| match *step {
        Step::Linear { weights, out, .. } => {
            let (Weights::Float(codes) | Weights::Int8 { codes, .. }) = weights;
            let dims = &artifact.tensor(codes).dims;
            let rows = match program.slots[out.0 as usize].rows {
                Rows::Tokens => tokens,
                Rows::Texts => lengths.len(),
                Rows::Candidates => 0,
            };
            rows as u64 * u64::from(dims[0]) * u64::from(dims[1])
        }
        Step::Attention { q, .. } => lengths.iter().map(|len| 2 * (len * len) as u64 * u64::from(q.width)).sum(),
        _ => 0,
    };
    program.steps.iter().map(of_step).sum()
}
