//! What a user's item becomes, as a reader would write it, and what each mistake is told.

mod ranker;

use super::*;
use modeldeploy_format::Signature;
use modeldeploy_format::lock::{
    FILE_NAME, Lock, LockedIndex, LockedModel, LockedPack, VERSION, manifest_digest, manifest_settings, store_path,
};
use modeldeploy_format::pack::LAYOUT_FINGERPRINT;
use quote::quote;
use std::fs;

const MANIFEST: &str = r#"
[package.metadata.modeldeploy.model.query-encoder]
source = "models/query-encoder"
task = "embed"

[package.metadata.modeldeploy.model.next-encoder]
source = "models/next-encoder"
task = "embed"

[package.metadata.modeldeploy.model.mood]
source = "models/mood"
task = "classify"

[package.metadata.modeldeploy.index.catalogue]
model = "query-encoder"
source = "catalogue.tsv"
"#;

/// A folder with a package `shop` and a lock, which `change` may spoil.
fn shop(change: impl FnOnce(&mut Lock)) -> (tempfile::TempDir, Surroundings) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut lock = Lock {
        version: VERSION,
        models: vec![
            model("mood", Task::Classify, 1),
            model("query-encoder", Task::Embed, 2),
            model("ranker", Task::Score, 3),
        ],
        indexes: vec![index("catalogue", "query-encoder", 2)],
    };
    change(&mut lock);
    fs::write(folder.path().join(FILE_NAME), lock.to_text()).expect("the lock is written");
    let package_folder = folder.path().join("shop");
    fs::create_dir(&package_folder).expect("a folder");
    fs::write(package_folder.join("Cargo.toml"), MANIFEST).expect("the manifest is written");
    let surroundings =
        Surroundings { package_folder, package: "shop".into(), store: None, link: false, weights: None, bill: None };
    (folder, surroundings)
}

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

/// The digest of the manifest's settings, or another where it has none.
fn settings(kind: &str, name: &str) -> Digest {
    let manifest: toml::Table = MANIFEST.parse().expect("TOML");
    manifest_settings(&manifest, kind, name).map_or(digest(0), manifest_digest)
}

fn model(name: &str, task: Task, byte: u8) -> LockedModel {
    let labels: Vec<String> = if task == Task::Classify { vec!["calm".into(), "cross".into()] } else { vec![] };
    let outputs = match task {
        Task::Embed => 4,
        Task::Classify => 2,
        _ => 1,
    };
    let prompts = if task == Task::Embed { vec![("query".into(), "query: ".into())] } else { vec![] };
    let normalized = task == Task::Embed;
    let signature = Signature {
        task,
        max_tokens: 16,
        outputs,
        normalized,
        labels,
        prompts,
        default_prompt: None,
        features: vec![],
    };
    LockedModel {
        name: name.into(),
        version: "1.2.0".into(),
        source: format!("models/{name}"),
        license: None,
        package: "shop".into(),
        signature_digest: Digest::of(&signature.encode()),
        space: digest(byte),
        manifest: settings("model", name),
        compressed: digest(byte + 20),
        golden: digest(byte + 30),
        signature,
        recipe: Default::default(),
        gate: (task == Task::Embed).then(gate),
        packs: vec![LockedPack { layout: format!("{LAYOUT_FINGERPRINT:016x}"), size: 3, digest: digest(byte + 10) }],
        files: vec![],
        absent: vec![],
        origin: None,
    }
}

fn gate() -> LockedGate {
    let pairs = |pairs: [(&str, &str); 2]| pairs.map(|(name, figure)| (name.to_owned(), figure.to_owned())).into();
    LockedGate {
        suite: digest(50),
        metric: "ndcg@10".into(),
        base: "0.847802".into(),
        got: "0.847609".into(),
        thresholds: pairs([("min-ratio", "0.99"), ("min-cosine", "0.98")]),
        figures: pairs([("cosine-min", "0.999953"), ("mrr@10", "0.895901")]),
    }
}

