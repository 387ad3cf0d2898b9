//! Valid inputs for the targets that only meet refusals otherwise: `seeds FOLDER` fills `FOLDER/<target>` from the compiler's small
//! models. A target in name only, so that `cargo fuzz` builds it with the others.

#[path = "../audit/tests/attacks/elf.rs"]
mod elf;
#[allow(dead_code, reason = "the tests put together more than these")]
#[path = "../image/tests/images/forge.rs"]
mod forge;
#[path = "../runtime/tests/packs/mod.rs"]
mod packs;
mod operators;
mod requests;
#[path = "../audit/tests/attacks/shop.rs"]
mod shop;
mod signatures;

// What the instrumentation of every function calls.
use libfuzzer_sys as _;
use modeldeploy_compiler::compress::{Precision, Recipe, Sample, Smoothing, compress};
use modeldeploy_compiler::compressed::CompressedModel;
use modeldeploy_compiler::emit;
use modeldeploy_compiler::front::{LoadOptions, Loaded, load};
use modeldeploy_compiler::passes;
use modeldeploy_compiler::trees;
use modeldeploy_format::index::{Codes, Values};
use modeldeploy_format::{Digest, Task, index};
use std::path::{Path, PathBuf};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../compiler/tests/data/models");

/// One of each kind of step that a program can have: embeddings, biases by distance, pooling, heads.
const PACKS: [(&str, Task); 4] = [
    ("bert-embed", Task::Embed),
    ("mpnet-embed", Task::Embed),
    ("distilbert-score", Task::Score),
    ("xlm-roberta-classify", Task::Classify),
];

const SUITE: &str = "kind = \"search\"\nrank = \"judged\"\nmetrics = [\"ndcg@10\", \"recall@10\", \"mrr\"]\n\
                     [corpus]\nfile = \"corpus.jsonl\"\nid = \"id\"\ntext = \"{title}, {kind}\"\n\
                     [queries]\nfile = \"queries.tsv\"\n[judgments]\nfile = \"judgments.tsv\"\n\0\
                     {\"id\": \"p1\", \"title\": \"Pan\", \"kind\": \"pans\"}\n{\"id\": 2, \"title\": \"壶\", \"kind\": \"\"}\n\0\
                     q1\tpan\nq2\t壶\n\0q1\tp1\t3\nq2\t2\t1.5\nq2\tp1\t0\n";
/// Trees of either library, with a set of categories.
const LIGHTGBM: &str = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=1\nobjective=binary sigmoid:1\n\
                        feature_names=a b\n\nTree=0\nnum_leaves=3\nnum_cat=1\nsplit_feature=1 0\nthreshold=0 10\n\
                        decision_type=1 10\nleft_child=-1 -2\nright_child=1 -3\nleaf_value=0.5 1 2\ncat_boundaries=0 1\n\
                        cat_threshold=5\n\nend of trees\n";
const XGBOOST: &str = "{\"learner\":{\"feature_names\":[],\"gradient_booster\":{\"name\":\"gbtree\",\"model\":{\"tree_info\":[0],\
                       \"trees\":[{\"left_children\":[1,-1,3,-1,-1],\"right_children\":[2,-1,4,-1,-1],\"split_indices\":[0,0,1,0,0],\
                       \"split_conditions\":[1.5,2,3,4,5],\"default_left\":[1,0,0,0,0],\"split_type\":[0,0,1,0,0],\"categories\":[1,3],\
                       \"categories_nodes\":[2],\"categories_segments\":[0],\"categories_sizes\":[2]}]}},\"learner_model_param\":\
                       {\"base_score\":\"5E-1\",\"num_class\":\"0\",\"num_feature\":\"2\"},\"objective\":{\"name\":\
                       \"reg:squarederror\"}}}";
const CLASSIFY: &str = "kind = \"classify\"\n[examples]\nfile = \"corpus.jsonl\"\ntext = \"text\"\nlabel = \"label\"\n\0\
                        {\"text\": \"good\", \"label\": \"positive\"}\n";

