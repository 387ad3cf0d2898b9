//! What stands in the attribute's parentheses, and what it may stand on.

use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Fields, Ident, ItemStruct, LitStr, Result, Token, TypePath, parenthesized};

mod keyword {
    syn::custom_keyword!(embeddings);
    syn::custom_keyword!(of);
}

/// `"query-encoder"`, or `"ranker", embeddings(query = QueryEncoder)`
pub(crate) struct ModelArgs {
    pub(crate) name: LitStr,
    pub(crate) embeddings: Vec<EmbeddingArg>,
}

/// `query = QueryEncoder`: a feature, and the type of the model whose embedding it is.
pub(crate) struct EmbeddingArg {
    pub(crate) feature: Ident,
    pub(crate) of: TypePath,
}

/// `"catalogue", of = QueryEncoder`
pub(crate) struct IndexArgs {
    pub(crate) name: LitStr,
    pub(crate) of: TypePath,
}

impl Parse for ModelArgs {
    fn parse(input: ParseStream<'_>) -> Result<ModelArgs> {
        const SHAPE: &str = "a model has a name, and a ranker the models whose embeddings it takes: \
            `#[model(\"name\")]`, `#[model(\"name\", embeddings(feature = Model))]`";
        let name = name(input, "the model's name is missing: `#[model(\"name\")]`")?;
        let reshape = |error: Error| Error::new(error.span(), SHAPE);
        let mut embeddings = vec![];
        if input.peek(Token![,]) && input.peek2(keyword::embeddings) {
            input.parse::<Token![,]>()?;
            input.parse::<keyword::embeddings>()?;
            let inside;
            parenthesized!(inside in input);
            let all = Punctuated::<EmbeddingArg, Token![,]>::parse_terminated(&inside).map_err(reshape)?;
            embeddings.extend(all);
        }
        end(input, SHAPE)?;
        Ok(ModelArgs { name, embeddings })
    }
}

impl Parse for EmbeddingArg {
    fn parse(input: ParseStream<'_>) -> Result<EmbeddingArg> {
        let feature = Ident::parse_any(input)?;
        input.parse::<Token![=]>()?;
        Ok(EmbeddingArg { feature, of: input.parse()? })
    }
}

impl Parse for IndexArgs {
    fn parse(input: ParseStream<'_>) -> Result<IndexArgs> {
        const SHAPE: &str = "an index has a name and a model: `#[index(\"name\", of = Model)]`";
        let name = name(input, SHAPE)?;
        let reshape = |error: Error| Error::new(error.span(), SHAPE);
        input.parse::<Token![,]>().map_err(reshape)?;
        input.parse::<keyword::of>().map_err(reshape)?;
        input.parse::<Token![=]>().map_err(reshape)?;
        let of = input.parse().map_err(reshape)?;
        end(input, SHAPE)?;
        Ok(IndexArgs { name, of })
    }
}

fn name(input: ParseStream<'_>, missing: &str) -> Result<LitStr> {
    input.parse().map_err(|error| Error::new(error.span(), missing))
}

fn end(input: ParseStream<'_>, more: &str) -> Result<()> {
    let _ = input.parse::<Option<Token![,]>>()?;
    if input.is_empty() { Ok(()) } else { Err(input.error(more)) }
}

/// The struct that the attribute stands on: it has neither fields nor parameters.
pub(crate) fn unit_struct(attribute: &str, item: proc_macro2::TokenStream) -> Result<ItemStruct> {
    let shape = format!("`#[{attribute}]` stands on a unit struct: `pub struct Name;`");
    let item: ItemStruct = syn::parse2(item).map_err(|error| Error::new(error.span(), &shape))?;
    if !matches!(item.fields, Fields::Unit) {
        return Err(Error::new(item.fields.span(), shape));
    }
    if !item.generics.params.is_empty() || item.generics.where_clause.is_some() {
        return Err(Error::new(item.generics.span(), format!("a locked {attribute} has no parameters; {shape}")));
    }
    Ok(item)
}
