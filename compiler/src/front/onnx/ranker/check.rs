//! That a network computes what its file does: both are run on requests of several sizes, drawn from a fixed seed.

use super::given::rows_of;
use super::import::Compared;
use super::ports::{Port, Ports};
use super::{Network, wrong};
use crate::diagnostic::Diagnostic;
use crate::front::codes;
use crate::onnx::{Lengths, Model, Tensor};
use crate::ops::Request;
use crate::reference::Reference;
use modeldeploy_format::features::{Side, Takes};
use modeldeploy_format::golden::requests::GivenRows;
use modeldeploy_format::program::Rows;

/// How far a score may be from the file's, relative to the greatest of its request.
const TOLERANCE: f32 = 1e-4;

/// Scores nearer to 0 than this are held as if they were this large.
const LEAST: f32 = 0.1;

/// Ids that are looked up in no table are below this.
const IDS: u64 = 4;

/// Items and candidates of the requests.
const REQUESTS: [(usize, usize); 3] = [(1, 3), (4, 1), (9, 6)];

/// Which items of a request have the id that a mask asks for.
#[derive(Clone, Copy, PartialEq)]
enum Masked {
    /// Those that are drawn so.
    AsDrawn,
    /// None.
    Never,
    /// The first half, as where sessions are filled up.
    First,
    /// Each other one.
    Mixed,
    /// All, as where an empty session is filled up.
    All,
}

const MASKS: [Masked; 5] = [Masked::AsDrawn, Masked::Never, Masked::First, Masked::Mixed, Masked::All];

impl Masked {
    /// Whether the row of that number is, of so many.
    fn is(self, row: usize, rows: usize) -> Option<bool> {
        match self {
            Masked::AsDrawn => None,
            Masked::Never => Some(false),
            Masked::First => Some(row < rows / 2),
            Masked::Mixed => Some(row.is_multiple_of(2) && row + 1 < rows),
            Masked::All => Some(true),
        }
    }
}

/// Numbers that look random and are the same every time.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

pub(super) fn check(
    model: &Model,
    place: &str,
    ports: &Ports,
    (network, masked): (&Network, &[Compared]),
    max_items: usize,
) -> Result<(), Vec<Diagnostic>> {
    let reference = Reference::new(&network.graph)?;
    let mut draw = Draw(6);
    let mut finite = false;
    // What a mask does is seen where some ids are the one that it asks for.
    let masks = if masked.is_empty() { &MASKS[..1] } else { &MASKS[..] };
    for ((items, candidates), mask) in masks.iter().flat_map(|&mask| REQUESTS.map(|request| (request, mask))) {
        let lengths = Lengths { tokens: ports.items.unwrap_or(items.min(max_items)), candidates };
        let drawn = Drawn::new(ports, network, (masked, mask), lengths, &mut draw);
        let request = Request {
            session: &drawn.rows[Rows::Tokens as usize],
            items: lengths.tokens,
            user: &drawn.rows[Rows::Texts as usize],
            candidates: &drawn.rows[Rows::Candidates as usize],
            count: candidates,
        };
        let got = reference.score(request).map_err(|error| vec![error])?;
        let want = drawn.interpreted(model, place, ports, lengths)?;
        let greatest =
            want.iter().fold(LEAST, |most, score| if score.is_finite() { most.max(score.abs()) } else { most });
        let alike = |(got, want): (&f32, &f32)| {
            got == want || (got.is_nan() && want.is_nan()) || (got - want).abs() <= TOLERANCE * greatest
        };
        finite |= want.iter().any(|score| score.is_finite());
        if got.len() != want.len() || !got.iter().zip(&want).all(alike) {
            let message = format!(
                "for {} items and {candidates} candidates the network gives {got:?}, and the file {want:?}",
                lengths.tokens
            );
            return Err(vec![
                Diagnostic::new(codes::OTHER_SCORES, message)
                    .at(place)
                    .help("this is a fault of the import, not of the model: please report it with the file"),
            ]);
        }
    }
    if finite {
        return Ok(());
    }
    Err(vec![wrong(place, "the file gives no finite score for drawn inputs", "is the model one that was trained?")])
}

/// What is given of a request: for each column of the inputs a number for each row, and the same as the network takes it.
struct Drawn {
    columns: Vec<Vec<f64>>,
    rows: [GivenRows; 3],
}

