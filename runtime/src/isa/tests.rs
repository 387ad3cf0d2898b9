//! Detection, names and the lane operations of every instruction set.

use super::*;

#[test]
fn a_name_finds_its_isa_and_a_wrong_one_lists_those_there_are() {
    for isa in Isa::available() {
        assert_eq!(Isa::from_name(isa.name()), Ok(isa));
    }
    let message = Isa::from_name("avx9").unwrap_err().to_string();
    assert!(message.contains("`avx9`") && message.contains("`scalar`"), "{message}");
    assert_eq!(Isa::available().next(), Some(Isa::SCALAR));
    assert_eq!(Isa::available().last(), Some(Isa::detect()));
}

/// The environment is read once, so each choice has a process of its own, which runs this test again.
#[test]
fn the_isa_that_the_environment_names_is_chosen() {
    const INNER: &str = "MODELDEPLOY_TEST_EXPECTS_ISA";
    if let Ok(expected) = std::env::var(INNER) {
        assert_eq!(Isa::chosen().name(), expected);
        return;
    }
    let named = Isa::available().map(|isa| (isa.name(), isa.name()));
    for (named, expected) in named.chain([("avx9", "scalar")]) {
        let mut child = std::process::Command::new(std::env::current_exe().expect("this test's program"));
        child.args(["--exact", "isa::tests::the_isa_that_the_environment_names_is_chosen"]);
        child.env(ISA_VARIABLE, named).env(INNER, expected);
        let output = child.output().expect("it can be started again");
        assert!(output.status.success(), "{named}: {}", String::from_utf8_lossy(&output.stdout));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{named}");
    }
}

/// Every lane operation on a row of awkward values, as bits.
struct Lanes<'a>(&'a [f32; 16], &'a [f32; 16], &'a [i8; 64]);

impl Kernel for Lanes<'_> {
    type Output = Vec<u32>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<u32> {
        let (a, b) = (s.load(self.0), s.load(self.1));
        let floats = [
            s.add(a, b),
            s.sub(a, b),
            s.mul(a, b),
            s.div(a, b),
            s.fma(a, b, a),
            s.min(a, b),
            s.max(a, b),
            s.sqrt(a),
            s.round(a),
            s.abs(a),
            s.copysign(a, b),
            s.select(s.lt(a, b), a, b),
            s.int_to_f32(s.round_to_int(a)),
            s.of_bits(s.shift_right::<3>(s.bits(a))),
            s.of_bits(s.shift_left::<5>(s.bits(b))),
            s.of_bits(s.mul_int(s.bits(a), s.bits(b))),
            s.of_bits(s.sub_int(s.bits(a), s.bits(b))),
            s.of_bits(s.min_int(s.bits(a), s.bits(b))),
            s.of_bits(s.max_int(s.bits(a), s.bits(b))),
            s.load_part(&self.0[..5], 7.0),
            s.load_i8(self.2.first_chunk().expect("sixteen of 64")),
            s.load_u4(&std::array::from_fn(|i| self.2[3 * i].cast_unsigned())),
        ];
        let mut bits = Vec::new();
        for v in floats {
            // A NaN is a NaN: its payload is not part of the promise.
            bits.extend(s.to_array(v).map(|x| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() }));
        }
        bits.extend([s.sum(s.round(a)), s.largest(a), s.smallest(b)].map(|x| if x.is_nan() { 1 } else { x.to_bits() }));
        let vectors = std::array::from_fn(|i| s.mul(s.round(b), s.splat(1.0 + i as f32)));
        let sums = s.to_array(s.sums(vectors));
        bits.extend(sums.map(|x| if x.is_nan() { 1 } else { x.to_bits() }));
        let finite: [S::F; 16] =
            std::array::from_fn(|i| s.load(&std::array::from_fn(|lane| (i * 31 + lane * lane) as f32 / 7.0)));
        let sums = s.to_array(s.sums(finite));
        assert_eq!(sums, finite.map(|v| s.sum(v)), "the sums of sixteen are those of each");
        bits.extend(sums.map(f32::to_bits));
        let mut codes = [0; 16];
        s.store_u8(&mut codes, s.round_to_int(a));
        bits.extend(codes.map(u32::from));
        for codes in [[0, 0, 0, 0], [255, 255, 255, 255], [0, 255, 1, 128], [127, 128, 129, 3]] {
            let weights = s.weights(self.2);
            let dot = s.debt(s.dot(s.splat_int(9), s.codes(codes), weights), weights);
            let mut sums = [0; 16];
            let sum = |n: usize| self.2[4 * n..4 * n + 4].iter().map(|&w| i32::from(w)).sum::<i32>();
            (0..16).for_each(|n| sums[n] = sum(n));
            let mut out = [0; 16];
            s.store_int(&mut out, s.dot_total(dot, s.load_int(&sums)));
            bits.extend(out.map(|v| v as u32));
        }
        bits
    }
}

#[test]
fn every_lane_operation_is_the_same_on_every_isa() {
    let a = [0.5, 1.5, -2.5, -0.0, 0.0, 1e-40, -3e38, 3e38, f32::NAN, 1.0, f32::INFINITY, 3e9, -3e9, 254.5, 7.0, -0.4];
    let b = [2.0, -1.0, 0.3, 0.0, -0.0, 1e-42, 3e38, 9.0, 1.0, f32::NAN, f32::NEG_INFINITY, 1.0, 2.0, 3.0, 7.0, 0.4];
    let weights: [i8; 64] = std::array::from_fn(|i| [127, -127, 0, 1, -1, 64, -126][(i * 5) % 7]);
    let expected = Isa::SCALAR.run(Lanes(&a, &b, &weights));
    for isa in Isa::available() {
        let got = isa.run(Lanes(&a, &b, &weights));
        for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
            assert_eq!(got, expected, "{isa}: operation {}, lane {}", i / 16, i % 16);
        }
    }
}

#[test]
fn the_reference_lanes_are_plain_arithmetic() {
    let a: [f32; 16] = std::array::from_fn(|i| i as f32 - 7.5);
    let s = Scalar;
    assert_eq!(s.load_u4(&[0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe]), std::array::from_fn(|i| i as f32));
    assert_eq!(s.sum(s.load(&a)), 0.0);
    assert_eq!((s.largest(s.load(&a)), s.smallest(s.load(&a))), (7.5, -7.5));
    let weights: [i8; 64] = std::array::from_fn(|i| i as i8 - 32);
    let mut out = [0; 16];
    s.store_int(&mut out, s.dot(s.splat_int(1), s.codes([1, 10, 100, 200]), s.weights(&weights)));
    let by_hand = |n: i32| 1 + (4 * n - 32) + 10 * (4 * n - 31) + 100 * (4 * n - 30) + 200 * (4 * n - 29);
    assert_eq!(out, std::array::from_fn(|n| by_hand(n as i32)));
}
