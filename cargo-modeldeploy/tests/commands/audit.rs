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
        "network  transformer encoder: 2 layers of 2 heads, 16 wide",
        "ndcg@10",
        "asked: min-cosine 0.5",
        "products (index)\n  4 vectors of 16 by encoder",
        "of shop 0.1.0",
        "--profile=release --package=shop",
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

    signed_programs_are_believed(&shop, &program);
    stripped_programs_say_the_same(&shop, &program);
    let sections = [".modeldeploy", ".modeldeploy-places", ".modeldeploy-bill", ".dep-v0"];
    single_bytes_are_noticed(&fs::read(&program).expect("the program"), &sections);
    weights::every_way(&shop, &program, single_bytes_are_noticed);
    built_again_all_bytes_are_the_same_but_one_that_was_changed(&shop, &program);
}

/// It is built in another folder, with another cache of cargo's and on one core.
fn built_again_all_bytes_are_the_same_but_one_that_was_changed(shop: &Shop, program: &Path) {
    use object::{Object, ObjectSection};
    let good = fs::read(program).expect("the program");
    let file = object::File::parse(&*good).expect("a program");
    let (code, _) = file.section_by_name(".text").and_then(|text| text.file_range()).expect("code");
    let mut changed = good.clone();
    changed[code as usize + 0x40] ^= 1;
    fs::create_dir(shop.path("altered")).expect("a folder");
    fs::write(shop.path("altered/shop"), &changed).expect("written");

    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.unwrap_or_else(|| std::env::home_dir().expect("a home").join(".cargo"));
    fs::create_dir(shop.path("cache")).expect("a folder");
    for part in ["registry", "git", "config.toml"].iter().filter(|part| home.join(part).exists()) {
        std::os::unix::fs::symlink(home.join(part), shop.path("cache").join(part)).expect("a link");
    }
    let mut verify = shop.command(&["verify", "altered/shop", "--rebuild", "--folder", "again/further/down"]);
    verify.env("CARGO_HOME", shop.path("cache")).env("CARGO_BUILD_JOBS", "1");
    Said::of(&mut verify).code(1).errs(&["MD1005", "altered/shop", ".text differs in the byte at 0x40"]);
    let kept = shop.files("again").into_iter().find(|path| path.ends_with("target/release/shop")).expect("kept");
    assert!(fs::read(kept).expect("the program") == good, "its bytes are those of the first build");

    // What cannot come out the same is not begun.
    let verify = ["verify", "target/release/shop", "--rebuild"];
    shop.run(&[&verify[..], &["--folder", "again"]].concat()).code(1).errs(&["MD1004", "is not empty"]);
    shop.edit("Cargo.toml", "task = \"embed\"\nversion = \"0.1.0\"", "task = \"embed\"\nversion = \"0.2.0\"");
    shop.run(&["lock"]).code(0);
    shop.run(&verify).code(1).errs(&["MD1004", "another lock", "`encoder` 0.1.0", "git checkout"]);
    shop.run(&["verify", env!("CARGO_BIN_EXE_cargo-modeldeploy"), "--rebuild"]).code(1).errs(&["MD1003"]);
}

