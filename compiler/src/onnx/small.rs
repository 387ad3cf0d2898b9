//! Kinds of numbers of 8 bits and fewer that no machine computes with: codes, what each stands for, and the nearest code of a number.
//!
//! Floats of 8 bits are those of Micikevicius et al. 2022 (`FN`, which have no infinity) and of Noune et al. 2022 (`UZ`, which have no
//! negative zero either); scales of 8 bits and floats of 4 are the Open Compute Project's for micro-scaling (2023).

/// A code, in the lower bits of a byte.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name(pub u8);
    )*};
}
codes! {
    /// Four bits of exponent, three of mantissa, no infinity.
    F8E4M3Fn
    /// The same without a negative zero.
    F8E4M3FnUz
    /// Five bits of exponent, two of mantissa.
    F8E5M2
    /// The same without infinity and negative zero.
    F8E5M2FnUz
    /// A power of two.
    F8E8M0
    /// Two bits of exponent, one of mantissa.
    F4E2M1
    /// Unsigned, 4 bit.
    U4
    /// Signed, 4 bit.
    I4
    /// Unsigned, 2 bit.
    U2
    /// Signed, 2 bit.
    I2
}

/// How the bits of a small float are laid out.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    exponent: u32,
    mantissa: u32,
    bias: i32,
    /// Codes without a sign past this one are infinite or no number.
    largest: u8,
    infinity: Option<u8>,
    nan: Option<u8>,
    /// Whether a negative zero is its own code.
    signed_zero: bool,
}

pub(super) const E4M3FN: Layout =
    Layout { exponent: 4, mantissa: 3, bias: 7, largest: 0x7e, infinity: None, nan: Some(0x7f), signed_zero: true };
pub(super) const E4M3FNUZ: Layout =
    Layout { exponent: 4, mantissa: 3, bias: 8, largest: 0x7f, infinity: None, nan: Some(0x80), signed_zero: false };
pub(super) const E5M2: Layout = Layout {
    exponent: 5,
    mantissa: 2,
    bias: 15,
    largest: 0x7b,
    infinity: Some(0x7c),
    nan: Some(0x7e),
    signed_zero: true,
};
pub(super) const E5M2FNUZ: Layout =
    Layout { exponent: 5, mantissa: 2, bias: 16, largest: 0x7f, infinity: None, nan: Some(0x80), signed_zero: false };
pub(super) const E2M1: Layout =
    Layout { exponent: 2, mantissa: 1, bias: 1, largest: 0x7, infinity: None, nan: None, signed_zero: true };

impl Layout {
    fn sign(self) -> u8 {
        1 << (self.exponent + self.mantissa)
    }

    /// What a code stands for.
    pub(super) fn decode(self, code: u8) -> f64 {
        if self.nan == Some(code) {
            return f64::NAN;
        }
        let (negative, rest) = (code & self.sign() != 0, code & (self.sign() - 1));
        let value = if rest > self.largest {
            if self.infinity == Some(rest) { f64::INFINITY } else { f64::NAN }
        } else {
            let (exponent, mantissa) = (i32::from(rest >> self.mantissa), f64::from(rest & ((1 << self.mantissa) - 1)));
            let scale = f64::from(1 << self.mantissa);
            if exponent == 0 {
                mantissa / scale * 2_f64.powi(1 - self.bias)
            } else {
                (1.0 + mantissa / scale) * 2_f64.powi(exponent - self.bias)
            }
        };
        if negative { -value } else { value }
    }

