//! Checks of one pass: text before, text after, and the same values.

use super::PASSES;
use crate::graph::{Constant, Graph};
use crate::ops::Request;
use crate::reference::Reference;
use modeldeploy_format::DType;
use modeldeploy_format::golden::requests::GivenRows;

/// A constant of some numbers that are the same for the same name.
pub(super) fn some(name: &str, dtype: DType, shape: &[usize]) -> Option<Constant> {
    let mut state = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        })
        .collect();
    (dtype == DType::F32).then(|| Constant::f32(shape, &values))
}

pub(super) fn parse(text: &str) -> Graph {
    Graph::parse(text, &some).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The values of both graphs on a text are the same but for rounding.
pub(super) fn same_values(before: &Graph, after: &Graph, what: &str) {
    let network = before.is_network();
    let (before, after) = (Reference::new(before).unwrap(), Reference::new(after).unwrap());
    if network {
        for (items, count) in [(3, 4), (1, 1)] {
            let rows = |rows: usize| GivenRows {
                numbers: (0..rows * COLUMNS).map(|at| (at as f32 * 0.37).sin()).collect(),
                ids: (0..rows * COLUMNS).map(|at| at as u32 % 3).collect(),
            };
            let (session, user, candidates) = (rows(items), rows(1), rows(count));
            let request = Request { session: &session, items, user: &user, candidates: &candidates, count };
            alike(&before.score(request).unwrap(), &after.score(request).unwrap(), what);
        }
        return;
    }
    for ids in [&[3, 1, 4, 1, 5][..], &[2, 0]] {
        let types: Vec<u32> = (0..ids.len() as u32).map(|at| at % 2).collect();
        let (want, got) = (before.run(ids, &types).unwrap(), after.run(ids, &types).unwrap());
        alike(&want, &got, what);
    }
}

/// How many numbers and ids a row of a request has here.
const COLUMNS: usize = 16;

fn alike(want: &[f32], got: &[f32], what: &str) {
    assert_eq!(want.len(), got.len(), "{what}");
    for (want, got) in want.iter().zip(got) {
        assert!((want - got).abs() <= 1e-5 * want.abs().max(1.0), "{what}: {got} where {want} was");
    }
}

/// The pass makes of `before` the graph `after`, which computes the same.
pub(super) fn check(pass: &str, before: &str, after: &str) {
    let before = parse(before);
    let mut graph = before.clone();
    PASSES.iter().find(|row| row.name == pass).expect("a pass of that name").run(&mut graph);
    assert_eq!(graph.to_string(), parse(after).to_string());
    same_values(&before, &graph, pass);
}

/// The pass leaves the graph as it is.
pub(super) fn untouched(pass: &str, text: &str) {
    check(pass, text, text);
}
