//! Masks of padding: one of two numbers for each row, by whether an id of it is the padding's.
//!
//! Such a mask is followed through what files compute with it, so that a file's own comparisons, casts and choices are one step of the
//! network, or none. An id that is the padding's means in the network what it means in the file, wherever it stands in a session.

use super::given::rows_of;
use super::import::{Importer, flat};
use super::known::{HIDDEN, numbers, square, whole};
use crate::graph::{Constant, ValueId};
use crate::ops::{Add, Causal, Concat, IdMask, Input, KeyMask, MatMul, Mul};
use modeldeploy_format::features::Takes;
use modeldeploy_format::program::Rows;

/// The most copies of a mask that stand side by side.
const COPIES: usize = 4096;

/// `equal` where the id in `column` is `id`, else `other`; truth is 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mask {
    /// Which, among those of all inputs.
    pub(super) column: usize,
    pub(super) id: u32,
    pub(super) equal: f64,
    pub(super) other: f64,
    /// Of items by items, of which the second's id is meant: the number where it comes after the first, if that is another.
    pub(super) later: Option<f64>,
}

/// Rows of a table by position, but the first row where a mask is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MaskedPlaces {
    /// The positions, a value that follows from the lengths.
    pub(super) positions: usize,
    /// 0 for the padding, else 1.
    pub(super) mask: Mask,
}

impl Mask {
    /// What becomes of both numbers.
    pub(super) fn map(self, each: impl Fn(f64) -> f64) -> Mask {
        Mask { equal: each(self.equal), other: each(self.other), later: self.later.map(each), ..self }
    }

    /// Of two masks by the same id, if they are.
    pub(super) fn with(self, other: Mask, each: impl Fn(f64, f64) -> f64) -> Option<Mask> {
        let same = (self.column, self.id) == (other.column, other.id) && self.later.is_none() && other.later.is_none();
        same.then(|| Mask { equal: each(self.equal, other.equal), other: each(self.other, other.other), ..self })
    }

    /// Of a mask of keys, and `[own, later]` numbers of items that do not come after the first, and of those that do.
    pub(super) fn with_later(self, [own, later]: [f64; 2], each: impl Fn(f64, f64) -> f64) -> Option<Mask> {
        let hidden = |number: f64| number <= f64::from(HIDDEN);
        let (padding, others) = (each(self.equal, later), each(self.other, later));
        let same = padding == others || (hidden(padding) && hidden(others));
        let mask = Mask { equal: each(self.equal, own), other: each(self.other, own), later: Some(others), ..self };
        (same && self.later.is_none()).then_some(mask)
    }
}

