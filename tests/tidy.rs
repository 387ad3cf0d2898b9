//! The house rules: what a machine can hold about the repository, this file holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms where `unsafe` may stand; ARCHITECTURE.md names each with its reason.
const UNSAFE_ROOMS: [&str; 4] =
    ["runtime/src/isa/", "runtime/src/kernels/rows.rs", "runtime/src/session/team.rs", "runtime/src/link/"];

/// The rooms of the compiler that touch files; ARCHITECTURE.md names each with its reason.
const FILE_ROOMS: [&str; 7] = [
    "compiler/src/front/folder.rs",
    "compiler/src/tokenizer/mod.rs",
    "compiler/src/records/mod.rs",
    "compiler/src/manifest/mod.rs",
    "compiler/src/store/",
    "compiler/src/pipeline/workspace.rs",
    "compiler/src/pipeline/derive.rs",
];

/// The compiler's rooms in the order in which data goes through them; a room names those of its own line and of the lines before.
const STAGES: [&[&str]; 18] = [
    // What every room speaks: errors, tables of settings, files of records, figures.
    &["diagnostic"],
    &["section"],
    &["records", "metrics"],
    // An operator's meaning and the graph that is made of them are one idea in two rooms.
    &["graph", "ops"],
    // ONNX models are read and evaluated before a graph is made of them.
    &["onnx"],
    &["tokenizer", "trees", "features"],
    // Before the front, the passes and compression, which are held against it.
    &["reference"],
    &["front"],
    &["passes"],
    &["compress"],
    &["compressed"],
    // Tensors of checkpoints, compressed models and packs, side by side.
    &["compare"],
    &["lower"],
    &["memory"],
    &["emit"],
    // What judges a pack, and what it is judged by.
    &["suite", "manifest", "store"],
    &["eval", "gate"],
    // An index is the pipeline's second product: made by a pack, locked and built by the same commands.
    &["pipeline", "index"],
];

/// A package, what it may depend on among the house's own, and which of the outside crates are its alone.
struct Room {
    folder: &'static str,
    house: &'static [&'static str],
}

const ROOMS: [Room; 14] = [
    Room { folder: "format", house: &[] },
    Room { folder: "macros", house: &["modeldeploy-format"] },
    Room { folder: "runtime", house: &["modeldeploy-format", "modeldeploy-macros"] },
    Room { folder: "compiler", house: &["modeldeploy-format", "modeldeploy"] },
    Room { folder: "audit", house: &["modeldeploy-format"] },
    Room { folder: "image", house: &["modeldeploy-format"] },
    Room { folder: "trust", house: &["modeldeploy-format"] },
    // It knows nothing of audits, which prove what it wrote.
    Room { folder: "attach", house: &["modeldeploy-format"] },
    Room { folder: "deploy", house: &["modeldeploy-format"] },
    Room { folder: "registry", house: &["modeldeploy-format"] },
    Room {
        folder: "cargo-modeldeploy",
        house: &[
            "modeldeploy-attach",
            "modeldeploy-audit",
            "modeldeploy-compiler",
            "modeldeploy-deploy",
            "modeldeploy-format",
            "modeldeploy-image",
            "modeldeploy-registry",
            "modeldeploy-trust",
        ],
    },
    Room { folder: "service", house: &["modeldeploy"] },
    Room { folder: "examples/feed-ranking", house: &["modeldeploy", "modeldeploy-service"] },
    Room { folder: "examples/product-search", house: &["modeldeploy", "modeldeploy-service"] },
];

