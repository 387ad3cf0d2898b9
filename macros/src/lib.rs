//! The `#[model]` and `#[index]` attributes: a locked model becomes a typed item.
//!
//! Here tokens are handed over, `args` reads them, `lookup` finds the lock and what it says, `expand` quotes. Nothing heavy is done
//! in a macro: a name is looked up, no pack is read.

#![forbid(unsafe_code)]

mod args;
mod expand;
mod lookup;

use proc_macro::TokenStream;

/// Makes a locked model of a unit struct: `#[model("query-encoder")] pub struct QueryEncoder;`.
///
/// The name is one of `Model.lock`, which is looked for from the package's folder upwards. The struct gets `NAME`, `VERSION`,
/// `DIGEST`, `SPACE` and `get()`, and implements `modeldeploy::Model` and the trait of its task. Of the task `rank`, `Ranker` gets
/// beside it a struct `RankerRow` with a field for each feature. A ranker that takes embeddings names whose they are,
/// `#[model("ranker", embeddings(query = QueryEncoder))]`: the field `query` is then an `Embedding<QueryEncoder>`, and that its space is the
/// one that the ranker is locked against is checked here and now. Where debug assertions are
/// off, as in a release build, the pack is linked into the executable; where they are on, as in debug and in tests, it is mapped from
/// the store beside `Model.lock`. A release profile with debug assertions links too if `MODELDEPLOY_LINK=1` stands in cargo's
/// environment, where `cargo modeldeploy build --release` puts it.
#[proc_macro_attribute]
pub fn model(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::model(args.into(), item.into(), &lookup::Surroundings::of_cargo()).into()
}

/// Makes a locked index of a unit struct: `#[index("catalogue", of = QueryEncoder)] pub struct Catalogue;`.
///
/// The name is one of `Model.lock`, and `of` the type of the model that made its vectors; that their spaces are one is checked
/// here and now. The struct gets `NAME`, `DIGEST`, `ROWS` and `get()`, and implements `modeldeploy::Index`.
#[proc_macro_attribute]
pub fn index(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::index(args.into(), item.into(), &lookup::Surroundings::of_cargo()).into()
}
