//! Where numbers lie: axes, strides and the shapes that go together.
//!
//! What only moves numbers is written as the places that it takes them from.

use super::tensor::count;

/// An axis that may be counted from the end.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize, String> {
    let from_start = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(from_start)
        .ok()
        .filter(|&axis| axis < rank)
        .ok_or_else(|| format!("there is no axis {axis} of {rank}"))
}

/// Axes that may be counted from the end, each once.
pub(super) fn axes(axes: &[i64], rank: usize) -> Result<Vec<usize>, String> {
    let mut found = Vec::with_capacity(axes.len());
    for &one in axes {
        let one = axis(one, rank)?;
        if found.contains(&one) {
            return Err(format!("the axis {one} stands twice"));
        }
        found.push(one);
    }
    Ok(found)
}

/// How far numbers that follow one another on each axis are apart.
pub(super) fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for at in (1..shape.len()).rev() {
        strides[at - 1] = strides[at] * shape[at] as isize;
    }
    strides
}

/// The place of each number of a tensor of that shape whose axes have these strides.
pub(super) fn places(shape: &[usize], strides: &[isize], start: usize) -> Vec<usize> {
    if shape.contains(&0) {
        return Vec::new();
    }
    let mut places = vec![start];
    for (&size, &stride) in shape.iter().zip(strides) {
        places = places
            .iter()
            .flat_map(|&place| (0..size as isize).map(move |at| place.wrapping_add_signed(at * stride)))
            .collect();
    }
    places
}

/// The shape of what two of these shapes make together, ones repeated (NumPy's broadcasting).
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    let shape = (0..rank).map(|axis| match (at(a, axis), at(b, axis)) {
        (a, b) if a == b => Ok(a),
        (1, size) | (size, 1) => Ok(size),
        _ => Err(format!("the shapes {a:?} and {b:?} do not go together")),
    });
    let shape: Vec<usize> = shape.collect::<Result<_, _>>()?;
    count(&shape)?;
    Ok(shape)
}

/// The strides with which a tensor of one shape is read as if it had the other.
pub(super) fn repeated(from: &[usize], to: &[usize]) -> Vec<isize> {
    let own = strides(from);
    let before = to.len() - from.len();
    (0..to.len())
        .map(|axis| match axis.checked_sub(before) {
            Some(axis) if from[axis] != 1 => own[axis],
            _ => 0,
        })
        .collect()
}

/// The sizes before an axis, of it, and after it, each as one.
pub(super) fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_go_together_where_one_is_repeated() {
        for (a, b, want) in [
            (&[2, 3][..], &[3][..], Ok(vec![2, 3])),
            (&[2, 1], &[1, 4], Ok(vec![2, 4])),
            (&[], &[0], Ok(vec![0])),
            (&[1], &[0], Ok(vec![0])),
            (&[2], &[3], Err("the shapes [2] and [3] do not go together".to_owned())),
        ] {
            assert_eq!(broadcast(a, b), want);
        }
        assert!(broadcast(&[1 << 20, 1], &[1, 1 << 20]).is_err(), "too large");
    }

    #[test]
    fn places_follow_the_strides() {
        assert_eq!(places(&[2, 3], &[1, 2], 0), [0, 2, 4, 1, 3, 5]);
        assert_eq!(places(&[3], &[-1], 2), [2, 1, 0]);
        assert_eq!(places(&[2, 0], &[0, 1], 0), [0; 0]);
        assert_eq!(places(&[2, 2], &repeated(&[2], &[2, 2]), 0), [0, 1, 0, 1]);
    }

    #[test]
    fn axes_may_be_counted_from_the_end() {
        assert_eq!(axis(-1, 3), Ok(2));
        for (wrong, rank) in [(3, 3), (-4, 3), (0, 0), (i64::MIN, 3)] {
            assert!(axis(wrong, rank).is_err(), "{wrong} of {rank}");
        }
        assert!(axes(&[0, -3], 3).is_err(), "the same axis twice");
    }
}