/// A request of each form, after the line that says whose it is.
const REQUESTS: [&str; 32] = [
    "oip\n{\"id\":\"7\",\"inputs\":[{\"name\":\"text\",\"shape\":[1,2],\"datatype\":\"BYTES\",\"data\":[[\"a\",\"手\"]]}],\
     \"outputs\":[{\"name\":\"embedding\",\"parameters\":{\"binary_data\":true}}]}",
    "oip 99\n{\"inputs\":[{\"name\":\"text\",\"shape\":[1],\"datatype\":\"BYTES\",\"parameters\":{\"binary_data_size\":5}}]}    \x01\0\0\0a",
    "oip 0\nphone",
    "openai\n{\"model\":\"m\",\"input\":[\"a\",\"手机\"],\"encoding_format\":\"base64\",\"dimensions\":2,\"user\":\"u\"}",
    "openai\n{\"model\":\"m\",\"input\":[[1,2],[3]]}",
    "tei /embed\n{\"inputs\":[\"a\",\"手\"],\"truncate\":true,\"truncation_direction\":\"right\",\"normalize\":false}",
    "tei /rerank\n{\"query\":\"a\",\"texts\":[\"b\",\"c\"],\"raw_scores\":true,\"return_text\":true}",
    "tei /predict\n{\"inputs\":[[\"a\"],[\"b\",\"c\"]],\"raw_scores\":false}",
    "tei /similarity\n{\"inputs\":{\"source_sentence\":\"a\",\"sentences\":[\"b\"]},\"parameters\":{\"truncate\":true}}",
    "tfserving predict\n{\"signature_name\":\"serving_default\",\"instances\":[\"a\",{\"text\":\"b\"},{\"b64\":\"YQ==\"},[\"c\",\"d\"]]}",
    "tfserving classify\n{\"context\":{\"text\":\"a\"},\"examples\":[{}]}",
    "torchserve application/json\n{\"instances\":[{\"data\":\"a\"},{\"body\":[\"b\",\"c\"]}]}",
    "torchserve multipart/form-data; boundary=b\n--b\r\nContent-Disposition: form-data; name=\"data\"\r\nContent-Type: application/json\r\n\r\n[\"a\"]\r\n--b--\r\n",
    "torchserve application/x-www-form-urlencoded\na=b&data=%E6%89%8B+c",
    "mlflow application/json\n{\"dataframe_split\":{\"columns\":[\"t\"],\"index\":[0],\"data\":[[\"a\"]]},\"params\":{}}",
    "mlflow text/csv\nt,u\r\n\"a \"\"b\"\"\",手\r\n",
    "oip-ranked\n{\"inputs\":[{\"name\":\"seen\",\"shape\":[2],\"datatype\":\"INT64\",\"data\":[1,2]},{\"name\":\"country\",\"shape\":[1],\"datatype\":\"BYTES\",\"data\":[\"fr\"]},{\"name\":\"item\",\"shape\":[2,1],\"datatype\":\"INT32\",\"data\":[[1],[2]]},{\"name\":\"boost\",\"shape\":[2],\"datatype\":\"FP64\",\"data\":[0.5,null]}]}",
    "tfserving-ranked\n{\"instances\":[{\"seen\":[1,null],\"country\":\"fr\",\"item\":1,\"boost\":NaN}]}",
    "tfserving-ranked\n{\"instances\":[{\"seen\":[],\"country\":\"fr\",\"item\":1,\"boost\":-Infinity}]}",
    "tfserving-ranked\n{\"inputs\":{\"seen\":[[1]],\"country\":[null],\"item\":[1,2],\"boost\":[1e-9,2]}}",
    "torchserve-ranked multipart/form-data; boundary=b\n--b\r\nContent-Disposition: form-data; name=\"body\"\r\nContent-Type: application/json\r\n\r\n{\"seen\":[],\"country\":\"fr\",\"item\":1,\"boost\":1}\r\n--b--\r\n",
    "torchserve-ranked application/json\n{\"instances\":[{\"seen\":[],\"country\":\"fr\",\"item\":1,\"boost\":1}]}",
    "mlflow-ranked application/json\n{\"dataframe_split\":{\"columns\":[\"item\",\"boost\",\"seen\",\"country\"],\"data\":[[1,0.5,[1],\"fr\"]]}}",
    "mlflow-ranked text/csv\nseen,country,item,boost\n\"[1,2]\",fr,1,\n\"[1,2]\",fr,2,0.5\n",
    "oip-matched\n{\"inputs\":[{\"name\":\"query\",\"shape\":[1,3],\"datatype\":\"FP32\",\"data\":[0.5,-1,0.25]},{\"name\":\"title\",\"shape\":[2,3],\"datatype\":\"FP64\",\"data\":[[1,2,3],[4,5,6]]},{\"name\":\"boost\",\"shape\":[2],\"datatype\":\"FP64\",\"data\":[0.5,null]}]}",
    "oip-matched 239\n{\"inputs\":[{\"name\":\"query\",\"shape\":[3],\"datatype\":\"FP32\",\"parameters\":{\"binary_data_size\":12}},{\"name\":\"title\",\"shape\":[1,3],\"datatype\":\"INT8\",\"parameters\":{\"binary_data_size\":3}},{\"name\":\"boost\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[1]}]}\0\0\0\x3f\0\0\x40\x40\0\0\0\0\x01\x02\x03",
    "tfserving-matched\n{\"instances\":[{\"query\":[1,2,3],\"title\":[[4,5,6]],\"boost\":1}]}",
    "tfserving-matched\n{\"inputs\":{\"query\":[[1,2,3]],\"title\":[[4,5,6],[7,8,9]],\"boost\":[1,2]}}",
    "mlflow-matched text/csv\nquery,title,boost\n\"[1,2,3]\",\"[4,5,6]\",1\n",
    "oip-grpc\n\x0a\x07encoder\x2a\x15\x0a\x04text\x12\x05BYTES\x1a\x01\x01\x2a\x03\x42\x01a",
    "tfserving-predict\n\x0a\x03\x0a\x01m\x12\x13\x0a\x04text\x12\x0b\x08\x07\x12\x04\x12\x02\x08\x01\x42\x01a",
    "tfserving-examples\n\x0a\x13\x0a\x11\x0a\x0f\x0a\x0d\x0a\x04text\x12\x05\x0a\x03\x0a\x01a",
];

