//! What a user reads who made a mistake: each case is a package of one file under `mistakes/`, and what the compiler says of it
//! stands beside it as `.stderr`. `BLESS=1` writes those anew.

use crate::locks;
use crate::user::Workspace;
use modeldeploy::format::features::{EmbeddingOf, Fact, Kind, Side};
use modeldeploy::format::lock::{FILE_NAME, Lock, LockedModel, LockedPack, VERSION};
use modeldeploy::format::pack::LAYOUT_FINGERPRINT;
use modeldeploy::format::{Digest, Signature, Task};
use std::fmt::Write as _;
use std::path::Path;

/// What a case does to the lock.
enum Change {
    Keep,
    /// Its entries are others; the file has the digests of those.
    Entries(fn(&mut Lock)),
    /// The file is another; an empty one is not written.
    Text(fn(&mut String)),
}

use Change::{Entries, Keep, Text};

const CASES: [(&str, Change); 33] = [
    ("another_task", Keep),
    ("classifier_embeds", Keep),
    ("contradiction", Entries(|lock| lock.models[0].signature.outputs = 5)),
    ("embeddings_of_an_encoder", Keep),
    ("embeddings_without_type", Keep),
    ("edited", Text(|lock| *lock = lock.replacen("outputs = 4", "outputs = 5", 1))),
    ("generics", Keep),
    ("index_of_another_space", Keep),
    ("index_of_no_model", Keep),
    ("index_unknown", Keep),
    ("index_without_model", Keep),
    ("left_its_manifest", Keep),
    ("more_arguments", Keep),
    ("no_lock", Text(String::clear)),
    ("no_name", Keep),
    ("not_a_string", Keep),
    ("not_a_unit_struct", Keep),
    ("not_locked_yet", Keep),
    ("other_layout", Entries(|lock| lock.models[6].packs[0].layout = "00000000000000aa".into())),
    ("other_version", Text(|lock| *lock = lock.replacen("version = 1", "version = 9", 1))),
    ("rank_a_feature_short", Keep),
    ("rank_another_type", Keep),
    ("rank_embedding_of_another_model", Keep),
    ("rank_embedding_of_another_space", Keep),
    ("rank_embedding_of_numbers", Keep),
    ("rank_embedding_twice", Keep),
    ("rank_embedding_unknown", Keep),
    ("rank_embedding_unnamed", Keep),
    ("rank_without_user", Keep),
    ("stale", Keep),
    ("two_spaces", Keep),
    ("unknown_name", Keep),
    ("unreadable", Text(|lock| lock.push_str("\n[[model]\n"))),
];

fn layout() -> String {
    format!("{LAYOUT_FINGERPRINT:016x}")
}