impl Importer<'_> {
    /// A mask as numbers, in the form of the value that it is.
    pub(super) fn mask_value(&mut self, mask: Mask, value: usize) -> Result<ValueId, String> {
        if let Some(&id) = self.numbers.get(&value) {
            return Ok(id);
        }
        let form = self.form(value)?;
        if form.is_scores() || mask.later.is_some() {
            return Err("it computes with a mask of items by items".to_owned());
        }
        let one = self.mask_row(mask)?;
        let width: usize = form.dims.iter().filter_map(|dim| dim.fixed()).product();
        if width > COPIES {
            return Err("it repeats a mask too often".to_owned());
        }
        let rows = self.graph.ty(one).rows();
        let repeated = if width == 1 {
            one
        } else {
            let column = self.reshaped(one, &flat(rows, &[1]), "mask")?;
            self.add(Concat { axis: usize::from(rows.is_some()) }, &vec![column; width], "mask")?
        };
        let id = self.reshaped(repeated, &form.dims, "mask")?;
        self.numbers.insert(value, id);
        Ok(id)
    }

    /// A number for each row.
    fn mask_row(&mut self, mask: Mask) -> Result<ValueId, String> {
        let Mask { column, id, equal, other, .. } = mask;
        self.take(column, Takes::Id)?;
        if !self.masked.contains(&(column, id)) {
            self.masked.push((column, id));
        }
        let of = rows_of(self.column_name(column).1);
        let ids = self.graph.input(Input::Ids { of, column, count: 1 });
        self.add(IdMask { id, equal: equal as f32, other: other as f32 }, &[ids], "mask")
    }

    /// Scores of items by items with a mask added.
    pub(super) fn masked_scores(&mut self, scores: usize, mask: Mask, name: &str) -> Result<ValueId, String> {
        if !self.form(scores)?.is_scores() || rows_of(self.column_name(mask.column).1) != Rows::Tokens {
            return Err("it hides others than scores of items by items".to_owned());
        }
        let mut x = self.value(scores)?;
        if let Some(later) = mask.later {
            if later > f64::from(HIDDEN) {
                return Err("its mask of later items does not hide them".to_owned());
            }
            x = self.add(Causal, &[x], name)?;
        }
        if (mask.equal, mask.other) == (0.0, 0.0) {
            return Ok(x);
        }
        let keys = self.mask_row(mask)?;
        self.add(KeyMask, &[x, keys], name)
    }

    /// `[own, later]` of a value that is one number where an item does not come after another, and another number where it does.
    pub(super) fn triangular(&self, value: usize) -> Option<[f64; 2]> {
        let mut found: Option<[f64; 2]> = None;
        for tensor in self.known(value)? {
            let (size, numbers) = (square(tensor)?, numbers(tensor)?);
            let at = |row: usize, column: usize| numbers[row * size + column];
            let own = at(0, 0);
            let later = if size > 1 { at(0, 1) } else { found?[1] };
            let holds =
                (0..size * size).all(|flat| numbers[flat] == if flat % size > flat / size { later } else { own });
            if !holds || own == later || found.is_some_and(|found| found != [own, later]) {
                return None;
            }
            found = Some([own, later]);
        }
        found
    }

    /// The rows of a table by positions that are masked, `[items, width]`.
    pub(super) fn masked_rows(
        &mut self,
        places: MaskedPlaces,
        (table, name): (&Constant, &str),
    ) -> Result<ValueId, String> {
        let MaskedPlaces { positions, mask } = places;
        let &[count, width] = table.shape() else { return Err("its table of positions is no matrix".to_owned()) };
        let numbers = table.to_f32();
        let row = |at: i64| -> Result<&[f32], String> {
            let at = usize::try_from(at).ok().filter(|&at| at < count);
            at.map(|at| &numbers[at * width..][..width]).ok_or_else(|| "a position is past its table".to_owned())
        };
        let first = row(0)?.to_vec();
        let known = self.known(positions).ok_or("its positions are not known")?;
        let mut each = Vec::new();
        for tensor in known {
            let places = whole(tensor).ok_or("its positions are no whole numbers")?;
            let rows: Vec<&[f32]> = places.into_iter().map(row).collect::<Result<_, _>>()?;
            each.push(rows.concat());
        }
        let rows = self.rows_by_position(&each, width, name)?.ok_or("its positions are not those of items")?;
        let one = self.mask_row(mask)?;
        let tokens = self.graph.ty(one).rows();
        let column = self.reshaped(one, &flat(tokens, &[1]), "mask")?;
        let shown = self.add(Mul, &[rows, column], "positions")?;
        if first.iter().all(|&number| number == 0.0) {
            return Ok(shown);
        }
        // What is hidden has the first row.
        let hidden = self.mask_row(mask.map(|number| 1.0 - number))?;
        let column = self.reshaped(hidden, &flat(tokens, &[1]), "mask")?;
        let first = self.graph.constant(&format!("{name}[0]"), Constant::f32([width, 1], &first));
        let of_padding = self.add(MatMul { transpose_b: true }, &[column, first], "padding")?;
        self.add(Add, &[shown, of_padding], "positions")
    }
}
