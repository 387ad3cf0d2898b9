//! A small encoder of two layers, 32 wide, as the passes leave one.

use modeldeploy_compiler::compress::Sample;
use modeldeploy_compiler::compressed::CompressedModel;
use modeldeploy_compiler::graph::{Constant, Graph};
use modeldeploy_format::{DType, Digest, Signature, Task};

const WIDTH: usize = 32;
const WORDS: usize = 50;
const MAX_TOKENS: u32 = 24;

/// A layer; `shared` gives each layer the same weights.
fn layer(at: usize, shared: bool) -> String {
    let p = if shared { "layer".to_owned() } else { format!("layer.{at}") };
    let x = if at == 0 { "norm".to_owned() } else { format!("out{}", at - 1) };
    let constants: String =
        [("q", "32, 32"), ("k", "32, 32"), ("v", "32, 32"), ("o", "32, 32"), ("up", "96, 32"), ("down", "32, 96")]
            .iter()
            .map(|(name, shape)| {
                let n = shape.split(',').next().expect("two sizes");
                let (w, b) = (format!("{p}.{name}.weight"), format!("{p}.{name}.bias"));
                let line = |label: &str, tensor: &str, shape: &str| {
                    if shared && at > 0 {
                        String::new()
                    } else {
                        format!("%{label} = constant \"{tensor}\" f32[{shape}]\n")
                    }
                };
                line(&w, &w, shape) + &line(&b, &b, n)
            })
            .collect();
    let linear = |name: &str| format!("%{p}.{name}.weight, %{p}.{name}.bias");
    format!(
        r#"{constants}
%q{at} = dense{{activation=identity, bias=true}}(%{x}, {}) "l{at}.q"
%k{at} = dense{{activation=identity, bias=true}}(%{x}, {}) "l{at}.k"
%v{at} = dense{{activation=identity, bias=true}}(%{x}, {}) "l{at}.v"
%a{at} = attention{{heads=4, scale=0.35355338}}(%q{at}, %k{at}, %v{at}) "l{at}.attention"
%o{at} = dense{{activation=identity, bias=true, residual=true}}(%a{at}, {}, %{x}) "l{at}.o"
%mid{at} = layer_norm{{epsilon=1e-6}}(%o{at}, %gamma, %beta) "l{at}.mid"
%up{at} = dense{{activation=gelu, bias=true}}(%mid{at}, {}) "l{at}.up"
%down{at} = dense{{activation=identity, bias=true, residual=true}}(%up{at}, {}, %mid{at}) "l{at}.down"
%out{at} = layer_norm{{epsilon=1e-6}}(%down{at}, %gamma, %beta) "l{at}.out"
"#,
        linear("q"),
        linear("k"),
        linear("v"),
        linear("o"),
        linear("up"),
        linear("down"),
    )
}

/// Token, position and type embeddings, two layers, the mean, unit length.
pub(crate) fn graph(shared: bool) -> Graph {
    let text = format!(
        r#"
%ids = input{{of=token_ids}}()
%types = input{{of=token_types}}()
%at = input{{of=positions}}()
%words = constant "words" f32[{WORDS}, {WIDTH}]
%places = constant "places" f32[{MAX_TOKENS}, {WIDTH}]
%kinds = constant "kinds" f32[2, {WIDTH}]
%gamma = constant "gamma" f32[{WIDTH}]
%beta = constant "beta" f32[{WIDTH}]
%sum = embed_sum(%words, %ids, %places, %at, %kinds, %types) "embeddings"
%norm = layer_norm{{epsilon=1e-6}}(%sum, %gamma, %beta) "embeddings.norm"
{}{}
%pool = pool{{pooling=mean}}(%out1) "pool"
%unit = normalize(%pool) "unit"
output %unit
"#,
        layer(0, shared),
        layer(1, shared),
    );
    Graph::parse(&text, &|name, dtype, shape| Some(constant(name, dtype, shape))).expect("the text of a graph")
}

/// Numbers that look random, seeded by the name: about 1/√width, gamma about 1 with two wide columns.
pub(crate) fn constant(name: &str, dtype: DType, shape: &[usize]) -> Constant {
    assert_eq!(dtype, DType::F32);
    let mut state = name.bytes().fold(17_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32) / (1 << 23) as f32 - 1.0
    };
    let scale = if shape.len() == 1 { 0.1 } else { 0.3 };
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|at| match (name, at) {
            ("gamma", 5 | 9) => 6.0,
            ("gamma", _) => 1.0 + 0.2 * random(),
            ("beta", 5) => 4.0,
            _ => scale * random(),
        })
        .collect();
    Constant::f32(shape, &values)
}

/// Texts of 1 to 20 tokens.
pub(crate) fn samples(count: usize) -> Vec<Sample> {
    (0..count)
        .map(|text| {
            let ids: Vec<u32> =
                (0..1 + (text * 7) % 20).map(|at| ((text * 31 + at * 17 + at * at) % WORDS) as u32).collect();
            let types = ids.iter().enumerate().map(|(at, _)| u32::from(at > 10)).collect();
            Sample { ids, types }
        })
        .collect()
}

/// The model of a graph.
pub(crate) fn model(graph: Graph) -> CompressedModel {
    let signature = Signature {
        task: Task::Embed,
        max_tokens: MAX_TOKENS,
        outputs: WIDTH as u32,
        normalized: true,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: vec![],
    };
    CompressedModel { graph, signature, tokenizer: vec![1, 2, 3], space: Digest::of(b"a space") }
}
