//! What a ranker becomes: its row, and what the row and the ranker implement.

use super::{Digest, Task, error, pretty, shop};
use modeldeploy_format::features::{EmbeddingOf, Fact, Kind, Side};
use quote::quote;

#[test]
fn a_ranker() {
    let (folder, surroundings) = shop(|lock| {
        let ranker = lock.models.iter_mut().find(|model| model.name == "ranker").expect("a ranker");
        // The manifest of that package is not here to be held against.
        (ranker.package, ranker.signature.task) = ("other".into(), Task::Rank);
        let fact = |name: &str, kind| Fact { name: name.into(), kind, side: Side::Candidate };
        ranker.signature.features = vec![fact("price", Kind::Number), fact("type", Kind::Text)];
        ranker.signature_digest = Digest::of(&ranker.signature.encode());
    });
    let item = quote!(
        pub struct Ranker;
    );
    let expansion = pretty(crate::expand::model(quote!("ranker"), item, &surroundings), &folder);
    // The rest is that of every model.
    let (row, rest) = expansion.split_once("const _: () = {").expect("a row, then the rest");
    let (_, implements) = rest.split_once("static CELL").expect("what the ranker implements");
    insta::assert_snapshot!(format!("{row}…\nstatic CELL{implements}"));
}

#[test]
fn a_ranker_for_users_and_sessions() {
    let (folder, surroundings) = shop(|lock| {
        let ranker = lock.models.iter_mut().find(|model| model.name == "ranker").expect("a ranker");
        // The manifest of that package is not here to be held against.
        (ranker.package, ranker.signature.task) = ("other".into(), Task::Rank);
        let fact = |name: &str, kind, side| Fact { name: name.into(), kind, side };
        ranker.signature.features = vec![
            fact("seen", Kind::Number, Side::Session),
            fact("price", Kind::Number, Side::Candidate),
            fact("country", Kind::Text, Side::User),
            fact("words", Kind::Text, Side::Session),
        ];
        ranker.signature_digest = Digest::of(&ranker.signature.encode());
    });
    let item = quote!(
        struct Ranker;
    );
    let expansion = pretty(crate::expand::model(quote!("ranker"), item, &surroundings), &folder);
    let (structs, rest) = expansion.split_once("const _: () = {").expect("structs, then the rest");
    let (_, implements) = rest.split_once("static CELL").expect("what the ranker implements");
    insta::assert_snapshot!(format!("{structs}…\nstatic CELL{implements}"));
}

#[test]
fn a_feature_that_cannot_be_a_field_is_named() {
    let (folder, surroundings) = shop(|lock| {
        let ranker = lock.models.iter_mut().find(|model| model.name == "ranker").expect("a ranker");
        // The manifest of that package is not here to be held against.
        (ranker.package, ranker.signature.task) = ("other".into(), Task::Rank);
        ranker.signature.features = vec![Fact { name: "unit price".into(), kind: Kind::Number, side: Side::Candidate }];
        ranker.signature_digest = Digest::of(&ranker.signature.encode());
    });
    let said = error(
        crate::expand::model(
            quote!("ranker"),
            quote!(
                pub struct Ranker;
            ),
            &surroundings,
        ),
        &folder,
    );
    assert!(said.contains("the feature `unit price` cannot be a field") && said.contains("`column`"), "{said}");
}

#[test]
fn a_ranker_of_embeddings() {
    let (folder, surroundings) = shop(|lock| {
        let space = lock.model("query-encoder").expect("an encoder").space;
        let ranker = lock.models.iter_mut().find(|model| model.name == "ranker").expect("a ranker");
        // The manifest of that package is not here to be held against.
        (ranker.package, ranker.signature.task) = ("other".into(), Task::Rank);
        let of = || Kind::Embedding(EmbeddingOf { model: "query-encoder".into(), space, width: 4 });
        let fact = |name: &str, kind, side| Fact { name: name.into(), kind, side };
        ranker.signature.features = vec![
            fact("query", of(), Side::User),
            fact("price", Kind::Number, Side::Candidate),
            fact("type", of(), Side::Candidate),
        ];
        ranker.signature_digest = Digest::of(&ranker.signature.encode());
    });
    let item = quote!(
        pub struct Ranker;
    );
    let args = quote!("ranker", embeddings(query = crate::QueryEncoder, r#type = QueryEncoder));
    let expansion = pretty(crate::expand::model(args, item, &surroundings), &folder);
    let (structs, rest) = expansion.split_once("const _: () = {").expect("structs, then the rest");
    let (_, implements) = rest.split_once("static CELL").expect("what the ranker implements");
    insta::assert_snapshot!(format!("{structs}…\nstatic CELL{implements}"));
}