/// Crates that only some packages may know, dev-dependencies aside.
const KNOWN_ONLY_BY: [(&str, &[&str]); 16] = [
    // Clusters are asked by a client that waits in tokio; nobody outside its room sees it.
    ("tokio", &["service", "examples/feed-ranking", "examples/product-search", "deploy"]),
    ("tar", &["image"]),
    ("flate2", &["compiler", "image"]),
    ("axum", &["service", "examples/feed-ranking", "examples/product-search"]),
    ("tonic", &["service"]),
    ("prost", &["compiler", "service"]),
    ("clap", &["cargo-modeldeploy"]),
    ("cargo_metadata", &["cargo-modeldeploy"]),
    ("candle-core", &["compiler"]),
    // Signatures are made and believed in one room.
    ("ring", &["trust"]),
    ("webpki", &["trust"]),
    ("safetensors", &["compiler"]),
    ("syn", &["macros"]),
    ("quote", &["macros"]),
    // Registries are asked in one room; the command asks services that run, and those send traces.
    ("ureq", &["registry", "cargo-modeldeploy", "service"]),
    ("hf-hub", &["registry"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package lies in the workspace").to_owned()
}

/// Every file of the repository but build outputs, as its path from the root and its text where it is text.
fn files() -> BTreeMap<String, Option<String>> {
    fn walk(folder: &Path, root: &Path, found: &mut BTreeMap<String, Option<String>>) {
        for entry in fs::read_dir(folder).expect("a folder of the repository") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            // What .gitignore leaves out, and git's own, which is a file in a work tree beside the first.
            if matches!(name.as_str(), ".git" | "target" | ".modeldeploy" | ".venv" | "__pycache__") {
                continue;
            }
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                let relative = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
                found.insert(relative, fs::read_to_string(&path).ok());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&root(), &root(), &mut found);
    found
}

fn sources() -> impl Iterator<Item = (String, String)> {
    files().into_iter().filter(|(path, _)| path.ends_with(".rs")).filter_map(|(path, text)| Some((path, text?)))
}

fn manifest(folder: &str) -> toml::Table {
    let path = root().join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn dependencies(manifest: &toml::Table, kind: &str) -> toml::Table {
    let targets =
        manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(|targets| targets.values());
    let tables = targets.filter_map(toml::Value::as_table).chain([manifest]);
    tables.filter_map(|table| table.get(kind)?.as_table()).flat_map(|table| table.clone()).collect()
}

/// Fails with all of what is wrong, one a line.
fn check(what: &str, wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

#[test]
fn packages_depend_only_on_the_rooms_before_them() {
    let mut wrong = vec![];
    for room in &ROOMS {
        for name in dependencies(&manifest(room.folder), "dependencies").keys() {
            if name.starts_with("modeldeploy") && !room.house.contains(&name.as_str()) {
                wrong.push(format!("{} depends on {name}", room.folder));
            }
            let known = KNOWN_ONLY_BY.iter().find(|(known, _)| known == name);
            if known.is_some_and(|(_, rooms)| !rooms.contains(&room.folder)) {
                wrong.push(format!("{} knows {name}", room.folder));
            }
        }
    }
    check("a dependency that the design does not have", wrong);
}

#[test]
fn every_dependency_is_listed_once_with_its_reason() {
    let text = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace's manifest");
    let table = text.split("[workspace.dependencies]").nth(1).expect("a table of dependencies");
    let table = table.split("\n[").next().expect("its lines");
    let mut wrong = vec![];
    // A reason stands at the end of the line or above the block of lines it holds for.
    let mut block_has_reason = false;
    for line in table.lines() {
        if line.is_empty() {
            block_has_reason = false;
        } else if line.starts_with('#') {
            block_has_reason = true;
        } else if !block_has_reason && !line.contains(" # ") {
            wrong.push(line.to_owned());
        }
    }
    check("a dependency without a reason", wrong);

    let mut wrong = vec![];
    for path in files().into_keys().filter(|path| path.ends_with("Cargo.toml") && !path.contains("/data/")) {
        let manifest = manifest(path.trim_end_matches("Cargo.toml").trim_end_matches('/'));
        // The fuzz targets and the peers' programs are workspaces of their own.
        if manifest.contains_key("workspace") {
            continue;
        }
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in dependencies(&manifest, kind) {
                let inherits = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                if !inherits {
                    wrong.push(format!("{path}: {name}"));
                }
            }
        }
    }
    check("a version outside the workspace's table", wrong);
}

#[test]
fn unsafe_stands_only_in_its_rooms() {
    let wrong = sources()
        .filter(|(path, _)| !UNSAFE_ROOMS.iter().any(|room| path.starts_with(room)) && path != "tests/tidy.rs")
        .flat_map(|(path, text)| {
            let code = |line: &str| {
                let line = line.split("//").next().unwrap_or_default();
                line.contains("unsafe {") || line.contains("unsafe fn") || line.contains("unsafe impl")
            };
            let hits: Vec<String> = text
                .lines()
                .enumerate()
                .filter(|(_, line)| code(line))
                .map(|(at, _)| format!("{path}:{}", at + 1))
                .collect();
            hits
        })
        .collect();
    check("unsafe outside its rooms", wrong);

    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let unnamed = UNSAFE_ROOMS.iter().filter(|room| !architecture.contains(**room)).map(ToString::to_string).collect();
    check("a room of unsafe that ARCHITECTURE.md does not name", unnamed);
}

#[test]
fn unsafe_is_explained() {
    let mut wrong = vec![];
    for (path, text) in sources().filter(|(path, _)| path != "tests/tidy.rs") {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let above = &lines[at.saturating_sub(5)..at];
            let explained = above.iter().any(|line| line.contains("SAFETY:") || line.contains("# Safety"));
            if line.contains("unsafe {") && !line.trim_start().starts_with("//") && !explained {
                wrong.push(format!("{path}:{}", at + 1));
            }
        }
    }
    check("unsafe without a SAFETY note", wrong);
}

/// The rooms that a line of code names as `crate::room` or `crate::{room, …}`.
fn rooms_named(line: &str) -> Vec<&str> {
    let code = line.split("//").next().unwrap_or_default();
    code.split("crate::")
        .skip(1)
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => list.split([',', '}']).map(str::trim).collect(),
            None => vec![rest],
        })
        .map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap_or_default())
        .filter(|room| !room.is_empty())
        .collect()
}

