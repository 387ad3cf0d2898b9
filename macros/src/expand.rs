//! What is written into the user's crate: constants of the lock, and where the bytes are. No logic.
//!
//! All tokens that are not the user's have mixed-site spans: names do not leak, and `#![forbid(unsafe_code)]` holds the user's
//! code alone. The user's item comes out even if there is an error.

mod blob;
mod parts;
mod place;
mod rank;
mod slot;

use crate::args::{self, IndexArgs, ModelArgs};
use crate::lookup::{Found, Surroundings};
use modeldeploy_format::lock::{LockedGate, LockedModel};
use modeldeploy_format::variables::{LINK, PLACE, STORE};
use modeldeploy_format::{Digest, Task};
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use std::collections::BTreeMap;
use std::path::Path;
use syn::{Error, Ident, ItemStruct, LitStr, TypePath, Visibility};

/// The expansion of `#[model(args)] item`.
pub(crate) fn model(args: TokenStream, item: TokenStream, surroundings: &Surroundings) -> TokenStream {
    with_item(item, |item| {
        let target = args::unit_struct("model", item)?;
        expand_model(&target, &syn::parse2(args)?, surroundings)
    })
}

/// The expansion of `#[index(args)] item`.
pub(crate) fn index(args: TokenStream, item: TokenStream, surroundings: &Surroundings) -> TokenStream {
    with_item(item, |item| {
        let target = args::unit_struct("index", item)?;
        let IndexArgs { name, of } = syn::parse2(args)?;
        expand_index(&target, &name, &of, surroundings)
    })
}

fn with_item(item: TokenStream, expand: impl FnOnce(TokenStream) -> syn::Result<TokenStream>) -> TokenStream {
    let addition = expand(item.clone()).unwrap_or_else(Error::into_compile_error);
    item.into_iter().chain(addition).collect()
}

fn expand_model(item: &ItemStruct, args: &ModelArgs, surroundings: &Surroundings) -> syn::Result<TokenStream> {
    let ModelArgs { name, embeddings } = args;
    let at_name = |message: String| Error::new(name.span(), message);
    let found = surroundings.lock().map_err(at_name)?;
    let (model, pack) = surroundings.model(&found, &name.value()).map_err(at_name)?;
    if model.signature.task == Task::Rank {
        return rank::expand(item, args, &found, model, &pack);
    }
    if let Some(first) = embeddings.first() {
        let (name, task) = (&model.name, model.signature.task);
        let message = format!("`{name}` does `{task}`, and only rankers take embeddings");
        return Err(Error::new(first.feature.span(), message));
    }
    let (ty, vis, span) = (&item.ident, &item.vis, Span::mixed_site());
    let (name, version) = (&model.name, &model.version);
    let (digest, space) = (pack.digest.to_string(), model.space.to_string());
    let space_type = space_type(&model.space);
    let (task, implements) = match model.signature.task {
        Task::Embed => ("Embed", "EmbedModel"),
        Task::Score => ("Score", "ScoreModel"),
        Task::Classify => ("Classify", "ClassifyModel"),
        other => return Err(at_name(format!("this version of modeldeploy has no handle for the task `{other}`"))),
    };
    let (facts, implements) = (facts(model, task), Ident::new(implements, span));
    let what = format!("model `{name}`");
    let tracking = tracking(&found)?;
    let blob = blob::expand(&what, &found, &pack)?;
    let inherent = inherent(ty, vis, &[("NAME", name), ("VERSION", version), ("DIGEST", &digest), ("SPACE", &space)]);
    let get = get(ty, vis, &quote_spanned!(span=> ::modeldeploy::model::Handle), "The handle to the model.");
    Ok(quote_spanned! {span=>
        const _: () = {
            #tracking
            #blob
            #inherent
            #get
            static CELL: ::modeldeploy::link::ModelCell = ::modeldeploy::link::ModelCell::new();
            impl ::modeldeploy::model::Model for #ty {
                type Space = #space_type;
                const NAME: &'static str = #name;
                const VERSION: &'static str = #version;
                const DIGEST: &'static str = #digest;
                const SPACE: &'static str = #space;
                const FACTS: ::modeldeploy::model::Facts = #facts;
                fn engine() -> ::core::result::Result<&'static ::modeldeploy::model::Engine<'static>, ::modeldeploy::Error> {
                    CELL.get::<Self>(#what, BLOB)
                }
            }
            impl ::modeldeploy::model::AnyModel for #ty {
                const COMPILED: ::modeldeploy::model::Compiled = ::modeldeploy::model::Compiled::texts::<Self>();
            }
            impl ::modeldeploy::model::#implements for #ty {}
        };
    })
}

