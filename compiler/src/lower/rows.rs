//! Rows that are put together: what stands in a row of a network's value, and where it comes from.

use super::{Lower, Lowering, Place, Problem};
use crate::graph::{Dim, Node, Type, ValueId};
use crate::ops::{Bag, IdMask, Input, Op};
use modeldeploy_format::program::{self, MAX_WIDTH, Part, PartRange, Rows, SlotId, Step, Storage, View};

/// The most parts that a row is put together from: more, and numbers are moved one by one.
const MOST: usize = 1 << 12;

impl Lowering<'_> {
    /// The rows and the width of a network's value, whose axes after that of the rows are one row.
    pub(super) fn flat(&self, ty: &Type) -> Lower<(Rows, usize)> {
        let rows = match ty.rows() {
            None => Rows::Texts,
            Some(Dim::Tokens) => Rows::Tokens,
            Some(_) => Rows::Candidates,
        };
        let width = ty.row().iter().try_fold(1_usize, |width, dim| width.checked_mul(dim.fixed()?));
        match width.filter(|&width| width > 0 && width <= MAX_WIDTH as usize) {
            Some(width) => Ok((rows, width)),
            None => Err(Problem::inputs(format!("its value is {ty}, which is no row of at most {MAX_WIDTH} numbers"))),
        }
    }

    /// Numbers that are given stand where they are; ids are read by what looks rows up.
    pub(super) fn given(&mut self, id: ValueId, input: Input) {
        if let Input::Numbers { of, column, count } = input {
            let [column, count] = [column, count].map(|it| u32::try_from(it).unwrap_or(u32::MAX));
            self.spread.insert(id, vec![Part::Numbers { of, column, count }]);
        }
    }

    pub(super) fn bag(&mut self, id: ValueId, node: &Node, bag: Bag) -> Lower {
        let inputs = Bag::parts(&node.inputs);
        let Op::Input(Input::Ids { of, column, count }) = self.graph.node(inputs.index).op else {
            return Err(Problem::inputs("its rows are chosen by a computed value"));
        };
        let (table, [scales, offsets]) = self.table(inputs.table)?;
        let small = |it: usize| u32::try_from(it).map_err(|_| Problem::inputs("it reads too many ids"));
        let (column, count) = (small(column)?, small(count)?);
        let bag = program::Bag { table, scales, offsets, of, column, count, mean: bag.mean };
        self.spread.insert(id, vec![Part::Bag(bag)]);
        Ok(())
    }

    pub(super) fn mask(&mut self, id: ValueId, node: &Node, mask: IdMask) -> Lower {
        let Op::Input(Input::Ids { of, column, count: 1 }) = self.graph.node(node.inputs[0]).op else {
            return Err(Problem::inputs("it compares what is no id that is given"));
        };
        let column = u32::try_from(column).map_err(|_| Problem::inputs("it reads too many ids"))?;
        let IdMask { id: with, equal, other } = mask;
        self.spread.insert(id, vec![Part::Mask(program::IdMask { of, column, id: with, equal, other })]);
        Ok(())
    }

    /// What a value's row is put together from.
    pub(super) fn parts_of(&self, id: ValueId) -> Lower<Vec<Part>> {
        match self.spread.get(&id) {
            Some(parts) => Ok(parts.clone()),
            None => {
                let Place { slot, column, width } = self.find(id)?;
                Ok(vec![Part::View(View { slot, column, width })])
            }
        }
    }

    /// The slot of a value; one that is spread is put together once.
    pub(super) fn together(&mut self, id: ValueId) -> Lower<SlotId> {
        let (rows, width) = self.shape(id)?;
        let parts = self.parts_of(id)?;
        if let [Part::View(view)] = parts[..]
            && view.column == 0
            && view.width == self.slots[view.slot.0 as usize].width
            && self.slots[view.slot.0 as usize].rows == rows
        {
            return Ok(view.slot);
        }
        let slot = self.concat(parts, rows, width)?;
        self.spread.remove(&id);
        self.places.insert(id, Place { slot, column: 0, width });
        Ok(slot)
    }

    /// A new slot of these parts.
    pub(super) fn concat(&mut self, parts: Vec<Part>, rows: Rows, width: u32) -> Lower<SlotId> {
        if parts.len() > MOST {
            return Err(Problem::inputs(format!(
                "its row is put together from {} parts, and {MOST} are too many",
                parts.len()
            )));
        }
        let beside = |of: Rows| of == rows || (of, rows) == (Rows::Texts, Rows::Candidates);
        for part in &parts {
            let of = match part {
                Part::View(view) => self.slots[view.slot.0 as usize].rows,
                Part::Numbers { of, .. } => *of,
                Part::Bag(bag) => bag.of,
                Part::Mask(mask) => mask.of,
            };
            if !beside(of) {
                return Err(Problem::inputs("it puts what is the user's beside the items of the session"));
            }
        }
        let first = u32::try_from(self.parts.len()).map_err(|_| Problem::inputs("there are too many parts of rows"))?;
        let count = u32::try_from(parts.len()).expect("at most the bound");
        self.parts.extend(parts);
        let out = self.place(rows, Storage::F32, width);
        self.push(Step::Concat { parts: PartRange { first, count }, out })?;
        Ok(out)
    }

    /// A value whose row is that of others in some order: for each of its columns the value and the column that it is.
    pub(super) fn spread(&mut self, id: ValueId, columns: &[(ValueId, usize)]) -> Lower {
        let parts = self.gathered(columns)?;
        self.spread.insert(id, parts);
        Ok(())
    }

    /// The parts that columns of values are, those that follow one another as one.
    pub(super) fn gathered(&mut self, columns: &[(ValueId, usize)]) -> Lower<Vec<Part>> {
        let mut runs: Vec<(ValueId, usize, usize)> = Vec::new();
        for &(id, column) in columns {
            match runs.last_mut() {
                Some((last, start, len)) if *last == id && *start + *len == column => *len += 1,
                _ => runs.push((id, column, 1)),
            }
        }
        // A sum of rows is no column of its own before it is computed.
        for &(id, start, len) in &runs {
            if cut(&self.parts_of(id)?, |part| self.width(part), start, len).is_none() {
                self.together(id)?;
            }
        }
        let mut parts: Vec<Part> = Vec::new();
        for (id, start, len) in runs {
            let found = cut(&self.parts_of(id)?, |part| self.width(part), start, len);
            for part in found.ok_or_else(|| Problem::inputs("it reads columns that are not there"))? {
                match (parts.last_mut(), part) {
                    (Some(Part::View(last)), Part::View(next))
                        if last.slot == next.slot && last.column + last.width == next.column =>
                    {
                        last.width += next.width;
                    }
                    (
                        Some(Part::Numbers { of, column, count }),
                        Part::Numbers { of: next_of, column: next, count: more },
                    ) if *of == next_of && *column + *count == next => {
                        *count += more;
                    }
                    (_, part) => parts.push(part),
                }
            }
        }
        Ok(parts)
    }

    fn width(&self, part: &Part) -> usize {
        match part {
            Part::View(view) => view.width as usize,
            Part::Numbers { count, .. } => *count as usize,
            Part::Bag(bag) => self.tensors[bag.table.0 as usize].dims[1] as usize,
            Part::Mask(_) => 1,
        }
    }

    /// The slot of an operand of a value of that type, repeated where it is broadcast.
    pub(super) fn operand(&mut self, id: ValueId, ty: &Type) -> Lower<SlotId> {
        if self.graph.ty(id).shape == ty.shape {
            return self.together(id);
        }
        let key = (id, ty.shape.clone());
        if let Some(&slot) = self.broadcast.get(&key) {
            return Ok(slot);
        }
        let (rows, width) = self.flat(ty)?;
        let width = u32::try_from(width).expect("a row is at most the bound");
        let columns: Vec<(ValueId, usize)> =
            repeated(self.graph.ty(id), ty)?.into_iter().map(|column| (id, column)).collect();
        let parts = self.gathered(&columns)?;
        let slot = match parts[..] {
            // The same row in another shape.
            [Part::View(view)]
                if view == (View { slot: view.slot, column: 0, width }) && {
                    let slot = &self.slots[view.slot.0 as usize];
                    slot.rows == rows && slot.width == width
                } =>
            {
                view.slot
            }
            _ => self.concat(parts, rows, width)?,
        };
        self.broadcast.insert(key, slot);
        Ok(slot)
    }
}

