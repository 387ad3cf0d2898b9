//! From text to ids: a short query, and the example's titles, beside the Hugging Face library on the same files.
//!
//! `cargo bench -p modeldeploy-benches --bench tokenizer`. The vocabulary is the example's unless `MODELDEPLOY_BENCH_TOKENIZER` names
//! another model's folder. `elem/s` are texts a second.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use modeldeploy::tokenizer::{Encoding, Tables, Tokenizer, Truncation};
use modeldeploy_compiler::front::{LoadOptions, load};
use modeldeploy_format::Task;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

const QUERIES: [&str; 3] = ["wireless headphones", "ink cartridge for office printer, black", "无线耳机"];

fn settings() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! {
    name = tokenizer;
    config = settings();
    targets = texts
}
criterion_main!(tokenizer);

fn texts(criterion: &mut Criterion) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/product-search");
    let folder = std::env::var_os("MODELDEPLOY_BENCH_TOKENIZER")
        .map_or_else(|| example.join("models/query-encoder"), PathBuf::from);
    let loaded = load(&folder, &LoadOptions::new(Task::Embed)).expect("a model's folder");
    let mut ours = Ours::new(Tables::parse(&loaded.tokenizer).expect("the compiler's own tables"));
    let mut theirs = tokenizers::Tokenizer::from_file(folder.join("tokenizer.json")).expect("a tokenizer.json");
    theirs.with_padding(None).with_truncation(None).expect("no truncation");
    let titles = titles(&example.join("catalogue/products.jsonl"));
    for title in &titles {
        assert_eq!(ours.ids(title), theirs.encode_fast(title.as_str(), true).expect("ids").get_ids(), "{title}");
    }

    let mut group = criterion.benchmark_group("query");
    for query in QUERIES {
        group.bench_function(format!("modeldeploy/{query}"), |b| b.iter(|| ours.ids(black_box(query)).len()));
        group.bench_function(format!("hugging-face/{query}"), |b| {
            b.iter(|| theirs.encode_fast(black_box(query), true).expect("ids").len());
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("titles");
    group.throughput(Throughput::Elements(titles.len() as u64));
    group.bench_function("modeldeploy", |b| b.iter(|| titles.iter().map(|title| ours.ids(title).len()).sum::<usize>()));
    group.bench_function("hugging-face", |b| {
        b.iter(|| {
            titles.iter().map(|title| theirs.encode_fast(title.as_str(), true).expect("ids").len()).sum::<usize>()
        });
    });
    group.finish();
}

struct Ours<'a> {
    tokenizer: Tokenizer<'a>,
    encoding: Encoding,
}

impl<'a> Ours<'a> {
    fn new(tables: Tables<'a>) -> Ours<'a> {
        Ours { tokenizer: Tokenizer::new(tables), encoding: Encoding::new() }
    }

    fn ids(&mut self, text: &str) -> &[u32] {
        self.tokenizer.encode_into(text, None, Truncation::NONE, &mut self.encoding).expect("a short text");
        self.encoding.ids()
    }
}

/// English and Chinese titles of the example's catalogue.
fn titles(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("the example's catalogue");
    let rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    rows.flat_map(|row| ["title_en", "title_zh"].map(|key| row[key].as_str().expect("a title").to_owned())).collect()
}
