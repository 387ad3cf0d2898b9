//! A ranker: the handle's type, and beside it a struct with a field for each feature of a candidate, and one of a user and a session where
//! the model knows any.

use super::{Found, facts, inherent, lies_in, space_type, tracking};
use crate::args::{EmbeddingArg, ModelArgs};
use crate::expand::{blob, get};
use crate::lookup::Stored;
use modeldeploy_format::features::{EmbeddingOf, Fact, Kind, Side};
use modeldeploy_format::lock::LockedModel;
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Error, Ident, ItemStruct, LitStr, TypePath, Visibility};

pub(super) fn expand(
    item: &ItemStruct,
    args: &ModelArgs,
    found: &Found,
    model: &LockedModel,
    pack: &Stored,
) -> syn::Result<TokenStream> {
    let ModelArgs { name: at, embeddings } = args;
    check_embeddings(&model.signature.features, args)?;
    let (ty, vis, span) = (&item.ident, &item.vis, Span::mixed_site());
    let (name, version, digest) = (&model.name, &model.version, pack.digest.to_string());
    let signature = &model.signature;
    let (outputs, facts) = (signature.outputs as usize, facts(model, "Rank"));
    let features: Vec<&str> = signature.features.iter().map(|feature| feature.name.as_str()).collect();
    let fields = |sides: &[Side]| -> syn::Result<Vec<Field<'_>>> {
        let of = signature.features.iter().filter(|fact| sides.contains(&fact.side));
        of.map(|fact| Ok(Field { fact, ident: field(&fact.name, at)?, of: encoder(fact, embeddings) })).collect()
    };
    // Each in a scope of its own, for all of them are called alike.
    let checks =
        signature.features.iter().filter_map(|fact| Some((fact.kind.embedding()?, encoder(fact, embeddings)?)));
    let checks = checks.map(|(of, encoder)| lies_in(encoder, &space_type(&of.space)));
    let checks: Vec<_> = checks.map(|check| quote_spanned!(span=> const _: () = { #check };)).collect();
    let (candidate, user) = (fields(&[Side::Candidate])?, fields(&[Side::User, Side::Session])?);
    // Named as the user named the model, so that they are the user's to name.
    let (row, asked) = (format_ident!("{ty}Row", span = ty.span()), format_ident!("{ty}User", span = ty.span()));
    let row_doc = format!("What is known of one candidate of [`{ty}`]: a field for each feature of model `{name}`.");
    let user_doc = format!(
        "For whom [`{ty}`] ranks: a field for each feature of a user or a session of model `{name}`; of a session the oldest item is first."
    );
    let (row_item, row_elided) = structure(vis, &row, &row_doc, &candidate);
    let row_values = values(&candidate, Side::Candidate);
    let (user_item, user_impl) = if user.is_empty() {
        let userless = quote_spanned!(span=> impl ::modeldeploy::rank::Userless for #ty {});
        (TokenStream::new(), userless)
    } else {
        let (item, elided) = structure(vis, &asked, &user_doc, &user);
        let (values, lists) = (values(&user, Side::User), values(&user, Side::Session));
        let implements = quote_spanned! {span=>
            impl ::modeldeploy::rank::User for #asked #elided {
                type Model = #ty;
                fn values(&self) -> impl ::core::convert::AsRef<[::modeldeploy::rank::Value<'_>]> {
                    #values
                }
                fn session(&self) -> impl ::core::convert::AsRef<[::modeldeploy::rank::List<'_>]> {
                    #lists
                }
            }
        };
        (item, implements)
    };
    let what = format!("model `{name}`");
    let tracking = tracking(found)?;
    let blob = blob::expand(&what, found, pack)?;
    let inherent = inherent(ty, vis, &[("NAME", name), ("VERSION", version), ("DIGEST", &digest)]);
    let get = get(ty, vis, &quote_spanned!(span=> ::modeldeploy::rank::Handle), "The handle to the model.");
    Ok(quote_spanned! {span=>
        #row_item
        #user_item
        const _: () = {
            #tracking
            #blob
            #inherent
            #get
            static CELL: ::modeldeploy::link::RankCell = ::modeldeploy::link::RankCell::new();
            #(#checks)*
            impl ::modeldeploy::rank::RankModel for #ty {
                const NAME: &'static str = #name;
                const VERSION: &'static str = #version;
                const DIGEST: &'static str = #digest;
                const FEATURES: &'static [&'static str] = &[#(#features),*];
                const OUTPUTS: usize = #outputs;
                const FACTS: ::modeldeploy::model::Facts = #facts;
                fn engine() -> ::core::result::Result<&'static ::modeldeploy::rank::Engine<'static>, ::modeldeploy::Error> {
                    CELL.get::<Self>(#what, BLOB)
                }
            }
            impl ::modeldeploy::model::AnyModel for #ty {
                const COMPILED: ::modeldeploy::model::Compiled = ::modeldeploy::model::Compiled::ranker::<Self>();
            }
            impl ::modeldeploy::rank::Row for #row #row_elided {
                type Model = #ty;
                fn values(&self) -> impl ::core::convert::AsRef<[::modeldeploy::rank::Value<'_>]> {
                    #row_values
                }
            }
            #user_impl
        };
    })
}

/// A feature and the field that it is.
struct Field<'f> {
    fact: &'f Fact,
    ident: Ident,
    /// Of an embedding, the type of the model that makes it.
    of: Option<&'f TypePath>,
}

