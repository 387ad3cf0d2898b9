//! Forests of every shape against trees that are walked: the same bits on every instruction set, in every batch.

use super::*;
use crate::kernels::testing::Random;
use modeldeploy_format::forest::{Column, Link, Missing, Parts, Tree, ZERO, write};
use modeldeploy_format::pack::Aligned;

/// Questions to take the leaves `start..end` apart, in preorder.
fn questions(random: &mut Random, cuts: &[usize], start: u32, end: u32, nodes: &mut Vec<[u32; 4]>) {
    if end - start < 2 {
        return;
    }
    let next = start + 1 + random.below((end - start) as usize - 1) as u32;
    let column = random.below(cuts.len());
    nodes.push([column as u32, random.below(cuts[column]) as u32, start, next]);
    questions(random, cuts, start, next, nodes);
    questions(random, cuts, next, end, nodes);
}

/// A forest with a column for every way in which a value may be missing, some of each kind of set, and trees of so many leaves.
fn parts(random: &mut Random, cuts: usize, leaves: &[u32], sums: Number, link: Link) -> Parts {
    let mut columns = vec![];
    let numbers = [Missing::Left, Missing::Right, Missing::Zero, Missing::ZeroLeft, Missing::ZeroRight];
    for (feature, missing) in numbers.into_iter().enumerate() {
        let cuts = (0..cuts).map(|at| (at as f64 - cuts as f64 / 2.0) / 8.0).collect();
        columns.push((feature as u32, missing, Column::Cuts(cuts)));
    }
    columns.push((5, Missing::Right, Column::In(vec![0b1011, 1])));
    columns.push((5, Missing::Left, Column::NotIn(vec![0b0110])));
    columns.push((5, Missing::Right, Column::Among(vec![-3.0, 0.0, 0.125, 7.0, f64::INFINITY])));
    columns.push((2, Missing::Left, Column::Among(vec![])));
    let counts: Vec<usize> =
        columns.iter().map(|(_, _, column)| if let Column::Cuts(cuts) = column { cuts.len() } else { 1 }).collect();
    let trees = leaves.iter().enumerate().map(|(at, &leaves)| {
        let mut nodes = vec![];
        questions(random, &counts, 0, leaves, &mut nodes);
        let leaves = random.floats(leaves as usize, 1.0).into_iter().map(f64::from).collect();
        Tree { output: at as u32 % 2, nodes, leaves }
    });
    let trees = trees.collect();
    Parts {
        features: 6,
        inputs: sums,
        sums,
        base: vec![0.25, -1.5],
        linear: vec![],
        divisor: 3.0,
        link,
        columns,
        trees,
    }
}

/// Each tree walked from its root.
fn walked(parts: &Parts, row: &[f64]) -> Vec<f64> {
    let mut sums = parts.base.clone();
    for tree in &parts.trees {
        let (mut start, mut end) = (0, tree.leaves.len() as u32);
        let mut nodes = tree.nodes.iter();
        while end - start > 1 {
            let &[column, cut, _, next] = nodes.next().expect("a question");
            if goes_right(&parts.columns[column as usize], cut, row, parts.inputs) {
                // The questions of the left child are passed over.
                for _ in 1..next - start {
                    nodes.next();
                }
                start = next;
            } else {
                end = next;
            }
        }
        let sum = &mut sums[tree.output as usize];
        *sum = parts.sums.round(*sum + tree.leaves[start as usize]);
    }
    sums.iter_mut().for_each(|sum| *sum = parts.sums.round(*sum / parts.divisor));
    sums
}

fn goes_right((feature, missing, column): &(u32, Missing, Column), cut: u32, row: &[f64], inputs: Number) -> bool {
    let value = inputs.round(row[*feature as usize]);
    let is_zero = value.abs() <= ZERO;
    match missing {
        Missing::Left if value.is_nan() => return false,
        Missing::Right if value.is_nan() => return true,
        Missing::ZeroLeft if value.is_nan() || is_zero => return false,
        Missing::ZeroRight if value.is_nan() || is_zero => return true,
        _ => {}
    }
    let value = if value.is_nan() { 0.0 } else { value };
    let member = |set: &[u32]| {
        value >= 0.0 && (value as usize) < set.len() * 32 && set[value as usize / 32] >> (value as u32 % 32) & 1 == 1
    };
    match column {
        Column::Cuts(cuts) => value > cuts[cut as usize],
        Column::In(set) => !member(set),
        Column::NotIn(set) => member(set),
        Column::Among(members) => !members.contains(&value),
    }
}

