//! A vector that knows which model made it.

use super::{Model, SameSpace};
use crate::isa::Isa;
use crate::kernels;
use core::fmt;
use core::marker::PhantomData;

/// What the model `M` makes of a text: `M::FACTS.outputs` values.
pub struct Embedding<M> {
    values: Box<[f32]>,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Embedding<M> {
    /// The same vector as one of another model.
    ///
    /// It compiles only if the two models' spaces are one.
    pub fn of<N: Model>(self) -> Embedding<N>
    where
        N::Space: SameSpace<M::Space>,
    {
        Embedding { values: self.values, model: PhantomData }
    }

    pub(super) fn new(values: &[f32]) -> Embedding<M> {
        Embedding { values: values.into(), model: PhantomData }
    }

    /// Values that `M` has made before, such as those of a cache; `None` if they are not as many as `M` makes.
    pub fn from_values(values: Vec<f32>) -> Option<Embedding<M>> {
        (values.len() == M::FACTS.outputs).then(|| Embedding { values: values.into(), model: PhantomData })
    }

    /// The values.
    pub fn as_slice(&self) -> &[f32] {
        &self.values
    }

    /// The values.
    pub fn into_vec(self) -> Vec<f32> {
        self.values.into()
    }

    /// The dot product; of two vectors of unit length it is their cosine. The same bits on any CPU.
    ///
    /// It compiles only if the two models' spaces are one.
    pub fn dot<N: Model>(&self, other: &Embedding<N>) -> f32
    where
        N::Space: SameSpace<M::Space>,
    {
        kernels::dot_f32(Isa::chosen(), &self.values, &other.values)
    }
}

impl<M> Clone for Embedding<M> {
    fn clone(&self) -> Embedding<M> {
        Embedding { values: self.values.clone(), model: PhantomData }
    }
}

impl<M> PartialEq for Embedding<M> {
    fn eq(&self, other: &Embedding<M>) -> bool {
        self.values == other.values
    }
}

impl<M: Model> fmt::Debug for Embedding<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Embedding<{}>", M::NAME)?;
        f.debug_list().entries(&self.values).finish()
    }
}

impl<M> AsRef<[f32]> for Embedding<M> {
    fn as_ref(&self) -> &[f32] {
        &self.values
    }
}
