//! DLRM at the size of MLPerf's small one: 13 numbers through 512-256-64, 26 embeddings of 64, their pairs, and 512-256-1.

use super::Stored;
use super::builder::{Builder, id, number, weights};
use modeldeploy::session::{Columns, Request};
use modeldeploy_format::features::Side;
use modeldeploy_format::pack::Aligned;
use modeldeploy_format::program::{Activation, Part, Rows, Step, Triangle, View};

/// Numbers of a candidate.
pub const DENSE: u32 = 13;
/// Ids of a candidate, each of a table of its own.
pub const SPARSE: u32 = 26;
/// Rows of each table.
pub const TABLE_ROWS: u32 = 100_000;

const WIDTH: u32 = 64;
const FIELDS: u32 = SPARSE + 1;

/// The pack.
pub fn dlrm(stored: Stored) -> Aligned {
    let mut b = Builder::new(stored);
    let dense = b.concat(Rows::Candidates, DENSE, &[Part::Numbers { of: Rows::Candidates, column: 0, count: DENSE }]);
    let mut bottom = dense;
    for (name, width) in [("bottom.0", 512), ("bottom.1", 256), ("bottom.2", WIDTH)] {
        bottom = b.linear(name, bottom, width, Activation::Relu, None);
    }
    let of_bottom = Part::View(View { slot: bottom, column: 0, width: WIDTH });
    let mut fields = vec![of_bottom];
    fields.extend((0..SPARSE).map(|at| b.bag(&format!("table.{at}"), Rows::Candidates, at, (TABLE_ROWS, WIDTH))));
    let fields = b.concat(Rows::Candidates, FIELDS * WIDTH, &fields);
    let pairs = Triangle::pairs(FIELDS, false) as u32;
    let (triangle, diagonal) = (Triangle::Lower, false);
    let dots =
        b.step(Rows::Candidates, pairs, |out| Step::Pairs { x: fields, fields: FIELDS, triangle, diagonal, out });
    let of_dots = Part::View(View { slot: dots, column: 0, width: pairs });
    let mut top = b.concat(Rows::Candidates, WIDTH + pairs, &[of_bottom, of_dots]);
    for (name, width) in [("top.0", 512), ("top.1", 256)] {
        top = b.linear(name, top, width, Activation::Relu, None);
    }
    let out = b.linear("top.2", top, 1, Activation::Sigmoid, None);
    let numbers = (0..DENSE).map(|at| number(format!("number-{at}"), Side::Candidate));
    let ids = (0..SPARSE).map(|at| id(format!("id-{at}"), Side::Candidate, TABLE_ROWS));
    b.finish(out, numbers.chain(ids).collect(), 1)
}

/// Candidates with ids from all of the tables, as many as no cache holds the rows of.
pub struct Dlrm {
    numbers: Vec<f32>,
    ids: Vec<u32>,
    /// How many candidates a request has.
    batch: u32,
    /// Which request is the next.
    at: usize,
}

impl Dlrm {
    /// So many requests of so many candidates, which come again from the first when all were had.
    pub fn new(requests: usize, batch: u32) -> Dlrm {
        let count = requests * batch as usize;
        let ids = weights(90, count * SPARSE as usize, 1.0).map(|x| ((x + 1.0) * 0.5 * TABLE_ROWS as f32) as u32);
        let numbers = weights(91, count * DENSE as usize, 1.0).collect();
        Dlrm { numbers, ids: ids.map(|id| id.min(TABLE_ROWS - 1)).collect(), batch, at: 0 }
    }

    /// The next request, by `score`.
    pub fn next<T>(&mut self, score: impl FnOnce(&Request<'_>) -> T) -> T {
        let (numbers, ids) = (self.batch as usize * DENSE as usize, self.batch as usize * SPARSE as usize);
        let at = self.at;
        self.at = (at + 1) % (self.numbers.len() / numbers);
        let candidate =
            Columns { numbers: &self.numbers[at * numbers..][..numbers], ids: &self.ids[at * ids..][..ids] };
        let candidates = [0, self.batch];
        score(&Request { candidate, starts: &[0, 0], candidates: &candidates, ..Request::default() })
    }
}
