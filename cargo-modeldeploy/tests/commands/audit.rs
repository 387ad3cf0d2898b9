//! What a program is asked of its models, from the build that makes it to the byte that is changed in it.

use crate::shop::{Said, Shop};
use crate::weights;
use modeldeploy_audit::{Refusal, audit};
use modeldeploy_format::Digest;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const GATE: &str = "license = \"MIT\"\ngate = { suite = \"eval/suite.toml\", metric = \"ndcg@10\", min-ratio = 0.5, min-cosine = 0.5 }\n";
const INDEX: &str = "\n[package.metadata.modeldeploy.index.products]\nmodel = \"encoder\"\n\
                     source = \"eval/products.jsonl\"\nid = \"id\"\ntext = \"{title}\"\n";
const MAIN: &str = "#[modeldeploy::model(\"encoder\")]\nstruct Encoder;\n\
                    #[modeldeploy::index(\"products\", of = Encoder)]\nstruct Products;\n\n\
                    fn main() {\n    let query = Encoder::get().embed(\"tea\");\n    \
                    let hits = query.and_then(|query| Products::get().top(&query, 1));\n    match hits {\n        \
                    Ok(hits) => println!(\"{}\", hits.len()),\n        Err(error) => {\n            \
                    eprintln!(\"error: {error}\");\n            std::process::exit(1);\n        }\n    }\n}\n";

/// A service with a model and an index, built to be shipped.
fn built() -> (Shop, PathBuf) {
    let shop = Shop::with_encoder(GATE);
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime");
    let dependency = format!("\n[dependencies]\nmodeldeploy = {{ path = {runtime:?} }}\n");
    // Little is asked of its speed here.
    let profile = "\n[profile.release]\nopt-level = 0\nstrip = true\n";
    shop.append("Cargo.toml", &format!("{INDEX}{dependency}{profile}"));
    shop.write("src/main.rs", MAIN);
    let versions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    fs::copy(versions, shop.path("Cargo.lock")).expect("the versions that are here");
    // Cargo keeps of them what the shop needs, and a build to be shipped changes nothing of it any more.
    let mut cargo = Command::new(env!("CARGO"));
    shop.prepare(cargo.args(["metadata", "--format-version=1"]));
    Said::of(&mut cargo).code(0);
    shop.run(&["lock"]).code(0);
    shop.run(&["build", "--release"]).code(0).errs(&["Setting one codegen unit"]);
    let program = shop.path("target/release/shop");
    (shop, program)
}

#[test]
fn a_program_says_what_is_inside_and_no_byte_of_it_can_be_another() {
    let (shop, program) = built();
    let shown = program.display().to_string();
    assert_eq!(Said::of(&mut Command::new(&program)).code(0).out, "1\n");

    let pack = Digest::of(&fs::read(shop.stored("pack")).expect("the pack")).to_string();
    shop.run(&["audit", &shown]).code(0).says(&[
        "encoder 0.1.0",
        "licence  MIT",
        "models/bert-embed",
        &pack,
        "quantize int8",
        "ndcg@10",
        "asked: min-cosine 0.5",
        "products (index)\n  4 vectors of 16 by encoder",
        "of shop 0.1.0",
        "profile release",
        "every byte of its models is as locked; it is not signed",
    ]);
    let facts = shop.run(&["audit", &shown, "--format", "json"]).code(0).json();
    assert_eq!(facts["models"][0]["pack"][0]["digest"], pack);
    assert_eq!(facts["unnamed"], serde_json::json!([]));
    let crates: Vec<_> = facts["crates"].as_array().expect("crates").iter().collect();
    let kind = |name: &str| crates.iter().find(|it| it["name"] == name).map(|it| it["kind"].clone());
    // What is linked, what expands, and what only tests need.
    assert_eq!([kind("memmap2"), kind("syn"), kind("proptest")], [Some(().into()), Some("build".into()), None]);

    // cargo-auditable's own reader finds the crates.
    let theirs = auditable_info::audit_info_from_file(&program, Default::default()).expect("a list of crates");
    assert_eq!(theirs.packages.len(), crates.len());

    stripped_programs_say_the_same(&shop, &program);
    let sections = [".modeldeploy", ".modeldeploy-places", ".modeldeploy-bill", ".dep-v0"];
    single_bytes_are_noticed(&fs::read(&program).expect("the program"), &sections);
    weights::every_way(&shop, &program, single_bytes_are_noticed);
}