    /// The nearest code, ties to the even one. What is too large becomes the largest where it saturates.
    pub(super) fn encode(self, value: f64, saturate: bool) -> u8 {
        let sign = if value.is_sign_negative() { self.sign() } else { 0 };
        if value.is_nan() {
            // Where there is none, ONNX's reference gives the negative zero.
            return self.nan.map_or(self.sign(), |nan| if nan == 0x80 { nan } else { nan | sign });
        }
        let size = value.abs();
        // Where the step between the last two would lead to once more, half of it is over.
        let step = self.decode(self.largest) - self.decode(self.largest - 1);
        let over = size >= self.decode(self.largest) + step / 2.0;
        if over && (!saturate && self.nan.is_some()) {
            return self
                .infinity
                .map_or_else(|| self.encode(f64::NAN.copysign(value), saturate), |infinity| infinity | sign);
        }
        if over {
            return self.largest | sign;
        }
        let nearest = (0..=self.largest).min_by(|&a, &b| {
            let far = |code: u8| (self.decode(code) - size).abs();
            far(a).total_cmp(&far(b)).then((a % 2).cmp(&(b % 2)))
        });
        let code = nearest.unwrap_or_default();
        if code == 0 && !self.signed_zero { 0 } else { code | sign }
    }
}

/// What a power of two stands for.
pub(super) fn power(code: u8) -> f64 {
    if code == 0xff { f64::NAN } else { 2_f64.powi(i32::from(code) - 127) }
}

/// The power of two of a number: the next above, the next below, or the nearest, of which a tie takes the larger.
pub(super) fn power_of(value: f64, round: &str, saturate: bool) -> Result<u8, String> {
    if value.is_nan() {
        return Ok(0xff);
    }
    let size = value.abs();
    if size.is_infinite() {
        return Ok(if saturate { 0xfe } else { 0xff });
    }
    let below = if size == 0.0 { -127.0 } else { size.log2().floor() };
    let exact = 2_f64.powf(below) == size;
    let exponent = match round {
        "down" => below,
        "up" if exact || size == 0.0 => below,
        "up" => below + 1.0,
        "nearest" => below + f64::from(u8::from(!exact && size >= 1.5 * 2_f64.powf(below))),
        other => return Err(format!("the rounding `{}` is not known", other.escape_debug())),
    };
    Ok(match exponent + 127.0 {
        code if code > 254.0 => {
            if saturate {
                0xfe
            } else {
                0xff
            }
        }
        code => code.max(0.0) as u8,
    })
}

/// A whole number of so few bits, from a byte's lower ones.
pub(super) fn signed(code: u8, bits: u32) -> i8 {
    let shift = 8 - bits;
    ((code << shift).cast_signed()) >> shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_for_what_their_papers_say() {
        for (layout, code, value) in [
            (E4M3FN, 0x7e, 448.0),
            (E4M3FN, 0x01, 0.001_953_125),
            (E4M3FN, 0x38, 1.0),
            (E4M3FNUZ, 0x7f, 240.0),
            (E5M2, 0x7b, 57344.0),
            (E5M2, 0xfc, f64::NEG_INFINITY),
            (E5M2FNUZ, 0x7f, 57344.0),
            (E2M1, 0x7, 6.0),
            (E2M1, 0x9, -0.5),
        ] {
            assert_eq!(layout.decode(code), value);
            assert_eq!(layout.encode(value, false), code);
        }
        assert!(E4M3FN.decode(0xff).is_nan() && E4M3FNUZ.decode(0x80).is_nan() && E5M2.decode(0x7d).is_nan());
        assert_eq!((signed(0xf, 4), signed(0x8, 4), signed(0x7, 4), signed(0x2, 2)), (-1, -8, 7, -2));
    }

    #[test]
    fn the_nearest_code_is_the_even_one_of_two() {
        assert_eq!(E2M1.encode(2.5, true), E2M1.encode(2.0, true));
        assert_eq!(E2M1.encode(3.5, true), E2M1.encode(4.0, true));
        assert_eq!(E4M3FN.encode(1000.0, true), 0x7e);
        assert_eq!(E4M3FN.encode(1000.0, false), 0x7f);
        assert_eq!(E4M3FN.encode(460.0, false), 0x7e);
        assert_eq!(E5M2.encode(f64::INFINITY, false), 0x7c);
        assert_eq!(E4M3FNUZ.encode(-0.0, true), 0);
        assert_eq!(
            (power_of(3.0, "down", true), power_of(3.0, "up", true), power_of(2.5, "nearest", true)),
            (Ok(128), Ok(129), Ok(128))
        );
    }
}
