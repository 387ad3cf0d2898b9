//! The types of values: a kind of number and a shape.

use std::fmt;

/// One axis of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dim {
    /// So many.
    Fixed(usize),
    /// As many as the text has tokens, special ones included.
    Tokens,
}

impl Dim {
    /// The size in a text of that many tokens.
    pub fn size(self, tokens: usize) -> usize {
        match self {
            Dim::Fixed(size) => size,
            Dim::Tokens => tokens,
        }
    }

    /// The size, if it is the same in every text.
    pub fn fixed(self) -> Option<usize> {
        match self {
            Dim::Fixed(size) => Some(size),
            Dim::Tokens => None,
        }
    }
}

impl From<usize> for Dim {
    fn from(size: usize) -> Self {
        Dim::Fixed(size)
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Fixed(size) => write!(f, "{size}"),
            Dim::Tokens => f.write_str("tokens"),
        }
    }
}

/// What numbers a value holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Elem {
    /// f32; a constant of them may be stored as bf16.
    F32,
    /// Rows of a table, as the inputs name them.
    Index,
    /// Weight codes, signed 8 bit.
    I8,
    /// Signed 32 bit.
    I32,
    /// Rows of 8-bit codes with a scale and a zero for each row, as `quantize` makes them.
    Q8,
}

impl Elem {
    /// All of them.
    pub const ALL: [Elem; 5] = [Elem::F32, Elem::Index, Elem::I8, Elem::I32, Elem::Q8];

    /// The name in texts.
    pub const fn name(self) -> &'static str {
        match self {
            Elem::F32 => "f32",
            Elem::Index => "index",
            Elem::I8 => "i8",
            Elem::I32 => "i32",
            Elem::Q8 => "q8",
        }
    }
}

/// The type of a value. Its text is `f32[tokens, 384]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// The kind of number.
    pub elem: Elem,
    /// The axes, outermost first.
    pub shape: Vec<Dim>,
}

impl Type {
    /// A type of that kind of number and shape.
    pub fn new(elem: Elem, shape: impl Into<Vec<Dim>>) -> Self {
        Self { elem, shape: shape.into() }
    }

    /// f32 of that shape.
    pub fn f32(shape: impl Into<Vec<Dim>>) -> Self {
        Self::new(Elem::F32, shape)
    }

    /// How many axes it has.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The last axis, if it is of fixed size: a row's width.
    pub fn width(&self) -> Option<usize> {
        self.shape.last().and_then(|dim| dim.fixed())
    }

    /// The sizes in a text of that many tokens.
    pub fn sizes(&self, tokens: usize) -> Vec<usize> {
        self.shape.iter().map(|dim| dim.size(tokens)).collect()
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.elem.name(), ShapeText(&self.shape))
    }
}

/// A shape as text: `[tokens, 384]`.
pub(crate) struct ShapeText<'a>(pub(crate) &'a [Dim]);

impl fmt::Display for ShapeText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (at, dim) in self.0.iter().enumerate() {
            write!(f, "{}{dim}", if at == 0 { "" } else { ", " })?;
        }
        f.write_str("]")
    }
}