fn stripped_programs_say_the_same(shop: &Shop, program: &Path) {
    let before = shop.run(&["audit", &program.display().to_string(), "--format", "json"]).code(0).json();
    for strip in ["strip", "llvm-strip"] {
        let copy = shop.path(strip);
        fs::copy(program, &copy).expect("a copy");
        let Ok(status) = Command::new(strip).arg("--strip-all").arg(&copy).status() else {
            eprintln!("{strip} is not here: skipped");
            continue;
        };
        assert!(status.success(), "{strip}");
        let after = shop.run(&["audit", &copy.display().to_string(), "--format", "json"]).code(0).json();
        assert_eq!(after, before, "{strip}");
    }
}

/// A thousand places over these sections, in their proportion, and each byte of the second, which has the records; the first has packs.
fn single_bytes_are_noticed(program: &[u8], sections: &[&str]) {
    use object::{Object, ObjectSection};
    let file = object::File::parse(program).expect("a program");
    let range = |name: &&str| {
        let (start, size) = file.section_by_name(name).expect(name).file_range().expect("in the file");
        start as usize..(start + size) as usize
    };
    let ranges: Vec<_> = sections.iter().map(range).collect();
    let whole: Vec<usize> = ranges.iter().cloned().flatten().collect();
    let spread = (0..1000).map(|at| whole[at * whole.len() / 1000]);
    let mut changed = program.to_vec();
    for at in spread.chain(ranges[1].clone()) {
        changed[at] ^= 1 << (at % 8);
        let refused = audit(&changed);
        assert!(matches!(refused, Err(Refusal::Altered(_))), "byte {at:#x}: {refused:?}");
        changed[at] = program[at];
    }
    assert!(audit(&changed).is_ok());
    let middle = ranges[0].start + ranges[0].len() / 2;
    changed[middle] ^= 1;
    let said = audit(&changed).expect_err("a changed weight").to_string();
    assert!(said.contains("the pack of model `encoder` has the digest sha256:"), "{said}");
    for cut in [100, middle, program.len() - 1] {
        assert!(audit(&program[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn what_holds_no_model_is_told_from_what_is_no_program() {
    let shop = Shop::empty();
    let own = env!("CARGO_BIN_EXE_cargo-modeldeploy");
    shop.run(&["audit", own]).code(0).says(&["holds no model"]);
    let facts = shop.run(&["audit", own, "--format", "json"]).code(0).json();
    assert_eq!((&facts["models"], &facts["toolchain"]), (&serde_json::json!([]), &().into()));

    shop.write("script", "#!/bin/sh\n");
    shop.write("empty", "");
    shop.write("app.exe", "MZ and more");
    let elf = fs::read(own).expect("this program");
    let head = |length: usize| elf[..length].to_vec();
    let upx = [&elf[..200], b"UPX!", &elf[204..5000]].concat();
    for (name, bytes) in [("cut", head(elf.len() / 2)), ("header", head(64)), ("four", head(4)), ("upx", upx)] {
        fs::write(shop.path(name), bytes).expect("written");
    }
    for (name, said) in [
        ("script", "no executable"),
        ("empty", "it is empty"),
        ("app.exe", "a program for Windows"),
        ("cut", "damaged or cut off"),
        ("header", "damaged or cut off"),
        ("four", "damaged or cut off"),
        ("upx", "`upx -d` unpacks it"),
    ] {
        shop.run(&["audit", name]).code(1).errs(&["MD1001", said, name]);
    }
    shop.run(&["audit", "nothing"]).code(1).errs(&["MD0803", "nothing"]);
    shop.run(&["audit", "src"]).code(1).errs(&["MD0803"]);
}

/// Three gigabytes, of which the file system keeps only what was written.
#[test]
fn a_long_file_is_read_where_it_is_looked_at() {
    let shop = Shop::empty();
    for (name, begin) in
        [("zeros", &b""[..]), ("program", &fs::read(env!("CARGO_BIN_EXE_cargo-modeldeploy")).expect("it"))]
    {
        fs::write(shop.path(name), begin).expect("written");
        fs::File::options().write(true).open(shop.path(name)).expect("it").set_len(3 << 30).expect("long");
    }
    shop.run(&["audit", "zeros"]).code(1).errs(&["MD1001", "no executable"]);
    shop.run(&["audit", "program"]).code(0).says(&["holds no model"]);
}