fn rows(random: &mut Random, count: usize) -> Vec<f64> {
    let odd = [f64::NAN, 0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, ZERO, 1e-40, 1e300, 0.125, 32.0, -3.0];
    let mut rows: Vec<f64> = random.floats(count * 6, 40.0).into_iter().map(f64::from).collect();
    for (at, value) in rows.iter_mut().enumerate() {
        if at % 3 == 0 {
            *value = odd[random.below(odd.len())];
        } else if at % 6 == 5 {
            *value = (*value).abs().floor();
        }
    }
    rows
}

#[test]
fn every_isa_and_every_batch_gives_the_bits_of_a_walk() {
    let mut random = Random::new(11);
    // Columns and leaves on both sides of a byte, and leaves past two bytes.
    for (cuts, leaves) in [
        (1, &[1, 2, 3, 4][..]),
        (200, &[31; 20]),
        (255, &[256, 1, 7]),
        (256, &[31; 3]),
        (9, &[257, 300]),
        (70_000, &[5, 6]),
        (9, &[70_000]),
    ] {
        for sums in [Number::F32, Number::F64] {
            let parts = parts(&mut random, cuts, leaves, sums, Link::Identity);
            let bytes = Aligned::copy(&write(&parts));
            let packed = Forest::parse(&bytes).expect("a forest");
            let mut scratch = ForestScratch::new(&packed);
            let all = rows(&mut random, 300);
            let expected: Vec<f64> = all.chunks(6).flat_map(|row| walked(&parts, row)).collect();
            for isa in Isa::available() {
                for count in [1, 6, 7, 32, 33, 64, 65, 96, 97, 128, 129, 300] {
                    let mut out = vec![f64::NAN; count * 2];
                    forest(isa, &packed, &all[..count * 6], &mut out, &mut scratch);
                    let same = out.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(same, "{isa}: {cuts} cuts, leaves {leaves:?}, {sums:?}, {count} rows");
                }
            }
        }
    }
}

#[test]
fn links_are_those_of_the_system_within_two_ulp() {
    let mut random = Random::new(3);
    let values = random.floats(200, 9.0);
    for (link, double) in [
        (Link::Sigmoid(1.5), (|x| 1.0 / (1.0 + (-1.5 * x).exp())) as fn(f64) -> f64),
        (Link::Exp, f64::exp),
        (Link::Square, |x| x * x.abs()),
        (Link::Softplus, |x| x.exp().ln_1p()),
        (Link::Step, |x| f64::from(u8::from(x > 0.0))),
    ] {
        for &value in &values {
            let mut got = [f64::from(value)];
            link::apply(link, &mut got, Number::F64);
            let expected = double(f64::from(value));
            assert!((got[0] - expected).abs() <= expected.abs() * 4.5e-16, "{link:?} of {value}");
            got = [f64::from(value)];
            link::apply(link, &mut got, Number::F32);
            assert!((got[0] - expected).abs() <= expected.abs() * 6e-7, "{link:?} of {value} in f32");
        }
    }
    let mut got = [1.0, 2.0, 1000.0];
    link::apply(Link::Softmax, &mut got, Number::F64);
    assert_eq!(got, [0.0, 0.0, 1.0]);
}

#[test]
fn linear_weights_pass_over_what_is_missing() {
    let mut parts = parts(&mut Random::new(1), 3, &[], Number::F32, Link::Identity);
    parts.columns.clear();
    (parts.linear, parts.divisor) = ((0..12).map(f64::from).collect(), 1.0);
    let bytes = Aligned::copy(&write(&parts));
    let packed = Forest::parse(&bytes).expect("a forest");
    let mut out = [0.0; 2];
    let row = [1.0, f64::NAN, 2.0, 0.0, 0.5, -1.0];
    forest(Isa::SCALAR, &packed, &row, &mut out, &mut ForestScratch::new(&packed));
    assert_eq!(out, [0.25 + 8.0 + 4.0 - 10.0, -1.5 + 1.0 + 10.0 + 4.5 - 11.0]);
}