impl Drawn {
    fn new(
        ports: &Ports,
        network: &Network,
        (masked, mask): (&[Compared], Masked),
        lengths: Lengths,
        draw: &mut Draw,
    ) -> Drawn {
        let count = |side: Side| match side {
            Side::Candidate => lengths.candidates,
            Side::User => 1,
            Side::Session => lengths.tokens,
        };
        let whole = |column: usize| {
            let port = &ports.list[ports.list.partition_point(|port| port.first + port.columns <= column)];
            !matches!(port.elem, crate::onnx::Elem::F32 | crate::onnx::Elem::F64)
        };
        let mut columns = Vec::new();
        for (at, column) in network.columns.iter().enumerate() {
            let compared: Vec<u32> = masked.iter().filter(|(of, _)| *of == at).map(|&(_, id)| id).collect();
            let rows = column.rows.unwrap_or_else(|| compared.iter().map(|&id| u64::from(id) + 1).fold(IDS, u64::max));
            let mut number = || match column.takes {
                Takes::Id => (draw.next() * rows as f64).floor(),
                Takes::Number if whole(at) => (draw.next() * 4.0).floor(),
                Takes::Number => f64::from((draw.next() * 4.0 - 2.0) as f32),
            };
            let count = count(column.side);
            let mut drawn: Vec<f64> = (0..count).map(|_| number()).collect();
            for (row, drawn) in drawn.iter_mut().enumerate().filter(|_| !compared.is_empty()) {
                // Of several ids one after the other.
                let id = compared[row % compared.len()];
                match mask.is(row, count) {
                    Some(true) if u64::from(id) < rows => *drawn = f64::from(id),
                    Some(false) => {
                        for _ in 0..compared.len() {
                            if compared.iter().any(|&id| *drawn == f64::from(id)) {
                                *drawn = (*drawn + 1.0) % rows as f64;
                            }
                        }
                    }
                    _ => {}
                }
            }
            columns.push(drawn);
        }
        let mut rows = [(); 3].map(|()| GivenRows::default());
        for side in Side::ALL {
            let own = || network.columns.iter().zip(&columns).filter(|(column, _)| column.side == side);
            let given = &mut rows[rows_of(side) as usize];
            for row in 0..count(side) {
                let of =
                    |takes: Takes| own().filter(move |(column, _)| column.takes == takes).map(move |(_, it)| it[row]);
                given.numbers.extend(of(Takes::Number).map(|number| number as f32));
                given.ids.extend(of(Takes::Id).map(|id| id as u32));
            }
        }
        Drawn { columns, rows }
    }

    /// What the interpreter of the file gives.
    fn interpreted(
        &self,
        model: &Model,
        place: &str,
        ports: &Ports,
        lengths: Lengths,
    ) -> Result<Vec<f32>, Vec<Diagnostic>> {
        let runs = if ports.single { lengths.candidates } else { 1 };
        let mut scores = Vec::new();
        for run in 0..runs {
            let mut inputs: Vec<(&str, Tensor)> = Vec::new();
            for port in &ports.list {
                let first = if ports.single && port.side == Side::Candidate { run } else { 0 };
                let tensor = self.input(port, first, lengths).map_err(|message| vec![wrong(place, message, "")])?;
                inputs.push((&port.name, tensor));
            }
            let outputs = model.run(&inputs)?;
            let numbers = outputs.first().and_then(|scores| scores.as_f32());
            let numbers =
                numbers.ok_or_else(|| vec![wrong(place, "the scores are not f32", "export the model in f32")])?;
            scores.extend(numbers);
        }
        Ok(scores)
    }

    /// An input of the file, whose rows begin with `first`; a user that is repeated stands in each.
    fn input(&self, port: &Port, first: usize, lengths: Lengths) -> Result<Tensor, String> {
        let shape = port.shape(lengths);
        let mut flat = 0;
        port.tensor(lengths, || {
            let (mut rest, mut row, mut column, mut wide) = (flat, first, 0, 1);
            flat += 1;
            for (axis, &size) in port.axes.iter().zip(&shape).rev() {
                let at = rest % size;
                rest /= size;
                match (axis, port.side) {
                    (super::ports::Axis::Fixed(_), _) => {
                        column += at * wide;
                        wide *= size;
                    }
                    (super::ports::Axis::Candidates, Side::Candidate) | (super::ports::Axis::Items, _) => row = at,
                    (super::ports::Axis::Candidates, _) => {}
                }
            }
            self.columns[port.first + column][row]
        })
    }
}
