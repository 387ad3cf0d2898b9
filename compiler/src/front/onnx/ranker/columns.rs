//! Columns of inputs that were moved and not yet computed with: which numbers or ids they are.
//!
//! Exporters cut inputs into columns, put those of several inputs side by side and add the offsets of fields that share one table. All of
//! that is followed here, so that the program reads what it is given where it stands.

use crate::onnx::Size;

/// One column of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Which, among those of all inputs.
    pub(super) column: usize,
    /// What was added to it.
    pub(super) offset: u64,
}

/// Columns in the order of the file, in which an axis of rows counts as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) places: Vec<Place>,
    /// The sizes of the file's axes, 1 for rows.
    pub(super) shape: Vec<usize>,
}

impl Columns {
    /// The columns of an input of these sizes, `first` being its first.
    pub(super) fn of(first: usize, sizes: &[Size]) -> Columns {
        let shape = fixed(sizes);
        let places = (0..shape.iter().product()).map(|at| Place { column: first + at, offset: 0 }).collect();
        Columns { places, shape }
    }

    /// The same in another shape, of the same order.
    pub(super) fn reshaped(self, sizes: &[Size]) -> Result<Columns, String> {
        let shape = fixed(sizes);
        if shape.iter().product::<usize>() != self.places.len() {
            return Err("it repeats or drops columns".to_owned());
        }
        Ok(Columns { shape, ..self })
    }

    /// Of each number of a value of `shape` that column which `from` says by the value's place.
    pub(super) fn picked(&self, shape: Vec<usize>, from: impl Fn(&[usize]) -> Vec<usize>) -> Columns {
        let count: usize = shape.iter().product();
        let places = (0..count).map(|flat| {
            let at = from(&unravel(flat, &shape));
            self.places[ravel(&at, &self.shape)]
        });
        Columns { places: places.collect(), shape }
    }

    /// Some places of an axis.
    pub(super) fn selected(&self, axis: usize, chosen: &[usize]) -> Columns {
        let mut shape = self.shape.clone();
        shape[axis] = chosen.len();
        self.picked(shape, |at| {
            let mut at = at.to_vec();
            at[axis] = chosen[at[axis]];
            at
        })
    }

    /// With numbers added, which are broadcast to it.
    pub(super) fn plus(mut self, numbers: &[i64], shape: &[usize]) -> Result<Columns, String> {
        let skipped = self.shape.len().checked_sub(shape.len()).ok_or("it gives columns more axes")?;
        for flat in 0..self.places.len() {
            let at = unravel(flat, &self.shape);
            let own: Vec<usize> =
                at[skipped..].iter().zip(shape).map(|(&at, &size)| if size == 1 { 0 } else { at }).collect();
            if own.iter().zip(shape).any(|(&at, &size)| at >= size) {
                return Err("what it adds to columns is not of their shape".to_owned());
            }
            let offset = u64::try_from(numbers[ravel(&own, shape)]).ok();
            let place = &mut self.places[flat];
            place.offset = offset
                .and_then(|offset| place.offset.checked_add(offset))
                .filter(|offset| *offset < u64::from(u32::MAX))
                .ok_or("it takes from ids, and only offsets are known")?;
        }
        Ok(self)
    }

    /// Several along an axis.
    pub(super) fn joined(all: &[Columns], axis: usize) -> Result<Columns, String> {
        let first = all.first().ok_or("it joins nothing")?;
        let outer = |shape: &[usize]| shape[..axis].iter().product::<usize>();
        let alike = |other: &Columns| {
            other.shape.len() == first.shape.len()
                && (0..first.shape.len()).all(|at| at == axis || other.shape[at] == first.shape[at])
        };
        if !all.iter().all(alike) {
            return Err("it joins columns of different shapes".to_owned());
        }
        let mut shape = first.shape.clone();
        shape[axis] = all.iter().map(|columns| columns.shape[axis]).sum();
        let mut places = Vec::new();
        for at in 0..outer(&shape) {
            for columns in all {
                let inner = columns.places.len() / outer(&columns.shape).max(1);
                places.extend(&columns.places[at * inner..(at + 1) * inner]);
            }
        }
        Ok(Columns { places, shape })
    }
}

/// The sizes of the file's axes, 1 for rows.
pub(super) fn fixed(sizes: &[Size]) -> Vec<usize> {
    sizes.iter().map(|size| if let Size::Fixed(size) = size { *size } else { 1 }).collect()
}

fn unravel(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut at = vec![0; shape.len()];
    for (at, size) in at.iter_mut().zip(shape).rev() {
        *at = flat % size;
        flat /= size;
    }
    at
}

fn ravel(at: &[usize], shape: &[usize]) -> usize {
    at.iter().zip(shape).fold(0, |flat, (at, size)| flat * size + at)
}
