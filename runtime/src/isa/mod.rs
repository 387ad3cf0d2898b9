//! The CPU's instruction sets: what it has, and one way to run a kernel on any of them.
//!
//! A kernel is one generic body over a [`Simd`] token of sixteen lanes. A token can only be made by detection, so it
//! is proof that its instructions exist, and the bodies are safe code. Every token computes the same bits.
//! Adding an instruction set is one file here and one row in `Isa::detect_all`.

mod kept;
mod scalar;
mod simd;
mod walk;

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx2_maddubs;
#[cfg(target_arch = "x86_64")]
mod avx512vnni;
#[cfg(target_arch = "x86_64")]
mod avxvnni;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
mod neon_dotprod;
#[cfg(target_arch = "aarch64")]
mod neon_i8mm;
#[cfg(not(target_arch = "x86_64"))]
mod no_matrix;

pub(crate) use kept::{Kept, Room};
pub use scalar::Scalar;
pub use simd::{Kernel, Simd, Tiles};
pub(crate) use walk::{Block, Walk};

#[cfg(target_arch = "x86_64")]
pub use amx::Matrix;
#[cfg(target_arch = "x86_64")]
pub(crate) use amx::{ROWS as TILE_ROWS, STEP as TILE_STEP, Sums};
#[cfg(not(target_arch = "x86_64"))]
pub use no_matrix::Matrix;
#[cfg(not(target_arch = "x86_64"))]
pub(crate) use no_matrix::{ROWS as TILE_ROWS, STEP as TILE_STEP, Sums};

#[cfg(target_arch = "x86_64")]
pub use avx2_maddubs::Avx2Maddubs;
#[cfg(target_arch = "x86_64")]
pub use avx512vnni::Avx512Vnni;
#[cfg(target_arch = "x86_64")]
pub use avxvnni::AvxVnni;
#[cfg(target_arch = "aarch64")]
pub use neon_dotprod::NeonDotProd;
#[cfg(target_arch = "aarch64")]
pub use neon_i8mm::NeonI8mm;

use std::sync::OnceLock;

/// The environment variable that forces an instruction set by name.
pub const ISA_VARIABLE: &str = modeldeploy_format::variables::ISA;

/// An instruction set that this CPU has, with its proof.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Isa {
    /// Plain Rust: the reference that the others equal bit for bit.
    Scalar(Scalar),
    /// AVX2, FMA and F16C: every x86-64 server since 2015.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2Maddubs),
    /// AVX2, FMA, F16C and AVX-VNNI: Alder Lake, Sierra Forest, Zen 5 and later.
    #[cfg(target_arch = "x86_64")]
    AvxVnni(AvxVnni),
    /// AVX-512 F, BW, VL, DQ and VNNI: Ice Lake, Zen 4 and later.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(Avx512Vnni),
    /// The same with AMX's int8 tiles: Sapphire Rapids and later.
    #[cfg(target_arch = "x86_64")]
    Amx(Avx512Vnni),
    /// NEON with the dot product of signed bytes: Neoverse N1, Apple's A13 and later.
    #[cfg(target_arch = "aarch64")]
    NeonDotProd(NeonDotProd),
    /// NEON with the int8 matrix extension: Neoverse V1 and N2, Apple's M2 and later.
    #[cfg(target_arch = "aarch64")]
    NeonI8mm(NeonI8mm),
}

impl Isa {
    /// The plain Rust reference, which every CPU has.
    pub const SCALAR: Self = Self::Scalar(Scalar);

    /// The fastest instruction set of this CPU, detected once.
    #[must_use]
    pub fn detect() -> Self {
        static DETECTED: OnceLock<Isa> = OnceLock::new();
        *DETECTED.get_or_init(|| Self::available().last().unwrap_or(Self::SCALAR))
    }

    /// All instruction sets of this CPU, slowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::detect_all().into_iter().flatten()
    }

    /// The instruction set named by `MODELDEPLOY_ISA`, or the fastest where that is not set, or empty.
    ///
    /// # Errors
    ///
    /// If the variable names an instruction set that is unknown or that this CPU lacks.
    pub fn from_env() -> Result<Self, IsaError> {
        match std::env::var_os(ISA_VARIABLE).filter(|name| !name.is_empty()) {
            None => Ok(Self::detect()),
            Some(name) => Self::from_name(&name.to_string_lossy()),
        }
    }

    /// What [`from_env`](Self::from_env) gives, read once. Models refuse a variable that is wrong; what has no model to refuse it,
    /// such as the dot product of two vectors, takes the scalar reference then, whose bits are those of all.
    #[must_use]
    pub fn chosen() -> Self {
        static CHOSEN: OnceLock<Isa> = OnceLock::new();
        *CHOSEN.get_or_init(|| Self::from_env().unwrap_or(Self::SCALAR))
    }

    /// The instruction set of that name (`scalar`; on x86-64 `avx2`, `avxvnni`, `avx512vnni`,
    /// `amx`; on aarch64 `neon-dotprod`, `neon-i8mm`).
    ///
    /// # Errors
    ///
    /// If the name is unknown or this CPU lacks the instruction set.
    pub fn from_name(name: &str) -> Result<Self, IsaError> {
        Self::available().find(|isa| isa.name() == name).ok_or_else(|| IsaError { name: name.to_owned() })
    }

    /// The name by which `MODELDEPLOY_ISA` calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar(_) => "scalar",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(_) => "avxvnni",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni(_) => "avx512vnni",
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) => "amx",
            #[cfg(target_arch = "aarch64")]
            Self::NeonDotProd(_) => "neon-dotprod",
            #[cfg(target_arch = "aarch64")]
            Self::NeonI8mm(_) => "neon-i8mm",
        }
    }

    /// Runs a kernel's body compiled for this instruction set.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Self::Scalar(token) => token.vectorize(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(token) => token.vectorize(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(token) => token.vectorize(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni(token) | Self::Amx(token) => token.vectorize(kernel),
            #[cfg(target_arch = "aarch64")]
            Self::NeonDotProd(token) => token.vectorize(kernel),
            #[cfg(target_arch = "aarch64")]
            Self::NeonI8mm(token) => token.vectorize(kernel),
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn detect_all() -> [Option<Self>; 5] {
        [
            Some(Self::SCALAR),
            Avx2Maddubs::detect().map(Self::Avx2),
            AvxVnni::detect().map(Self::AvxVnni),
            Avx512Vnni::detect().map(Self::Avx512Vnni),
            Avx512Vnni::detect_with_matrix().map(Self::Amx),
        ]
    }

    #[cfg(target_arch = "aarch64")]
    fn detect_all() -> [Option<Self>; 3] {
        [Some(Self::SCALAR), NeonDotProd::detect().map(Self::NeonDotProd), NeonI8mm::detect().map(Self::NeonI8mm)]
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn detect_all() -> [Option<Self>; 1] {
        [Some(Self::SCALAR)]
    }
}

impl PartialEq for Isa {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Isa {}

impl std::fmt::Display for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// An instruction set was asked for by a name that this CPU does not answer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsaError {
    name: String,
}

impl std::fmt::Display for IsaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no instruction set `{}` on this CPU; {ISA_VARIABLE} can be", self.name)?;
        for (i, isa) in Isa::available().enumerate() {
            write!(f, "{} `{isa}`", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for IsaError {}

#[cfg(test)]
mod tests;