fn index(name: &str, model: &str, byte: u8) -> LockedIndex {
    LockedIndex {
        name: name.into(),
        package: "shop".into(),
        model: model.into(),
        space: digest(byte),
        manifest: settings("index", name),
        source: "catalogue.tsv".into(),
        source_digest: digest(99),
        rows: 5000,
        width: 4,
        size: 3 << 20,
        digest: digest(77),
    }
}

/// The expansion as a reader would write it, the folder's name replaced.
fn pretty(tokens: TokenStream, folder: &tempfile::TempDir) -> String {
    let file = syn::parse2(tokens).expect("the expansion is Rust");
    prettyplease::unparse(&file).replace(folder.path().to_str().expect("UTF-8"), "/repo")
}

/// The message of the one error in the expansion; the user's item stands before it.
fn error(tokens: TokenStream, folder: &tempfile::TempDir) -> String {
    let text = tokens.to_string();
    let (_, message) = text.split_once("compile_error ! {").unwrap_or_else(|| panic!("no error: {text}"));
    let literal: LitStr = syn::parse_str(message.trim().trim_end_matches('}').trim()).expect("a message");
    literal.value().replace(folder.path().to_str().expect("UTF-8"), "/repo")
}

#[test]
fn a_model_in_the_store() {
    let (folder, surroundings) = shop(|_| {});
    let path = folder.path().join(store_path(&digest(12), "pack"));
    fs::create_dir_all(path.parent().expect("a folder")).expect("the store");
    fs::write(path, "abc").expect("a file of the length that is locked");
    let item = quote! {
        /// Turns a query into a vector.
        pub struct QueryEncoder;
    };
    insta::assert_snapshot!(pretty(super::model(quote!("query-encoder"), item, &surroundings), &folder));
}

#[test]
fn a_classifier_whose_pack_is_absent() {
    let (folder, surroundings) = shop(|_| {});
    let item = quote!(
        pub(crate) struct Mood;
    );
    insta::assert_snapshot!(pretty(super::model(quote!("mood"), item, &surroundings), &folder));
}

#[test]
fn an_index() {
    let (folder, surroundings) = shop(|_| {});
    let item = quote!(
        struct Catalogue;
    );
    let tokens = super::index(quote!("catalogue", of = crate::QueryEncoder), item, &surroundings);
    insta::assert_snapshot!(pretty(tokens, &folder));
}