/// The columns `start..start + len` of parts; none if one of them is a part of a sum of rows.
fn cut(parts: &[Part], width: impl Fn(&Part) -> usize, start: usize, len: usize) -> Option<Vec<Part>> {
    let (mut before, end) = (0, start + len);
    let mut found = Vec::new();
    for part in parts {
        let (from, to) = (before, before + width(part));
        before = to;
        let (first, last) = (from.max(start), to.min(end));
        if first >= last {
            continue;
        }
        let [skipped, count] = [first - from, last - first].map(|it| u32::try_from(it).ok());
        let (skipped, count) = (skipped?, count?);
        found.push(match *part {
            Part::View(view) => Part::View(View { column: view.column + skipped, width: count, ..view }),
            Part::Numbers { of, column, .. } => Part::Numbers { of, column: column + skipped, count },
            Part::Bag(bag) if first == from && last == to => Part::Bag(bag),
            Part::Bag(_) => return None,
            Part::Mask(mask) => Part::Mask(mask),
        });
    }
    Some(found)
}

/// For each column of a value the one of an operand that is broadcast to it.
pub(super) fn repeated(from: &Type, to: &Type) -> Lower<Vec<usize>> {
    let sizes = |dims: &[Dim]| dims.iter().map(|dim| dim.fixed().unwrap_or(1)).collect::<Vec<usize>>();
    let (own, all) = (sizes(from.row()), sizes(to.row()));
    let skipped =
        all.len().checked_sub(own.len()).ok_or_else(|| Problem::inputs("an operand has more axes than its value"))?;
    let count: usize = all.iter().product();
    let column = |mut flat: usize| {
        let (mut place, mut stride) = (0, 1);
        for axis in (0..all.len()).rev() {
            let at = flat % all[axis];
            flat /= all[axis];
            if let Some(axis) = axis.checked_sub(skipped) {
                place += if own[axis] == 1 { 0 } else { at * stride };
                stride *= own[axis];
            }
        }
        place
    };
    Ok((0..count).map(column).collect())
}