fn signed_programs_are_believed(shop: &Shop, program: &Path) {
    let shown = program.display().to_string();
    let key = ["--key", "keys/release.pub"];
    shop.run(&["keygen", "keys/release", "--algorithm", "ed25519"]).code(0);
    shop.run(&["keygen", "keys/other"]).code(0);

    // What is said without a key is what is signed with one.
    let provenance = shop.run(&["provenance", &shown]).code(0);
    assert_eq!(shop.run(&["provenance", &shown]).code(0).out, provenance.out);
    let provenance = provenance.json();
    let timed = shop.run(&["provenance", &shown, "--time", "--builder", "https://ci.shop.example"]).code(0).json();
    let run = &timed["predicate"]["runDetails"];
    assert_eq!(run["builder"]["id"], "https://ci.shop.example");
    assert!(
        run["metadata"]["finishedOn"].as_str().is_some_and(|time| time.len() == 20 && time.ends_with('Z')),
        "{run}"
    );
    assert!(provenance["predicate"]["runDetails"]["metadata"].is_null());
    a_commit_is_stated(shop, &shown);
    let list = provenance.pointer("/predicate/buildDefinition/resolvedDependencies").expect("a list");
    let named = |name: &str| list.as_array().is_some_and(|list| list.iter().any(|it| it["name"] == *name));
    assert!(
        named("encoder/model.safetensors") && named("Cargo.lock") && named("products/eval/products.jsonl"),
        "{list:#}"
    );
    let digest = Digest::of(&fs::read(program).expect("the program")).hex();
    assert_eq!(provenance["subject"][0]["digest"]["sha256"], digest);

    shop.run(&["verify", &shown, key[0], key[1]]).code(1).errs(&["MD1112", "it is not signed"]);
    shop.run(&["sign", &shown, "--key", "keys/release.key"]).code(0).errs(&["Signed the program"]);
    let signed =
        shop.run(&["verify", &shown, key[0], key[1], "--lock", "Model.lock", "--format", "json"]).code(0).json();
    assert_eq!(signed["statements"][0]["predicate"], provenance["predicate"]);
    shop.run(&["verify", &shown, key[0], key[1]]).code(0).says(&["its provenance (SLSA v1), built by https://"]);
    shop.run(&["audit", &shown, key[0], key[1]]).code(0).says(&["as locked; signed by ", " (release)"]);
    shop.run(&["audit", &shown]).code(0).says(&["that cannot be proved"]);
    let facts = shop.run(&["audit", &shown, key[0], key[1], "--format", "json"]).code(0).json();
    assert_eq!(
        (&facts["signatures"][0]["name"], &facts["signatures"][0]["trusted"]),
        (&"release".into(), &true.into())
    );

    // Another lock, another program under the same signature, and provenance that somebody made up.
    let lock = shop.read("Model.lock");
    shop.forge(|lock| lock.models[0].version = "9.9.9".into());
    let said = shop.run(&["verify", &shown, key[0], key[1], "--lock", "Model.lock"]).code(1);
    said.errs(&["MD1116", "another lock", "`encoder`"]);
    shop.run(&["provenance", &shown]).code(0).errs(&["neither Cargo.lock nor the commit"]);
    shop.run(&["provenance", &shown, "--workspace", "."]).code(1).errs(&["MD1116"]);
    shop.write("Model.lock", &lock);
    let beside = format!("{shown}.intoto.jsonl");
    let own = env!("CARGO_BIN_EXE_cargo-modeldeploy");
    for command in ["audit", "verify"] {
        let said = shop.run(&[command, own, "--signature", &beside, key[0], key[1]]).code(1);
        said.errs(&["MD1113", "what was signed is another file"]);
    }
    shop.run(&["audit", own, "--signature", &beside]).code(1).errs(&["MD1113", "signatures of another file"]);
    let mut made_up: serde_json::Value = provenance.clone();
    made_up["predicate"]["buildDefinition"]["externalParameters"]["arguments"] = "--profile=dist".into();
    let secret = modeldeploy_trust::keys::read_secret(&shop.path("keys/release.key")).expect("the key");
    let payload = made_up.to_string().into_bytes();
    let envelope =
        modeldeploy_trust::dsse::Envelope::sign("application/vnd.in-toto+json", payload, &secret).expect("signed");
    shop.write("made-up.jsonl", &envelope.to_line());
    let said = shop.run(&["verify", &shown, "--signature", "made-up.jsonl", key[0], key[1]]).code(1);
    said.errs(&["MD1113", "the signed provenance is not of this program", "its parameters"]);
    shop.run(&["provenance", own]).code(1).errs(&["MD1118"]);
    shop.run(&["sign", own, "--key", "keys/other.key", "--signature", "own.jsonl"])
        .code(0)
        .errs(&["only its bytes are signed"]);
    shop.run(&["verify", own, "--key", "keys/other.pub", "--signature", "own.jsonl"]).code(0).says(&["signed-file-v1"]);
    fs::remove_file(beside).expect("removed");
}

/// The shop becomes a repository for a while.
fn a_commit_is_stated(shop: &Shop, program: &str) {
    let git = |args: &[&str]| {
        let own = ["-c", "user.name=shop", "-c", "user.email=shop@shop.example", "-c", "commit.gpgsign=false"];
        Command::new("git")
            .args(own)
            .args(args)
            .current_dir(shop.path("."))
            .output()
            .ok()
            .filter(|it| it.status.success())
    };
    if git(&["init", "--quiet"]).is_none() {
        return eprintln!("git is not here: skipped");
    }
    git(&["add", "Cargo.toml", "Model.lock"]).expect("added");
    git(&["commit", "--quiet", "--message", "a shop"]).expect("a commit");
    git(&["remote", "add", "origin", "https://user:secret@git.shop.example/shop"]).expect("a remote");
    let head = String::from_utf8(git(&["rev-parse", "HEAD"]).expect("a commit").stdout).expect("text");
    let source = || {
        let said = shop.run(&["provenance", program]).code(0);
        let list = said.json()["predicate"]["buildDefinition"]["resolvedDependencies"].clone();
        let source = list.as_array().and_then(|list| list.iter().find(|it| it["name"] == "source")).cloned();
        (source.unwrap_or_default(), said.err)
    };
    let (stated, _) = source();
    assert_eq!((&stated["digest"]["gitCommit"], &stated["annotations"]), (&head.trim().into(), &().into()));
    assert_eq!(stated["uri"], "git+https://git.shop.example/shop");
    let manifest = shop.read("Cargo.toml");
    shop.append("Cargo.toml", "\n");
    let (stated, err) = source();
    assert_eq!(stated["annotations"]["modified"], true);
    assert!(err.contains("files differ from the commit"), "{err}");
    shop.write("Cargo.toml", &manifest);
    fs::remove_dir_all(shop.path(".git")).expect("removed");
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
    shop.run(&["audit", "src"]).code(1).errs(&["MD1203", "src"]);
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