/// The type that the user names for an embedding.
fn encoder<'a>(fact: &Fact, embeddings: &'a [EmbeddingArg]) -> Option<&'a TypePath> {
    let named = embeddings.iter().find(|arg| arg.feature.unraw() == fact.name);
    fact.kind.embedding().and(named).map(|arg| &arg.of)
}

/// That the user names a type for each embedding, once, and for nothing else.
fn check_embeddings(features: &[Fact], ModelArgs { name: at, embeddings }: &ModelArgs) -> syn::Result<()> {
    let taken = || features.iter().filter(|fact| fact.kind.embedding().is_some());
    for (place, EmbeddingArg { feature, .. }) in embeddings.iter().enumerate() {
        let is = |name: &str| feature.unraw() == name;
        if !taken().any(|fact| is(&fact.name)) {
            let names: Vec<String> = taken().map(|fact| format!("`{}`", fact.name)).collect();
            let has = if names.is_empty() { "takes none".to_owned() } else { format!("takes {}", names.join(", ")) };
            let message = format!("`{feature}` is no embedding that the ranker takes: it {has}");
            return Err(Error::new(feature.span(), message));
        }
        if embeddings[..place].iter().any(|before| before.feature.unraw() == feature.unraw()) {
            return Err(Error::new(feature.span(), format!("the embedding `{feature}` is there twice")));
        }
    }
    let absent: Vec<&Fact> = taken().filter(|fact| encoder(fact, embeddings).is_none()).collect();
    let Some(Fact { name, kind: Kind::Embedding(EmbeddingOf { model, .. }), .. }) = absent.first() else {
        return Ok(());
    };
    let all: Vec<String> = taken().map(|fact| format!("{} = …", fact.name)).collect();
    let message = format!(
        "the feature `{name}` is an embedding of `{model}`, and no type is named for it\n\
         help: `#[model({:?}, embeddings({}))]`, each with the type that `#[model]` makes of the model",
        at.value(),
        all.join(", "),
    );
    Err(Error::new(at.span(), message))
}

/// A struct of fields, and its lifetime where it is only named.
fn structure(vis: &Visibility, name: &Ident, doc: &str, fields: &[Field<'_>]) -> (TokenStream, TokenStream) {
    let span = Span::mixed_site();
    let borrows = fields.iter().any(|it| it.fact.kind != Kind::Number || it.fact.side == Side::Session);
    let (generics, elided) =
        if borrows { (quote_spanned!(span=> <'a>), quote_spanned!(span=> <'_>)) } else { Default::default() };
    let types = fields.iter().map(|it| match (it.fact.side, &it.fact.kind) {
        (_, Kind::Embedding(_)) => {
            let of = it.of;
            quote_spanned!(span=> &'a ::modeldeploy::Embedding<#of>)
        }
        (Side::Session, Kind::Number) => quote_spanned!(span=> &'a [::core::primitive::f64]),
        (Side::Session, Kind::Text) => quote_spanned!(span=> &'a [&'a ::core::primitive::str]),
        (_, Kind::Number) => quote_spanned!(span=> ::core::primitive::f64),
        (_, Kind::Text) => quote_spanned!(span=> &'a ::core::primitive::str),
    });
    let docs = fields.iter().map(|it| match it.fact.kind.embedding() {
        Some(of) => format!("The feature `{}`, an embedding of the model `{}`.", it.fact.name, of.model),
        None => format!("The feature `{}`.", it.fact.name),
    });
    let idents = fields.iter().map(|it| &it.ident);
    let item = quote_spanned! {span=>
        #[doc = #doc]
        #[allow(non_snake_case, reason = "features are named as in the model")]
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug, ::core::cmp::PartialEq)]
        #vis struct #name #generics {
            #(#[doc = #docs] pub #idents: #types,)*
        }
    };
    (item, elided)
}

/// The values of one side's fields, as the engine takes them.
fn values(fields: &[Field<'_>], side: Side) -> TokenStream {
    let span = Span::mixed_site();
    let of = fields.iter().filter(|it| it.fact.side == side);
    let values = of.map(|Field { fact, ident, .. }| match (side, &fact.kind) {
        (_, Kind::Embedding(_)) => {
            quote_spanned!(span=> ::modeldeploy::rank::Value::Embedding(::core::convert::AsRef::as_ref(self.#ident)))
        }
        (Side::Session, Kind::Number) => quote_spanned!(span=> ::modeldeploy::rank::List::Numbers(self.#ident)),
        (Side::Session, Kind::Text) => quote_spanned!(span=> ::modeldeploy::rank::List::Texts(self.#ident)),
        (_, Kind::Number) => quote_spanned!(span=> ::modeldeploy::rank::Value::Number(self.#ident)),
        (_, Kind::Text) => quote_spanned!(span=> ::modeldeploy::rank::Value::Text(self.#ident)),
    });
    quote_spanned!(span=> [#(#values),*])
}

/// The field of a feature; `r#type` where the name is Rust's own.
fn field(feature: &str, at: &LitStr) -> syn::Result<Ident> {
    let span = Span::call_site();
    if let Ok(ident) = syn::parse_str::<Ident>(feature) {
        return Ok(Ident::new(&ident.to_string(), span));
    }
    syn::parse_str::<Ident>(&format!("r#{feature}")).map_err(|_| {
        let message = format!(
            "the feature `{feature}` cannot be a field\nhelp: give it a name of letters, digits and `_` in features.toml, and its \
             name in the model as `column`"
        );
        Error::new(at.span(), message)
    })
}
