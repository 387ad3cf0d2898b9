//! The bias on attention's scores that follows from the distance of two tokens, as MPNet's exports compute it from the length of a text.
//!
//! What exporters write of buckets, powers and logarithms is folded away by the trace; what is left are the numbers for three lengths, the
//! longest among them. A table whose rows give exactly these is the bias.

use super::import::{Importer, constant};
use crate::front::emitter::Value;
use crate::onnx::Tensor;
use crate::ops::RelativeBias;

/// Distances from here on share the last bucket: the library computes with no other number.
const BIAS: RelativeBias = RelativeBias { max_distance: 128 };

/// How many steps may lie between the table and the bias: what turns and repeats its rows.
const STEPS: usize = 8;

/// The bias of a table, if that is what a value is which follows from the length.
pub(super) fn bias(to: &mut Importer<'_>, value: usize) -> Option<Value> {
    let of = table(to, value)?;
    let tensor = to.constant(of)?;
    let &[buckets, heads] = tensor.shape() else { return None };
    let rows = tensor.as_f32()?;
    let sound = buckets >= 4 && buckets % 4 == 0 && BIAS.max_distance as usize > buckets / 4;
    if !sound || !to.known(value)?.iter().all(|bias| is_bias(bias, rows, [buckets, heads])) {
        return None;
    }
    if let Some(&made) = to.biases.get(&of) {
        return Some(made);
    }
    let constant = constant(tensor, vec![buckets, heads]).ok()?;
    let name = to.tensor_name(of);
    let table = to.emit.tensor(&name, constant);
    let made = to.emit.op(BIAS, &[table], name.strip_suffix(".weight").unwrap_or(&name));
    to.biases.insert(of, made);
    Some(made)
}

/// The table that a value's numbers are taken from.
fn table(to: &Importer<'_>, value: usize) -> Option<usize> {
    let mut at = value;
    for _ in 0..STEPS {
        let step = to.maker(at)?;
        at = step.inputs.first().copied().flatten()?;
        if step.operator == "Gather" && to.rank(at) == 2 {
            return to.constant(at).map(|_| at);
        }
    }
    None
}

/// Whether these are the rows by the distances of tokens, `[…, heads, tokens, tokens]`.
fn is_bias(bias: &Tensor, rows: &[f32], [buckets, heads]: [usize; 2]) -> bool {
    let (Some(values), Some((outer, [of, queries, keys]))) = (bias.as_f32(), bias.shape().split_last_chunk()) else {
        return false;
    };
    let (of, count) = (*of, *queries);
    let shaped = of == heads && *keys == count && outer.iter().all(|&size| size == 1);
    shaped
        && values.iter().enumerate().all(|(at, &value)| {
            let (head, query, key) = (at / (count * count), at / count % count, at % count);
            let bucket = BIAS.bucket(key as i64 - query as i64, buckets as u32) as usize;
            value.to_bits() == rows[bucket * heads + head].to_bits()
        })
}
