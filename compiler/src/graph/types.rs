//! The types of values: a kind of number and a shape.

use std::fmt;

/// One axis of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dim {
    /// So many.
    Fixed(usize),
    /// As many as the text has tokens, special ones included; of a ranker, as the session has items.
    Tokens,
    /// As many as there are candidates (rankers only).
    Candidates,
}

/// How many there are of what varies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Tokens, or items of a session.
    pub tokens: usize,
    /// Candidates.
    pub candidates: usize,
}

impl Dim {
    /// The size where there are so many.
    pub fn size(self, sizes: Sizes) -> usize {
        match self {
            Dim::Fixed(size) => size,
            Dim::Tokens => sizes.tokens,
            Dim::Candidates => sizes.candidates,
        }
    }

    /// The size, if it is the same in every text.
    pub fn fixed(self) -> Option<usize> {
        match self {
            Dim::Fixed(size) => Some(size),
            Dim::Tokens | Dim::Candidates => None,
        }
    }

    /// The axes that a text such as `[candidates, 64]` lists.
    pub(crate) fn list(text: &str) -> Result<Vec<Dim>, String> {
        let inner =
            text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).ok_or("a shape stands in brackets")?;
        let dims = inner.split(',').map(str::trim).filter(|dim| !dim.is_empty());
        let dim = |dim: &str| match dim {
            "tokens" => Ok(Dim::Tokens),
            "candidates" => Ok(Dim::Candidates),
            size => size.parse().map(Dim::Fixed).map_err(|_| format!("`{size}` is no size")),
        };
        dims.map(dim).collect()
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
            Dim::Candidates => f.write_str("candidates"),
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
    /// Codes of weights or of a table, signed 8 bit.
    I8,
    /// Codes of a table, unsigned 4 bit.
    U4,
    /// Signed 32 bit.
    I32,
    /// Rows of 8-bit codes with a scale and a zero for each row, as `quantize` makes them.
    Q8,
}

impl Elem {
    /// All of them.
    pub const ALL: [Elem; 6] = [Elem::F32, Elem::Index, Elem::I8, Elem::U4, Elem::I32, Elem::Q8];

    /// The name in texts.
    pub const fn name(self) -> &'static str {
        match self {
            Elem::F32 => "f32",
            Elem::Index => "index",
            Elem::I8 => "i8",
            Elem::U4 => "u4",
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

    /// The sizes where there are so many of what varies.
    pub fn sizes(&self, sizes: Sizes) -> Vec<usize> {
        self.shape.iter().map(|dim| dim.size(sizes)).collect()
    }

    /// What the first axis follows, if it does not have a fixed size.
    pub fn rows(&self) -> Option<Dim> {
        self.shape.first().copied().filter(|dim| dim.fixed().is_none())
    }

    /// The axes after that of the rows.
    pub fn row(&self) -> &[Dim] {
        &self.shape[usize::from(self.rows().is_some())..]
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