#[test]
fn each_mistake_is_explained_on_the_users_own_words() {
    let workspace = Workspace::new("mistakes");
    // No folder above this one has a lock.
    let alone = tempfile::tempdir().expect("a folder");
    let folder = |case: &str| if case == "no_lock" { alone.path().to_owned() } else { workspace.folder.join(case) };
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/linking/mistakes");
    let members: Vec<_> = CASES.iter().map(|(case, _)| folder(case)).collect();
    workspace.write_text(
        "Cargo.toml",
        &format!("[workspace]\nmembers = {members:?}\nresolver = \"3\"\n\n[profile.dev]\ndebug = false\n"),
    );
    for (case, change) in CASES {
        let source = std::fs::read(sources.join(case).with_extension("rs")).expect("the case's source");
        workspace.write(folder(case).join("src/lib.rs"), &source);
        workspace.write_text(folder(case).join("Cargo.toml"), &manifest(case, &workspace.folder));
        let mut entries = lock();
        if let Entries(change) = change {
            change(&mut entries);
        }
        let mut lock = entries.to_text();
        if let Text(change) = change {
            change(&mut lock);
        }
        if !lock.is_empty() {
            workspace.write(folder(case).join(FILE_NAME), lock.as_bytes());
        }
    }
    let said = workspace.cargo(&["check", "--workspace", "--keep-going", "--message-format=json"]).fails();
    let messages: Vec<serde_json::Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut wrong = String::new();
    for (case, _) in CASES {
        let rendered = messages.iter().filter(|message| message["target"]["name"] == case);
        let mut got: String = rendered.filter_map(|message| message["message"]["rendered"].as_str()).collect();
        for (place, name) in [
            (folder(case).join("src"), "$CASE/src"),
            (folder(case), "$CASE"),
            (workspace.folder.clone(), "$WORKSPACE"),
            (env!("CARGO_MANIFEST_DIR").into(), "$MODELDEPLOY"),
        ] {
            got = got.replace(place.to_str().expect("UTF-8"), name);
        }
        let got = normal(&got.replace(&layout(), "$LAYOUT"), case);
        let file = sources.join(case).with_extension("stderr");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&file, &got).expect("the file can be written");
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if got != expected || got.is_empty() {
            let _ = writeln!(wrong, "== {case}: expected\n{expected}== got\n{got}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}{}", if messages.is_empty() { &said } else { "" });
}

/// Without what depends on the compiler's version or the library's lines: code of the library, lists of implementations, counts.
fn normal(text: &str, case: &str) -> String {
    let mut kept = String::new();
    let mut foreign = false;
    for line in text.lines() {
        let starts = !line.starts_with([' ', '|']) && !line.chars().next().is_some_and(|c| c.is_ascii_digit());
        let place = line.trim_start().strip_prefix("--> ").or(line.trim_start().strip_prefix("::: "));
        if starts {
            foreign = line.starts_with("note:") || line.starts_with("help:");
            if foreign {
                let _ = writeln!(kept, "{}", line.trim_end());
                continue;
            }
        }
        if place.is_some_and(|place| place.contains("$MODELDEPLOY")) {
            foreign = true;
        }
        let counted = line.starts_with("error: aborting") || line.contains("could not compile");
        if !foreign && !counted {
            let _ = writeln!(kept, "{}", line.replace(&format!("{case}/src"), "$CASE/src").trim_end());
        }
    }
    kept
}

fn manifest(case: &str, workspace: &Path) -> String {
    format!(
        "[package]\nname = {case:?}\nversion = \"0.1.0\"\nedition = \"2024\"\nworkspace = {workspace:?}\n\n\
         [dependencies]\nmodeldeploy = {{ path = \"RUNTIME\" }}\n\n\
         [package.metadata.modeldeploy.model.next-encoder]\ntask = \"embed\"\n\n\
         [package.metadata.modeldeploy.model.changed]\ntask = \"embed\"\nquantize = \"bf16\"\n"
    )
}

/// Models of each task and of two spaces, and an index by the first.
fn lock() -> Lock {
    let models = vec![
        model("changed", Task::Embed, 4),
        model("feed", Task::Rank, 1),
        model("leaver", Task::Embed, 4),
        model("mood", Task::Classify, 2),
        model("nearby", Task::Rank, 1),
        model("other-encoder", Task::Embed, 4),
        model("query-encoder", Task::Embed, 4),
        model("ranker", Task::Score, 1),
    ];
    let indexes = vec![locks::index("catalogue", &models[6])];
    Lock { version: VERSION, models, indexes }
}

fn model(name: &str, task: Task, outputs: u32) -> LockedModel {
    let labels = if task == Task::Classify { vec!["calm".into(), "cross".into()] } else { vec![] };
    let normalized = task == Task::Embed;
    let fact = |name: &str, kind, side| Fact { name: name.into(), kind, side };
    let features = match task {
        Task::Rank if name == "nearby" => {
            let space = Digest::of(b"query-encoder");
            let of = EmbeddingOf { model: "query-encoder".into(), space, width: 4 };
            vec![fact("query", Kind::Embedding(of), Side::User), fact("price", Kind::Number, Side::Candidate)]
        }
        Task::Rank => vec![
            fact("price", Kind::Number, Side::Candidate),
            fact("brand", Kind::Text, Side::Candidate),
            fact("country", Kind::Text, Side::User),
            fact("seen", Kind::Number, Side::Session),
        ],
        _ => vec![],
    };
    let signature = Signature {
        task,
        max_tokens: 16,
        outputs,
        normalized,
        labels,
        prompts: vec![],
        default_prompt: None,
        features,
    };
    let pack = LockedPack { layout: layout(), size: 3, digest: Digest::of(name.as_bytes()) };
    let package = match name {
        "changed" => "stale",
        "leaver" => "left_its_manifest",
        _ => "models",
    };
    locks::model(name, package, signature, Digest::of(name.as_bytes()), Digest::of(b"as locked"), pack)
}
