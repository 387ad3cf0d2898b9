//! Scores against sums in f64 of what the stored numbers stand for.

use super::search;
use super::search::each_block;
use crate::isa::Isa;
use crate::kernels::testing::{Random, assert_bits};
use crate::kernels::{Hit, topk};
use modeldeploy_format::Digest;
use modeldeploy_format::index::{Codes, Values, Vectors, write};
use modeldeploy_format::pack::Aligned;

const SPACE: Digest = Digest::from_bytes([3; 32]);

/// The score of each row.
fn scores(isa: Isa, vectors: &Vectors<'_>, query: &[f32]) -> Vec<f32> {
    let mut all = vec![];
    each_block(isa, vectors, query, |first, scores| {
        assert_eq!(first as usize, all.len(), "the blocks do not follow one another");
        all.extend_from_slice(scores);
    });
    all
}

fn ids(rows: usize) -> Vec<String> {
    (0..rows).map(|row| row.to_string()).collect()
}

fn index(rows: usize, width: usize, values: Values<'_>) -> Aligned {
    let ids = ids(rows);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    Aligned::copy(&write(&SPACE, width as u32, &ids, values))
}

/// Codes at random in the order of the file, with their scales and sums.
fn int8(random: &mut Random, rows: usize, width: usize) -> Aligned {
    let quads = width.div_ceil(4);
    let mut panels = vec![0_i8; rows.next_multiple_of(16) * quads * 4];
    let mut sums = vec![0; rows];
    for (row, sum) in sums.iter_mut().enumerate() {
        for i in 0..width {
            let code = random.below(255) as i32 - 127;
            panels[((row / 16 * quads + i / 4) * 16 + row % 16) * 4 + i % 4] = code as i8;
            *sum += code;
        }
    }
    let scales: Vec<f32> = (0..rows).map(|_| random.float(0.01).abs()).collect();
    index(rows, width, Values::Int8(Codes { panels: &panels, scales: &scales, sums: &sums }))
}

#[test]
fn a_score_is_the_dot_product_of_what_the_codes_stand_for() {
    let mut random = Random::new(5);
    for (rows, width) in [(0, 4), (1, 1), (15, 7), (16, 64), (17, 130), (100, 384), (1030, 20)] {
        let bytes = int8(&mut random, rows, width);
        let vectors = Vectors::parse(&bytes).expect("an index");
        let query = random.floats(width, 1.0);
        let got = scores(Isa::SCALAR, &vectors, &query);
        // Half a step of the query's codes, of which there are 255 in its range of at most 2, for each value.
        let step = 2.0 / 255.0 * 0.51;
        for (row, &score) in got.iter().enumerate() {
            let vector = vectors.vector(row);
            let pairs = vector.iter().zip(&query).map(|(&a, &b)| (f64::from(a), f64::from(b)));
            let (exact, slack) = pairs.fold((0.0, 1e-6), |(sum, slack), (a, b)| (sum + a * b, slack + a.abs() * step));
            assert!((f64::from(score) - exact).abs() <= slack, "{rows}x{width} row {row}: {score} is not {exact}");
        }
        for isa in Isa::available() {
            assert_bits(&scores(isa, &vectors, &query), &got, &format!("{rows}x{width} on {}", isa.name()));
        }
    }
}

#[test]
fn an_index_of_f32_gives_the_bits_of_a_dot_product() {
    let mut random = Random::new(6);
    let (rows, width) = (9, 37);
    let values = random.floats(rows * width, 1.0);
    let bytes = index(rows, width, Values::F32(&values));
    let vectors = Vectors::parse(&bytes).expect("an index");
    let query = random.floats(width, 1.0);
    let expected: Vec<f32> =
        values.chunks(width).map(|row| crate::kernels::dot_f32(Isa::SCALAR, row, &query)).collect();
    for isa in Isa::available() {
        assert_bits(&scores(isa, &vectors, &query), &expected, isa.name());
    }
}

#[test]
fn the_nearest_are_found_in_whichever_block_they_lie() {
    let mut random = Random::new(8);
    for (rows, width) in [(1023, 12), (1024, 12), (1025, 12), (2500, 8)] {
        for bytes in
            [int8(&mut random, rows, width), index(rows, width, Values::F32(&random.floats(rows * width, 1.0)))]
        {
            let vectors = Vectors::parse(&bytes).expect("an index");
            let query = random.floats(width, 1.0);
            let (mut best, mut expected) = ([Hit::default(); 50], [Hit::default(); 50]);
            topk(&scores(Isa::SCALAR, &vectors, &query), &mut expected);
            for isa in Isa::available() {
                assert_eq!((search(isa, &vectors, &query, &mut best), best), (50, expected), "{rows}x{width} on {isa}");
            }
        }
    }
}