#[test]
fn each_mistake_has_its_message() {
    type Change = fn(&mut Lock);
    let layout: Change = |lock| lock.models[1].packs[0].layout = "00000000000000aa".into();
    let stale: Change = |lock| lock.models[1].manifest = digest(50);
    let other_package: Change = |lock| (lock.models[1].manifest, lock.models[1].package) = (digest(50), "other".into());
    let contradiction: Change = |lock| lock.models[0].signature.outputs = 3;
    let keep: Change = |_| {};
    let cases: [(&str, TokenStream, TokenStream, Change); 14] = [
        (
            "no model `query-encodr` in Model.lock; did you mean `query-encoder`?",
            quote!("query-encodr"),
            quote!(
                struct Q;
            ),
            keep,
        ),
        (
            "no model `zebra` in Model.lock; it has `mood`, `query-encoder`, `ranker`",
            quote!("zebra"),
            quote!(
                struct Q;
            ),
            keep,
        ),
        (
            "model `next-encoder` is not locked yet",
            quote!("next-encoder"),
            quote!(
                struct Q;
            ),
            keep,
        ),
        (
            "Model.lock is stale: the settings of model `query-encoder`",
            quote!("query-encoder"),
            quote!(
                struct Q;
            ),
            stale,
        ),
        (
            "Model.lock is stale: it has model `ranker` of package `shop`, whose Cargo.toml names none",
            quote!("ranker"),
            quote!(
                struct Q;
            ),
            keep,
        ),
        (
            "locked for the layout 00000000000000aa",
            quote!("query-encoder"),
            quote!(
                struct Q;
            ),
            layout,
        ),
        (
            "Model.lock contradicts itself",
            quote!("query-encoder"),
            quote!(
                struct Q;
            ),
            contradiction,
        ),
        (
            "`#[model]` stands on a unit struct",
            quote!("query-encoder"),
            quote!(
                struct Q {
                    a: u8,
                }
            ),
            keep,
        ),
        (
            "`#[model]` stands on a unit struct",
            quote!("query-encoder"),
            quote!(
                struct Q(u8);
            ),
            keep,
        ),
        (
            "`#[model]` stands on a unit struct",
            quote!("query-encoder"),
            quote!(
                enum Q {}
            ),
            keep,
        ),
        (
            "a locked model has no parameters",
            quote!("query-encoder"),
            quote!(
                struct Q<const N: usize>;
            ),
            keep,
        ),
        (
            "the model's name is missing",
            quote!(),
            quote!(
                struct Q;
            ),
            keep,
        ),
        (
            "the model's name is missing",
            quote!(QueryEncoder),
            quote!(
                struct Q;
            ),
            keep,
        ),
        (
            "a model has a name, and a ranker the models",
            quote!("query-encoder", "int8"),
            quote!(
                struct Q;
            ),
            keep,
        ),
    ];
    for (words, args, item, change) in cases {
        let (folder, surroundings) = shop(change);
        let tokens = super::model(args, item.clone(), &surroundings);
        assert!(tokens.to_string().starts_with(&item.to_string()), "the item comes out: {tokens}");
        let message = error(tokens, &folder);
        assert!(message.contains(words), "{message:?} does not say {words:?}");
    }
    let (_folder, surroundings) = shop(other_package);
    let fresh = super::model(
        quote!("query-encoder"),
        quote!(
            struct Q;
        ),
        &surroundings,
    )
    .to_string();
    assert!(!fresh.contains("compile_error"), "another package's settings are not this one's: {fresh}");
}

#[test]
fn each_mistake_with_an_index_has_its_message() {
    for (words, args) in [
        ("no index `catalog` in Model.lock; did you mean `catalogue`?", quote!("catalog", of = Q)),
        ("an index has a name and a model", quote!("catalogue")),
        ("an index has a name and a model", quote!("catalogue", by = Q)),
        ("an index has a name and a model", quote!("catalogue", of = "Q")),
        ("an index has a name and a model", quote!("catalogue", of = Q, 8)),
    ] {
        let (folder, surroundings) = shop(|_| {});
        let message = error(
            super::index(
                args,
                quote!(
                    struct C;
                ),
                &surroundings,
            ),
            &folder,
        );
        assert!(message.contains(words), "{message:?} does not say {words:?}");
    }
}

#[test]
fn a_lock_that_cannot_be_read_says_what_to_do() {
    for (text, words) in [
        (None, "no Model.lock in /repo/shop or above it\nhelp: `cargo modeldeploy lock` makes one"),
        (Some("version = 9"), "a newer cargo-modeldeploy: it is of version 9"),
        (Some("version = "), "Model.lock cannot be read"),
        (
            Some("version = 1\nmodel = 3"),
            "--> /repo/Model.lock\nhelp: `git checkout Model.lock` restores it, `cargo modeldeploy lock --fresh` makes it anew",
        ),
    ] {
        let (folder, surroundings) = shop(|_| {});
        let path = folder.path().join(FILE_NAME);
        match text {
            None => fs::remove_file(path).expect("the lock was there"),
            Some(text) => fs::write(path, text).expect("written"),
        }
        let message = error(
            super::model(
                quote!("query-encoder"),
                quote!(
                    struct Q;
                ),
                &surroundings,
            ),
            &folder,
        );
        assert!(message.contains(words), "{message:?} does not say {words:?}");
    }
}