fn main() {
    // `cargo fuzz run` puts flags for a target before it.
    let corpus = PathBuf::from(std::env::args_os().skip(1).last().expect("the folder of the corpora"));
    let put = |target: &str, name: &str, bytes: &[u8]| {
        std::fs::create_dir_all(corpus.join(target)).expect("a folder");
        std::fs::write(corpus.join(target).join(name), bytes).expect("a file");
    };
    for (model, task) in PACKS {
        let mut loaded = load(&Path::new(MODELS).join(model), &LoadOptions::new(task)).expect("a model");
        passes::run(&mut loaded.graph);
        for precision in Precision::ALL {
            put("pack", &format!("{model}-{precision}"), &pack(&loaded, precision));
        }
    }
    for precision in [packs::Precision::F32, packs::Precision::Bf16, packs::Precision::Int8] {
        put("pack", &format!("network-{precision:?}"), &packs::network::build(precision, true).pack);
    }
    for entry in std::fs::read_dir(MODELS).expect("the small models") {
        let folder = entry.expect("an entry").path();
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        for file in ["config.json", "model.safetensors", "model.safetensors.index.json"] {
            if let Ok(bytes) = std::fs::read(folder.join(file)) {
                put("model_folder", &format!("{name}-{file}"), &bytes);
            }
        }
        let mut tokenizer = std::fs::read(folder.join("tokenizer.json")).expect("a tokenizer");
        tokenizer.extend("\0wireless headphones 手机 é".bytes());
        put("tokenizer", &name, &tokenizer);
    }
    let exported = ["../onnx", "../onnx/rankers"].map(|folder| Path::new(MODELS).join(folder));
    let exported = exported.iter().flat_map(|folder| std::fs::read_dir(folder).expect("exported models"));
    for path in exported.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file()) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).expect("a model");
        put("onnx", &name, &bytes);
        put("interpreter", &name, &bytes);
    }
    let operators = operators::seeds();
    assert!(operators.len() > 300, "{} operators are read", operators.len());
    operators.iter().for_each(|(name, bytes)| put("interpreter", name, bytes));
    // ONNX's own tests, where they are.
    let tests = std::fs::read_dir(Path::new(MODELS).join("../../../../../shared/data/onnx-node"));
    for test in tests.into_iter().flatten().map(|entry| entry.expect("an entry").path()) {
        if let Ok(bytes) = std::fs::read(test.join("model.onnx")) {
            put("interpreter", &test.file_name().expect("a name").to_string_lossy(), &bytes);
        }
    }
    let mut wrong = vec![];
    for (at, request) in REQUESTS.iter().enumerate() {
        let decoded = requests::decode(request.as_bytes());
        if decoded != Some(Ok(())) {
            wrong.push((request, decoded));
        }
        put("protocols", &format!("request-{at}"), request.as_bytes());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for folder in ["scikit/1.9", "scikit/1.2", "onnx", "onnx/questions"] {
        let folder = Path::new(MODELS).join("../trees").join(folder);
        for path in std::fs::read_dir(folder).expect("trees").map(|entry| entry.expect("an entry").path()) {
            if path.extension().is_some_and(|form| form == "pkl" || form == "joblib" || form == "onnx") {
                let bytes = std::fs::read(&path).expect("a model");
                assert!(trees::read("a model", &bytes).or_else(|_| trees::read_onnx("a model", bytes.clone())).is_ok());
                put("trees", &path.file_name().expect("a name").to_string_lossy(), &bytes);
            }
        }
    }
    put("trees", "lightgbm", LIGHTGBM.as_bytes());
    put("trees", "xgboost", XGBOOST.as_bytes());
    let ensemble = trees::read("lightgbm", LIGHTGBM.as_bytes()).expect("trees");
    put("trees", "forest", &trees::pack(&ensemble, "lightgbm").expect("a forest"));
    trees::read("xgboost", XGBOOST.as_bytes()).expect("trees");
    put("suite", "search", SUITE.as_bytes());
    put("suite", "classify", CLASSIFY.as_bytes());
    let (space, ids) = (Digest::of(b"space"), ["p1", "壶"]);
    put("index", "two_rows", &index::write(&space, 3, &ids, Values::F32(&[0.5; 6])));
    let codes = Codes { panels: &[1; 64], scales: &[0.5; 2], sums: &[3; 2] };
    put("index", "two_rows_int8", &index::write(&space, 3, &ids, Values::Int8(codes)));
    let program = shop::Shop::new();
    let audited = modeldeploy_audit::audit(&program.program()).expect("a program that is right");
    assert_eq!(audited.held.len(), program.packs.len());
    put("audit", "program", &program.program());
    let mut attached = program.sections();
    attached[3].0 = ".modeldeploy-attached";
    put("audit", "attached", &elf::elf(elf::X86_64, &attached));
    put("audit", "bill", &program.bill);
    put("audit", "crates", &program.crates);
    let entries = [
        vec![forge::folder("app/"), forge::file("app/shop", b"old"), forge::file("app/notes", b"")],
        vec![forge::file("shop", &program.program()), forge::file("app/.wh.notes", b""), forge::link("till", "shop")],
        vec![forge::pax(&[("mtime", "1.5"), ("path", "a/long/name")]), forge::file("cut", b"bytes")],
    ];
    let image = forge::Forged::of(&entries);
    assert!(modeldeploy_image::read::open_archive(
        std::io::Cursor::new(forge::archive(&image.layout())),
        modeldeploy_image::read::Limits::default()
    )
    .is_ok_and(|found| found.path == "/shop"));
    put("image", "layout", &forge::archive(&image.layout()));
    put("image", "docker", &forge::archive(&image.docker()));
    entries.iter().enumerate().for_each(|(at, layer)| put("image", &format!("layer-{at}"), &forge::tar(layer)));
    let locked = modeldeploy_format::lock::Lock::parse(include_str!("../Model.lock")).expect("the example's lock");
    for model in &locked.models {
        let facts = modeldeploy_registry::artifact::Facts::of(model).expect("facts");
        let facts = modeldeploy_registry::artifact::Facts { version: semver::Version::new(1, 2, 0), ..facts };
        let manifest = modeldeploy_registry::artifact::Artifact::of(&facts).manifest;
        put("registry", &model.name, &[&b"m"[..], &manifest].concat());
    }
    put("registry", "index", b"i{\"schemaVersion\":2,\"manifests\":[]}");
    put("registry", "reference", b"roci://example.com:5000/search/query-encoder@^1.2");
    put("registry", "challenge", b"cBearer realm=\"https://a/token\",service=\"a\",scope=\"repository:a:pull\"");
    let lock = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../Model.lock")).expect("the example's lock");
    put("lock", "example", &lock);
    for (name, text) in signatures::seeds() {
        put("trust", name, text.as_bytes());
    }
}

/// The pack of a model; without its tokenizer, whose tables have a target of their own and are longer than all the rest.
fn pack(loaded: &Loaded, precision: Precision) -> Vec<u8> {
    let mut recipe = Recipe { smoothing: Smoothing::Off, ..Recipe::of(precision) };
    if precision == Precision::Int4 {
        // Tables alone have 4 bits.
        recipe.default = Precision::Int8;
        recipe.parts = [("embeddings".to_owned(), Precision::Int4)].into();
    }
    let sample = Sample { ids: (0..12).collect(), types: vec![0; 12] };
    let graph = compress(&loaded.graph, &recipe, &[sample], &mut |_| {}).expect("a compressed graph");
    let signature = loaded.signature.clone();
    let model = CompressedModel { graph, signature, tokenizer: vec![], space: Digest::of(b"seed") };
    emit::pack(&model, vec![]).expect("a pack").to_vec()
}
