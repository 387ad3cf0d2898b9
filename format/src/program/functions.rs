//! What steps compute: the functions of a number, and the ways in which rows or fields become fewer.

/// The function after a linear layer, or alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `x`.
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `x · Φ(x)`, by the error function.
    Gelu,
    /// `x · Φ(x)`, by Hendrycks' approximation with `tanh`.
    GeluTanh,
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + exp(−x))`.
    Sigmoid,
    /// `x / (1 + exp(−x))`.
    Silu,
}

impl Activation {
    /// All of them, in the order of their codes.
    pub const ALL: [Activation; 7] = [
        Activation::Identity,
        Activation::Relu,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Silu,
    ];
}

/// How the rows of a text's tokens become one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pooling {
    /// The first token's.
    Cls,
    /// Their mean.
    Mean,
    /// Their maximum, column by column.
    Max,
    /// Their sum over the root of their number.
    MeanSqrtLen,
    /// Their sum.
    Sum,
    /// The last token's.
    Last,
}

impl Pooling {
    /// All of them, in the order of their codes.
    pub const ALL: [Pooling; 6] =
        [Pooling::Cls, Pooling::Mean, Pooling::Max, Pooling::MeanSqrtLen, Pooling::Sum, Pooling::Last];
}

/// Which pairs of a row's fields are multiplied, and in which order they follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Triangle {
    /// `(i, j)` with `j < i`, by `i` and then by `j`: the lower triangle of a matrix, row by row.
    Lower,
    /// `(i, j)` with `i < j`, by `i` and then by `j`: the upper one.
    Upper,
}

impl Triangle {
    /// All of them, in the order of their codes.
    pub const ALL: [Triangle; 2] = [Triangle::Lower, Triangle::Upper];

    /// How many pairs there are of `fields`, with those of a field and itself where `diagonal` says so.
    pub const fn pairs(fields: u32, diagonal: bool) -> u64 {
        let fields = fields as u64;
        if diagonal { fields * (fields + 1) / 2 } else { fields * fields.saturating_sub(1) / 2 }
    }
}