#[test]
fn the_store_can_be_moved() {
    let (_folder, mut surroundings) = shop(|_| {});
    surroundings.store = Some("/elsewhere".into());
    let tokens = super::model(
        quote!("query-encoder"),
        quote!(
            struct Q;
        ),
        &surroundings,
    )
    .to_string();
    assert!(tokens.contains("store : \"/elsewhere\"") && !tokens.contains(".modeldeploy/sha256"), "{tokens}");
}

#[test]
fn a_pack_is_linked_with_debug_assertions_where_that_is_asked_for() {
    let (_folder, mut surroundings) = shop(|_| {});
    surroundings.link = true;
    let item = quote!(
        struct Q;
    );
    let tokens = super::model(quote!("query-encoder"), item, &surroundings).to_string();
    assert!(tokens.contains("# [cfg (all ())] static BLOB"), "{tokens}");
    assert!(!tokens.contains("not (debug_assertions)"), "{tokens}");
}

/// The expansion where `MODELDEPLOY_PLACE` is `asked`.
fn with_weights(asked: &str, change: impl FnOnce(&mut Lock)) -> (String, String) {
    let (folder, mut surroundings) = shop(change);
    surroundings.weights = Some(asked.into()).filter(|asked: &std::ffi::OsString| !asked.is_empty());
    let model = quote!(
        struct Q;
    );
    let index = quote!(
        struct C;
    );
    let model = super::model(quote!("query-encoder"), model, &surroundings);
    let index = super::index(quote!("catalogue", of = Q), index, &surroundings);
    (pretty(model, &folder), pretty(index, &folder))
}

#[test]
fn a_model_that_is_attached() {
    let (model, index) = with_weights("attached", |_| {});
    assert!(index.contains("Blob::Attached {"), "{index}");
    insta::assert_snapshot!(model);
}

#[test]
fn a_model_that_stays_beside() {
    let (model, index) = with_weights("detached", |_| {});
    assert!(index.contains("Blob::Linked(&BYTES)"), "{index}");
    insta::assert_snapshot!(model);
}

#[test]
fn what_is_too_much_for_a_linker_is_attached_unasked() {
    let linked = |text: &str| text.contains("Blob::Linked(&BYTES)") && !text.contains("Blob::Attached");
    let attached = |text: &str| text.contains("Blob::Attached {") && !text.contains(".incbin");
    let most = 512 << 20;
    // The lock has three packs of 3 bytes, and an index.
    let others = 6 + (3 << 20);
    let (model, index) = with_weights("", |lock| lock.models[1].packs[0].size = most - others);
    assert!(linked(&model) && linked(&index), "{model}\n{index}");
    let (model, index) = with_weights("", |lock| lock.models[1].packs[0].size = most - others + 1);
    assert!(attached(&model) && attached(&index), "{model}\n{index}");
    let (model, index) = with_weights("detached", |lock| lock.indexes[0].size = most);
    assert!(model.contains("Blob::Beside {") && attached(&index), "{model}\n{index}");
    let (model, _) = with_weights("linked", |lock| lock.models[1].packs[0].size = most + 1);
    assert!(linked(&model), "{model}");
    let (model, index) = with_weights("stored", |lock| lock.models[1].packs[0].size = most + 1);
    for text in [model, index] {
        assert!(
            text.contains(
                "#[cfg(all())]\n    static BLOB: ::modeldeploy::link::Blob = ::modeldeploy::link::Blob::Stored"
            )
        );
    }
}

#[test]
fn weights_that_are_nowhere_are_an_error() {
    let (folder, mut surroundings) = shop(|_| {});
    surroundings.weights = Some("elsewhere".into());
    let item = quote!(
        struct Q;
    );
    let message = error(super::model(quote!("query-encoder"), item, &surroundings), &folder);
    assert!(message.starts_with("MODELDEPLOY_PLACE is `elsewhere`, and can be `linked`"), "{message}");
}
