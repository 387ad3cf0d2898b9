//! The dot products of the pairs of a row's fields (Naumov et al. 2019, DLRM).

use super::{Attributes, Operator, Text, Triangle, matmul::matmul, shapes};
use crate::graph::{Dim, Elem, Type};
use candle_core::{Device, Tensor};

/// `f32[rows?, fields, n]` to `f32[rows?, pairs]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pairs {
    /// Which pairs, in which order.
    pub triangle: Triangle,
    /// Whether a field is also multiplied by itself.
    pub diagonal: bool,
}

impl Pairs {
    /// The pairs of so many fields, in order.
    pub fn list(self, fields: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..fields).flat_map(move |i| {
            let others = match (self.triangle, self.diagonal) {
                (Triangle::Lower, false) => 0..i,
                (Triangle::Lower, true) => 0..i + 1,
                (Triangle::Upper, false) => i + 1..fields,
                (Triangle::Upper, true) => i..fields,
            };
            others.map(move |j| (i, j))
        })
    }
}

impl Operator for Pairs {
    const NAME: &'static str = "pairs";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x] = shapes::exactly(inputs)?;
        shapes::elem("the input", x, Elem::F32)?;
        let &[Dim::Fixed(fields), Dim::Fixed(_)] = x.row() else {
            return Err(format!("{x} is no row of fields"));
        };
        let pairs =
            u32::try_from(fields).ok().and_then(|fields| usize::try_from(Triangle::pairs(fields, self.diagonal)).ok());
        match pairs {
            Some(pairs @ 1..) => Ok(Type::f32(x.rows().into_iter().chain([pairs.into()]).collect::<Vec<_>>())),
            _ => Err(format!("there are no pairs of {fields} fields")),
        }
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let x = &inputs[0];
        let (outer, fields) = (&x.dims()[..x.rank() - 2], x.dim(x.rank() - 2)?);
        let products = matmul(x, &x.t()?)?.reshape([outer, &[fields * fields]].concat())?;
        let places = Tensor::from_iter(self.list(fields).map(|(i, j)| (i * fields + j) as u32), &Device::Cpu)?;
        products.index_select(&places, outer.len())
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("triangle", name(self.triangle));
        attributes.flag("diagonal", self.diagonal);
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        let text: String = attributes.take("triangle")?;
        let triangle = Triangle::ALL.into_iter().find(|&triangle| name(triangle) == text);
        let triangle = triangle.ok_or_else(|| format!("there is no triangle `{text}`"))?;
        Ok(Self { triangle, diagonal: attributes.take_flag("diagonal")? })
    }
}

fn name(triangle: Triangle) -> &'static str {
    match triangle {
        Triangle::Lower => "lower",
        Triangle::Upper => "upper",
    }
}