#[test]
fn a_stage_names_no_later_stage() {
    let rank = |room: &str| STAGES.iter().position(|line| line.contains(&room));
    let mut wrong = vec![];
    for (path, text) in sources() {
        let Some(inside) = path.strip_prefix("compiler/src/") else { continue };
        let Some(room) = inside.split(['/', '.']).next().filter(|room| *room != "lib") else { continue };
        let Some(own) = rank(room) else {
            wrong.push(format!("{path}: the room `{room}` has no place among the stages"));
            continue;
        };
        for (at, line) in text.lines().enumerate() {
            let later = rooms_named(line).into_iter().filter(|named| rank(named).is_some_and(|named| named > own));
            wrong.extend(later.map(|named| format!("{path}:{}: `{room}` names `{named}`", at + 1)));
        }
    }
    check("a stage that names a later one", wrong);
}

#[test]
fn the_compiler_touches_files_only_in_their_rooms() {
    let touches = ["std::fs", "fs::", "File::", "OpenOptions"];
    let mut wrong = vec![];
    for (path, text) in sources().filter(|(path, _)| path.starts_with("compiler/src/") && !path.ends_with("tests.rs")) {
        if FILE_ROOMS.iter().any(|room| path.starts_with(room)) {
            continue;
        }
        // Unit tests stand last and may write what they read.
        for (at, line) in text.lines().take_while(|line| *line != "#[cfg(test)]").enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            // `TextFile` is the room of records' own.
            if touches.iter().any(|touch| code.replace("TextFile::", "").contains(touch)) {
                wrong.push(format!("{path}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    check("a file touched outside the rooms for it", wrong);

    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let unnamed = FILE_ROOMS.iter().filter(|room| !architecture.contains(**room)).map(ToString::to_string).collect();
    check("a room of files that ARCHITECTURE.md does not name", unnamed);
}

#[test]
fn every_listed_dependency_is_used() {
    let workspace = manifest("");
    let listed = workspace["workspace"]["dependencies"].as_table().expect("a table of dependencies");
    let mut used = std::collections::BTreeSet::new();
    let mut wrong = vec![];
    for folder in workspace["workspace"]["members"].as_array().expect("a list of members") {
        let folder = folder.as_str().expect("a folder");
        let manifest = manifest(folder);
        let sources: String = sources().filter(|(path, _)| path.starts_with(folder)).map(|(_, text)| text).collect();
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for name in dependencies(&manifest, kind).keys() {
                if !sources.contains(&name.replace('-', "_")) {
                    wrong.push(format!("{folder} does not use {name}"));
                }
                used.insert(name.clone());
            }
        }
    }
    wrong
        .extend(listed.keys().filter(|name| !used.contains(*name)).map(|name| format!("no package depends on {name}")));
    check("a dependency that nothing uses", wrong);
}

#[test]
fn files_are_one_idea_long() {
    let wrong = sources()
        // Generated: who reads it reads the protos, which are one idea a file.
        .filter(|(path, _)| !path.starts_with("service/src/grpc/wire/") && path != "compiler/src/onnx/wire.rs")
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|&(_, lines)| lines > 500)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    check("a file past 500 lines", wrong);
}

#[test]
fn every_file_says_what_it_is() {
    let wrong = sources()
        // A user's mistakes, each with a `.stderr` beside it: their names say what they are.
        .filter(|(path, _)| !path.contains("/mistakes/"))
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| path)
        .collect();
    check("a file whose first line does not say what it is", wrong);
}

#[test]
fn no_room_is_called_after_nothing() {
    let nothing = ["utils", "util", "helpers", "helper", "common", "misc"];
    let wrong = files()
        .into_keys()
        .filter(|path| path.split(['/', '.']).any(|part| nothing.contains(&part)))
        .filter(|path| path.ends_with(".rs"))
        .collect();
    check("a room without a name", wrong);
}

#[test]
fn nothing_is_unfinished_or_silenced() {
    let marks = ["todo!(", "unimplemented!(", "TODO", "FIXME", "XXX", "#[ignore", "dbg!("];
    let mut wrong = vec![];
    for (path, text) in sources().filter(|(path, _)| path != "tests/tidy.rs") {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let silences = line.contains("[allow(") || line.contains("[expect(");
            // An attribute may go on for some lines.
            let explained = || lines[at..].join(" ").split(")]").next().is_some_and(|it| it.contains("reason"));
            if (silences && !explained()) || marks.iter().any(|mark| line.contains(mark)) {
                wrong.push(format!("{path}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    check("unfinished or silenced", wrong);
}

#[test]
fn variables_stand_in_one_list() {
    let apart = [
        "service/",
        "examples/",
        "benches/",
        "deploy/src/options.rs",
        "deploy/src/settings/check.rs",
        "cargo-modeldeploy/src/commands/image.rs",
        "tests/",
    ];
    let wrong = sources()
        .filter(|(path, _)| path.contains("/src/") && !path.ends_with("tests.rs") && path != "format/src/variables.rs")
        .filter(|(path, _)| !apart.iter().any(|room| path.starts_with(room)))
        .flat_map(|(path, text)| {
            let code = text.split("\nmod tests").next().unwrap_or_default().to_owned();
            let named: Vec<String> = code
                .lines()
                .filter(|line| line.contains("\"MODELDEPLOY_") && !line.trim_start().starts_with("//"))
                .map(|line| format!("{path}: {}", line.trim()))
                .collect();
            named
        });
    check(
        "variables that format/src/variables.rs should name, or options of services that are named by hand",
        wrong.collect(),
    );
}

#[test]
fn no_machine_is_named() {
    let roots = ["/home/", "/root/", "/work/", "/Users/"];
    let mut wrong = vec![];
    for (path, text) in files().into_iter().filter(|(path, _)| path != "tests/tidy.rs") {
        for (at, line) in text.unwrap_or_default().lines().enumerate() {
            if roots.iter().any(|root| line.contains(root)) {
                wrong.push(format!("{path}:{}", at + 1));
            }
        }
    }
    check("a path of somebody's machine", wrong);
}

#[test]
fn the_two_commands_are_in_the_readme_and_the_tests_are_in_ci() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    for command in ["cargo modeldeploy run -p product-search", "cargo test --workspace"] {
        assert!(read("README.md").contains(command), "README.md lacks `{command}`");
    }
    assert!(read(".ci/run").contains("cargo test --workspace"), ".ci/run does not run the README's tests");
}
