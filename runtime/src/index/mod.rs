//! Indexes: `#[index("catalogue", of = QueryEncoder)] pub struct Catalogue;` makes a type of vectors that were made at build
//! time by the model that answers at run time, and `Catalogue::get()` searches them.
//!
//! The search is exact: every vector is read, in the order of the file, as it is stored: f32, or int8 with a scale for each row, a
//! quarter of the bytes and of the time. That the index lies in the model's space is checked when
//! the `#[index]` is compiled.

mod search;

pub use search::search;

use crate::isa::Isa;
use crate::kernels;
use crate::model::{Embedding, Error, Model, SameSpace};
use core::fmt;
use core::marker::PhantomData;
use modeldeploy_format::index::Vectors;

/// A locked index. `#[index("name", of = Model)]` implements it; nothing else should.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an index",
    note = "an index is a unit struct with `#[modeldeploy::index(\"name\", of = Model)]`, the name being one in `Model.lock`"
)]
pub trait Index: Sized + Send + Sync + 'static {
    /// The model that made the vectors.
    type Model: Model;
    /// The name in the manifest and the lock.
    const NAME: &'static str;
    /// The sha256 of the index, `sha256:…`.
    const DIGEST: &'static str;
    /// How many vectors.
    const ROWS: usize;

    /// The vectors, proved on the first call and kept.
    #[doc(hidden)]
    fn vectors() -> Result<&'static Vectors<'static>, Error>;
}

/// An index at hand. It has no size: the vectors lie in the executable, or, in a debug build, in the store.
pub struct Handle<I>(PhantomData<fn() -> I>);

/// A row of an index and how near it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The row.
    pub row: usize,
    /// Its id.
    pub id: &'static str,
    /// The dot product of its vector with the query's. In an index of f32 the same bits as [`Embedding::dot`] gives; in one of int8
    /// the product of the codes, the query's being made as a layer's input is.
    pub score: f32,
}

impl<I: Index> Handle<I> {
    /// The handle.
    pub const fn new() -> Handle<I> {
        Handle(PhantomData)
    }

    /// How many rows there are.
    pub const fn rows(self) -> usize {
        I::ROWS
    }

    /// The id of a row, or `None` past the end.
    ///
    /// # Errors
    ///
    /// In a debug build, if the store lacks the index or has it damaged.
    pub fn id(self, row: usize) -> Result<Option<&'static str>, Error> {
        let vectors = I::vectors()?;
        Ok((row < vectors.rows()).then(|| vectors.id(row)))
    }

    /// The vector of a row, or `None` past the end.
    ///
    /// # Errors
    ///
    /// In a debug build, if the store lacks the index or has it damaged.
    pub fn vector(self, row: usize) -> Result<Option<Embedding<I::Model>>, Error> {
        let vectors = I::vectors()?;
        Ok((row < vectors.rows()).then(|| vectors.vector(row)).and_then(Embedding::from_values))
    }

    /// The `k` rows nearest to `query`, nearest first, of equal ones the earlier; all of them if there are no more than `k`.
    ///
    /// # Errors
    ///
    /// In a debug build, if the store lacks the index or has it damaged.
    pub fn top<M: Model>(self, query: &Embedding<M>, k: usize) -> Result<Vec<Hit>, Error>
    where
        M::Space: SameSpace<<I::Model as Model>::Space>,
    {
        let vectors = I::vectors()?;
        let mut best = vec![kernels::Hit::default(); k.min(vectors.rows())];
        let found = search(Isa::chosen(), vectors, query.as_slice(), &mut best);
        let hit =
            |hit: &kernels::Hit| Hit { row: hit.index as usize, id: vectors.id(hit.index as usize), score: hit.score };
        Ok(best[..found].iter().map(hit).collect())
    }
}

impl<I> Clone for Handle<I> {
    fn clone(&self) -> Handle<I> {
        *self
    }
}

impl<I> Copy for Handle<I> {}

impl<I: Index> Default for Handle<I> {
    fn default() -> Handle<I> {
        Handle::new()
    }
}

impl<I: Index> fmt::Debug for Handle<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({}, {} rows, {})", I::NAME, I::ROWS, I::DIGEST)
    }
}

#[cfg(test)]
mod tests;
