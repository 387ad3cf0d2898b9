//! Whole models: one text of each length, and titles of mixed length as a service meets them.
//!
//! `cargo bench -p modeldeploy-benches --bench forward`. The model is the example's encoder, with its titles, unless
//! `MODELDEPLOY_BENCH_MODEL` names another model's folder and `MODELDEPLOY_BENCH_TEXTS` a file of texts, one a line.
//! Where there are two cores, two threads also work on one text together. The percentage is the part of the time that the multiply-accumulates alone would take on one core at the measured ceiling (for
//! bf16 that of f32, into which its weights are widened).

use modeldeploy::isa::Isa;
use modeldeploy::model::{Engine, Input};
use modeldeploy::session::{Batch, Capacity, Options, Session, Threads};
use modeldeploy::tokenizer::Encoding;
use modeldeploy_benches::machine::Work;
use modeldeploy_benches::model::{folder, macs, pack};
use modeldeploy_benches::part::Parts;
use modeldeploy_compiler::compress::Precision;
use modeldeploy_format::Artifact;
use std::path::Path;

const LENGTHS: [usize; 9] = [1, 4, 8, 16, 32, 64, 128, 256, 512];
const TITLES: usize = 64;

fn main() {
    let mut parts = Parts::from_args();
    let titles = titles();
    for precision in [Precision::Int8, Precision::Bf16, Precision::F32] {
        let pack = pack(&folder(), precision).unwrap_or_else(|said| panic!("{said}"));
        let artifact = Artifact::parse(&pack).expect("the compiler's own pack");
        let work = |macs| if precision == Precision::Int8 { Work::Int8(macs) } else { Work::Float(macs) };
        for isa in Isa::available().filter(|&isa| isa != Isa::SCALAR) {
            let most = artifact.signature().max_tokens as usize;
            let capacity = Capacity::new(most, 1);
            let several = Threads::new(2).ok().map(|two| (two, ", 2 threads"));
            for (threads, with) in [(Threads::ONE, "")].into_iter().chain(several) {
                let options = Options { isa, threads };
                let mut session = Session::with(&artifact, capacity, options).expect("a session");
                for len in LENGTHS.into_iter().filter(|&len| len <= most) {
                    let ids: Vec<u32> = (0..len as u32).map(|at| 5 + at * 37 % 1000).collect();
                    let (types, starts) = (vec![0; len], [0, len as u32]);
                    let batch = Batch { ids: &ids, types: &types, starts: &starts };
                    let name = format!("{precision}/{len} tokens{with}");
                    parts.bench("forward", isa, &name, work(macs(&artifact, &[len])), || {
                        session.run(&batch).expect("a batch within the capacity")[0]
                    });
                }
            }
            let engine = Engine::with_isa("the bench's pack", &pack, isa).expect("the compiler's own pack");
            let mut encoding = Encoding::new();
            let lengths: Vec<usize> = (titles.iter())
                .map(|title| {
                    engine.tokenizer().encode_into(title, None, engine.truncation(), &mut encoding).expect("a title");
                    encoding.len()
                })
                .collect();
            let name = format!("{precision}/{} titles of {} tokens", titles.len(), lengths.iter().sum::<usize>());
            parts.bench("titles", isa, &name, work(macs(&artifact, &lengths)), || {
                let inputs = titles.iter().map(|text| Input { text, ..Input::default() });
                let mut sum = 0.0;
                engine.run(inputs, |row| sum += row[0]).expect("titles");
                sum
            });
        }
    }
    parts.finish();
}

/// So many texts, taken evenly from all.
fn titles() -> Vec<String> {
    let all: Vec<String> = match std::env::var_os("MODELDEPLOY_BENCH_TEXTS") {
        Some(file) => std::fs::read_to_string(file).expect("the file of texts").lines().map(str::to_owned).collect(),
        None => {
            let file =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/product-search/catalogue/products.jsonl");
            let text = std::fs::read_to_string(file).expect("the example's catalogue");
            let row = |line| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
            text.lines().map(|line| row(line)["title_en"].as_str().expect("a title").to_owned()).collect()
        }
    };
    assert!(all.len() >= TITLES, "{} texts where {TITLES} are needed", all.len());
    (0..TITLES).map(|at| all[at * all.len() / TITLES].clone()).collect()
}
