//! A ranker: the handle's type, and a struct with a field for each of its features.

use super::{Found, inherent, tracking};
use crate::expand::{blob, get};
use crate::lookup::Stored;
use modeldeploy_format::features::Kind;
use modeldeploy_format::lock::LockedModel;
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::{Error, Ident, ItemStruct, LitStr};

pub(super) fn expand(
    item: &ItemStruct,
    at: &LitStr,
    found: &Found,
    model: &LockedModel,
    pack: &Stored,
) -> syn::Result<TokenStream> {
    let (ty, vis, span) = (&item.ident, &item.vis, Span::mixed_site());
    let (name, version, digest) = (&model.name, &model.version, pack.digest.to_string());
    let signature = &model.signature;
    let outputs = signature.outputs as usize;
    let features: Vec<&str> = signature.features.iter().map(|feature| feature.name.as_str()).collect();
    let fields = features.iter().map(|feature| field(feature, at)).collect::<syn::Result<Vec<Ident>>>()?;
    let has_text = signature.features.iter().any(|feature| feature.kind == Kind::Text);
    let (generics, elided) =
        if has_text { (quote_spanned!(span=> <'a>), quote_spanned!(span=> <'_>)) } else { Default::default() };
    let types = signature.features.iter().map(|feature| match feature.kind {
        Kind::Number => quote_spanned!(span=> ::core::primitive::f64),
        Kind::Text => quote_spanned!(span=> &'a ::core::primitive::str),
    });
    let kinds = signature.features.iter().map(|feature| match feature.kind {
        Kind::Number => Ident::new("Number", span),
        Kind::Text => Ident::new("Text", span),
    });
    let docs = features.iter().map(|feature| format!("The feature `{feature}`."));
    // Named as the user named the model, so that it is the user's to name.
    let row = format_ident!("{ty}Row", span = ty.span());
    let row_doc = format!("What is known of one candidate of [`{ty}`]: a field for each feature of model `{name}`.");
    let what = format!("model `{name}`");
    let tracking = tracking(found)?;
    let blob = blob::expand(&what, found, pack)?;
    let inherent = inherent(ty, vis, &[("NAME", name), ("VERSION", version), ("DIGEST", &digest)]);
    let get = get(ty, vis, &quote_spanned!(span=> ::modeldeploy::rank::Handle), "The handle to the model.");
    Ok(quote_spanned! {span=>
        #[doc = #row_doc]
        #[allow(non_snake_case, reason = "features are named as in the model")]
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug, ::core::cmp::PartialEq)]
        #vis struct #row #generics {
            #(#[doc = #docs] pub #fields: #types,)*
        }
        const _: () = {
            #tracking
            #blob
            #inherent
            #get
            static CELL: ::modeldeploy::link::RankCell = ::modeldeploy::link::RankCell::new();
            impl ::modeldeploy::rank::RankModel for #ty {
                const NAME: &'static str = #name;
                const VERSION: &'static str = #version;
                const DIGEST: &'static str = #digest;
                const FEATURES: &'static [&'static str] = &[#(#features),*];
                const OUTPUTS: usize = #outputs;
                fn engine() -> ::core::result::Result<&'static ::modeldeploy::rank::Engine<'static>, ::modeldeploy::Error> {
                    CELL.get::<Self>(#what, BLOB)
                }
            }
            impl ::modeldeploy::rank::Row for #row #elided {
                type Model = #ty;
                fn values(&self) -> impl ::core::convert::AsRef<[::modeldeploy::rank::Value<'_>]> {
                    [#(::modeldeploy::rank::Value::#kinds(self.#fields)),*]
                }
            }
        };
    })
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