/// What a model of this task takes and gives, as a constant.
fn facts(model: &LockedModel, task: &str) -> TokenStream {
    let span = Span::mixed_site();
    let signature = &model.signature;
    let task = Ident::new(task, span);
    let (max_tokens, outputs, normalized) =
        (signature.max_tokens as usize, signature.outputs as usize, signature.normalized);
    let labels = &signature.labels;
    let prompts = signature.prompts.iter().map(|(name, _)| name);
    let gate = gate(model.gate.as_ref());
    quote_spanned! {span=>
        ::modeldeploy::model::Facts {
            task: ::modeldeploy::format::Task::#task,
            max_tokens: #max_tokens,
            outputs: #outputs,
            normalized: #normalized,
            labels: &[#(#labels),*],
            prompts: &[#(#prompts),*],
            gate: #gate,
        }
    }
}

/// What the gate measured, as a constant.
fn gate(locked: Option<&LockedGate>) -> TokenStream {
    let span = Span::mixed_site();
    let Some(LockedGate { suite: _, metric, base, got, thresholds, figures }) = locked else {
        return quote_spanned!(span=> ::core::option::Option::None);
    };
    let pairs = |pairs: &BTreeMap<String, String>| {
        let (names, figures) = (pairs.keys(), pairs.values());
        quote_spanned!(span=> &[#((#names, #figures)),*])
    };
    let (thresholds, figures) = (pairs(thresholds), pairs(figures));
    quote_spanned! {span=>
        ::core::option::Option::Some(::modeldeploy::model::Gate {
            metric: #metric,
            base: #base,
            got: #got,
            thresholds: #thresholds,
            figures: #figures,
        })
    }
}

fn expand_index(
    item: &ItemStruct,
    name: &LitStr,
    of: &TypePath,
    surroundings: &Surroundings,
) -> syn::Result<TokenStream> {
    let at_name = |message: String| Error::new(name.span(), message);
    let found = surroundings.lock().map_err(at_name)?;
    let (index, file) = surroundings.index(&found, &name.value()).map_err(at_name)?;
    let (ty, vis, span) = (&item.ident, &item.vis, Span::mixed_site());
    let (name, digest, rows) = (&index.name, file.digest.to_string(), index.rows as usize);
    let space_type = space_type(&index.space);
    let what = format!("index `{name}`");
    let tracking = tracking(&found)?;
    let blob = blob::expand(&what, &found, &file)?;
    let inherent = inherent(ty, vis, &[("NAME", name), ("DIGEST", &digest)]);
    let get = get(ty, vis, &quote_spanned!(span=> ::modeldeploy::index::Handle), "The handle to the index.");
    let check = lies_in(of, &space_type);
    Ok(quote_spanned! {span=>
        const _: () = {
            #tracking
            #blob
            #inherent
            #get
            static CELL: ::modeldeploy::link::IndexCell = ::modeldeploy::link::IndexCell::new();
            #check
            impl ::modeldeploy::index::Index for #ty {
                type Model = #of;
                const NAME: &'static str = #name;
                const DIGEST: &'static str = #digest;
                const ROWS: usize = #rows;
                fn vectors() -> ::core::result::Result<
                    &'static ::modeldeploy::format::index::Vectors<'static>,
                    ::modeldeploy::Error,
                > {
                    CELL.get::<Self>(#what, BLOB)
                }
            }
        };
    })
}

/// That the space of the user's model `of` is this one.
fn lies_in(of: &TypePath, space_type: &TokenStream) -> TokenStream {
    // The check stands on the user's model, so that an error does.
    let check = quote_spanned! {syn::spanned::Spanned::span(of)=> lies_in::<#of>};
    quote_spanned! {Span::mixed_site()=>
        const fn lies_in<M: ::modeldeploy::model::Model>()
        where
            M::Space: ::modeldeploy::model::SameSpace<#space_type>,
        {
        }
        const _: () = #check();
    }
}

/// `::modeldeploy::model::Space<A, B>`
fn space_type(space: &Digest) -> TokenStream {
    let bytes = u128::from_be_bytes;
    let [a, b] = [0, 16].map(|at| bytes(space.as_bytes()[at..at + 16].try_into().expect("half of 32 bytes")));
    quote_spanned!(Span::mixed_site()=> ::modeldeploy::model::Space<#a, #b>)
}

/// The same constants without a `use` of the trait.
fn inherent(ty: &Ident, vis: &Visibility, texts: &[(&str, &String)]) -> TokenStream {
    let span = Span::mixed_site();
    let names = texts.iter().map(|(name, _)| Ident::new(name, span));
    let values = texts.iter().map(|(_, value)| value);
    let docs = texts.iter().map(|(name, value)| format!("`{value}`, the {} in `Model.lock`.", name.to_lowercase()));
    quote_spanned! {span=>
        #[allow(dead_code, reason = "a service need not use them all")]
        impl #ty {
            #(#[doc = #docs] #vis const #names: &'static str = #values;)*
        }
    }
}

fn get(ty: &Ident, vis: &Visibility, handle: &TokenStream, doc: &str) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        #[allow(dead_code, reason = "a library may have it for others")]
        impl #ty {
            #[doc = #doc]
            #vis const fn get() -> #handle<#ty> {
                #handle::new()
            }
        }
    }
}

/// What makes cargo expand again when the lock, the manifest, the place of the store or, where it matters, the wish to link changes.
/// Nothing of it is compiled in.
fn tracking(found: &Found) -> syn::Result<TokenStream> {
    let files = found.tracked.iter().map(|path| utf8(path)).collect::<syn::Result<Vec<_>>>()?;
    Ok(quote_spanned! {Span::mixed_site()=>
        #(const _: &[::core::primitive::u8] = ::core::include_bytes!(#files);)*
        const _: ::core::option::Option<&::core::primitive::str> = ::core::option_env!(#STORE);
        const _: ::core::option::Option<&::core::primitive::str> = ::core::option_env!(#PLACE);
        #[cfg(debug_assertions)]
        const _: ::core::option::Option<&::core::primitive::str> = ::core::option_env!(#LINK);
    })
}

fn utf8(path: &Path) -> syn::Result<String> {
    let text =
        path.to_str().ok_or_else(|| Error::new(Span::call_site(), format!("{} is not UTF-8", path.display())))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
