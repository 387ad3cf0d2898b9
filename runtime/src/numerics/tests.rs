//! Each function against f64, over dense sweeps of its arguments, within the bound that it states.

use super::erf::erf;
use super::*;
use crate::isa::{Isa, Kernel, Scalar};

/// The distance from the true value in units of the last place of the f32 nearest to it.
fn ulps(got: f32, exact: f64) -> f64 {
    let nearest = exact as f32;
    let below = f32::from_bits(nearest.abs().to_bits().saturating_sub(1));
    let unit = f64::from(nearest.abs() - below).max(f64::from(f32::from_bits(1)));
    (f64::from(got) - exact).abs() / unit
}

/// Every `step`th f32 of both signs from `least` to `most` in size.
fn sweep(least: f32, most: f32, step: usize) -> impl Iterator<Item = f32> {
    (least.to_bits()..=most.to_bits()).step_by(step).flat_map(|bits| [f32::from_bits(bits), -f32::from_bits(bits)])
}

#[derive(Clone, Copy, Debug)]
enum Function {
    Exp,
    Sigmoid,
    Silu,
    Erf,
    Tanh,
    GeluErf,
    GeluErfOfCodes,
    GeluTanh,
}

impl Function {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, x: S::F) -> S::F {
        match self {
            Self::Exp => exp(s, x),
            Self::Sigmoid => sigmoid(s, x),
            Self::Silu => silu(s, x),
            Self::Erf => erf(s, x),
            Self::Tanh => tanh(s, x),
            Self::GeluErf => gelu_erf(s, x),
            Self::GeluErfOfCodes => gelu_erf_of_codes(s, x),
            Self::GeluTanh => gelu_tanh(s, x),
        }
    }

    fn in_f64(self, x: f64) -> f64 {
        match self {
            Self::Exp => libm::exp(x),
            Self::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
            Self::Silu => x / (1.0 + libm::exp(-x)),
            Self::Erf => libm::erf(x),
            Self::Tanh => libm::tanh(x),
            Self::GeluErf | Self::GeluErfOfCodes => 0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Self::GeluTanh => 0.5 * x * (1.0 + libm::tanh(0.797_884_560_802_865_4 * (x + 0.044715 * x * x * x))),
        }
    }
}

/// The function of each argument, sixteen at a time.
struct Map<'a>(Function, &'a [f32]);

impl Kernel for Map<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<f32> {
        let mut y = self.1.to_vec();
        y.resize(y.len().next_multiple_of(16), 0.0);
        for chunk in y.as_chunks_mut::<16>().0 {
            let value = self.0.of(s, s.load(chunk));
            s.store(chunk, value);
        }
        y.truncate(self.1.len());
        y
    }
}

/// The greatest error over a sweep, in the measure given, and where.
fn worst(function: Function, arguments: &[f32], error: impl Fn(f32, f64, f64) -> f64) -> (f64, f32) {
    let got = Isa::detect().run(Map(function, arguments));
    let mut worst = (0.0, 0.0);
    for (&x, &y) in arguments.iter().zip(&got) {
        let error = error(y, function.in_f64(f64::from(x)), f64::from(x));
        assert!(!error.is_nan(), "{function:?}({x:e}) = {y:e}");
        if error > worst.0 {
            worst = (error, x);
        }
    }
    worst
}

#[test]
fn each_function_keeps_its_stated_bound_in_units_of_the_last_place() {
    let normal = f32::MIN_POSITIVE;
    for (function, most, bound) in [
        (Function::Exp, 87.3, 1.1),
        (Function::Sigmoid, 87.0, 2.6),
        (Function::Silu, 80.0, 2.5),
        (Function::Erf, 40.0, 5.0),
        (Function::Tanh, 40.0, 1.5),
    ] {
        let least = if matches!(function, Function::Erf | Function::Tanh | Function::Silu) { 1e-30 } else { normal };
        let arguments: Vec<f32> = sweep(least, most, 1201).chain(sweep(most / 4096.0, most, 97)).collect();
        let (error, x) = worst(function, &arguments, |got, exact, _| ulps(got, exact));
        println!("{function:?}: {error:.3} ULP at {x:e}");
        assert!(error <= bound, "{function:?}({x:e}) is {error:.3} ULP off, over {bound}");
    }
}

#[test]
fn gelu_keeps_its_stated_absolute_bound() {
    for (function, bound) in [(Function::GeluErf, 2e-7), (Function::GeluErfOfCodes, 7e-5), (Function::GeluTanh, 2e-7)] {
        let arguments: Vec<f32> = sweep(1e-30, 100.0, 1201).chain(sweep(1e-2, 10.0, 97)).collect();
        let (error, x) = worst(function, &arguments, |got, exact, x| (f64::from(got) - exact).abs() / x.abs().max(1.0));
        println!("{function:?}: {error:.3e} at {x:e}");
        assert!(error <= bound, "{function:?}({x:e}) is {error:.3e} off");
    }
}

#[test]
fn the_ends_of_each_function_are_exact() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    for (function, x, expected) in [
        (Function::Exp, 0.0, 1.0),
        (Function::Exp, -0.0, 1.0),
        (Function::Exp, inf, inf),
        (Function::Exp, 89.0, inf),
        (Function::Exp, -inf, 0.0),
        (Function::Exp, -104.5, 0.0),
        (Function::Exp, -103.2, f32::from_bits(1)),
        (Function::Sigmoid, 0.0, 0.5),
        (Function::Sigmoid, inf, 1.0),
        (Function::Sigmoid, -inf, 0.0),
        (Function::Silu, 0.0, 0.0),
        (Function::Silu, inf, inf),
        (Function::Erf, 0.0, 0.0),
        (Function::Erf, -0.0, -0.0),
        (Function::Erf, 3.9375, 1.0),
        (Function::Erf, -inf, -1.0),
        (Function::Tanh, -0.0, -0.0),
        (Function::Tanh, 9.5, 1.0),
        (Function::Tanh, -inf, -1.0),
        (Function::GeluErf, 0.0, 0.0),
        (Function::GeluErf, 30.0, 30.0),
        (Function::GeluErf, -30.0, 0.0),
        (Function::GeluTanh, 1e20, 1e20),
        (Function::GeluTanh, -1e20, 0.0),
    ] {
        let [got] = Isa::SCALAR.run(Map(function, &[x]))[..] else { unreachable!("one argument") };
        assert_eq!(got.to_bits(), expected.to_bits(), "{function:?}({x:e}) is {got:e}, not {expected:e}");
    }
    for function in [
        Function::Exp,
        Function::Sigmoid,
        Function::Silu,
        Function::Erf,
        Function::Tanh,
        Function::GeluErf,
        Function::GeluErfOfCodes,
    ] {
        assert!(Isa::SCALAR.run(Map(function, &[nan]))[0].is_nan(), "{function:?}(NaN)");
    }
}

#[test]
fn every_isa_gives_the_bits_of_the_reference() {
    let arguments: Vec<f32> = sweep(f32::from_bits(1), f32::INFINITY, 65_521).collect();
    for function in [
        Function::Exp,
        Function::Sigmoid,
        Function::Silu,
        Function::Erf,
        Function::Tanh,
        Function::GeluErf,
        Function::GeluErfOfCodes,
        Function::GeluTanh,
    ] {
        let expected = Map(function, &arguments).run(Scalar);
        for isa in Isa::available() {
            let got = isa.run(Map(function, &arguments));
            crate::kernels::testing::assert_bits(&got, &expected, &format!("{isa} {function:?}"));
        }
    }
}
