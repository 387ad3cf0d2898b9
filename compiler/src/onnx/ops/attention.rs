//! Attention, and positions turned into its queries and keys.

use super::arithmetic::zip;
use super::movement::permuted;
use super::{Call, Limit, Operator, cast, ints, products, row, rows_of, size, softmax};
use crate::onnx::elem::Elem;
use crate::onnx::indices::{broadcast, places, repeated, strides};
use crate::onnx::tensor::{Data, Tensor, count};

pub(super) const OPERATORS: &[Operator] = &[
    rows_of(
        "Attention",
        23,
        (3, 7),
        4,
        &["is_causal", "kv_num_heads", "q_num_heads", "qk_matmul_output_mode", "scale", "softcap", "softmax_precision"],
        attention,
    )
    .widened()
    .mixed()
    .limits(&[Limit::Inputs(6, 23)]),
    row("RotaryEmbedding", 23, (3, 4), &["interleaved", "num_heads", "rotary_embedding_dim"], rotary).widened(),
];

/// `[batch, tokens, heads · d]` as `[batch, heads, tokens, d]`; what has four axes stays.
fn by_heads(x: &Tensor, heads: Option<i64>) -> Result<Tensor, String> {
    match *x.shape() {
        [batch, tokens, width] => {
            let heads = size(heads.ok_or("it does not say how many heads")?)?;
            if heads == 0 || !width.is_multiple_of(heads) {
                return Err(format!("a width of {width} is not {heads} heads"));
            }
            permuted(&x.reshaped([batch, tokens, heads, width / heads])?, &[0, 2, 1, 3])
        }
        [_, _, _, _] => Ok(x.clone()),
        _ => Err(format!("three or four axes are needed, not {x}")),
    }
}

/// Heads that several queries share, once for each of them.
fn shared(x: &Tensor, heads: usize) -> Result<Tensor, String> {
    let &[batch, own, tokens, depth] = x.shape() else { return Err(format!("four axes are needed, not {x}")) };
    if own == 0 || !heads.is_multiple_of(own) {
        return Err(format!("{heads} heads of queries do not share {own} of keys"));
    }
    let all = strides(x.shape());
    let parts = [batch, own, heads / own, tokens, depth];
    count(&parts)?;
    Ok(x.pick([batch, heads, tokens, depth], &places(&parts, &[all[0], all[1], 0, all[2], all[3]], 0)))
}

/// Tokens of the past, then those of now.
fn after(past: Option<&Tensor>, x: Tensor) -> Result<Tensor, String> {
    let Some(past) = past else { return Ok(x) };
    let past = cast::to(past, x.elem())?;
    let ([batch, heads, before, depth], [other, own, now, width]) = (four(&past)?, four(&x)?);
    if (batch, heads, depth) != (other, own, width) {
        return Err(format!("{x} does not follow {past}"));
    }
    let all = super::joined(past.data(), x.data())?;
    let mut places = Vec::with_capacity(all.len());
    for head in 0..batch * heads {
        places.extend(head * before * depth..(head + 1) * before * depth);
        places.extend((0..now * depth).map(|at| past.len() + head * now * depth + at));
    }
    Tensor::new([batch, heads, before + now, depth], all.pick(&places))
}

fn four(x: &Tensor) -> Result<[usize; 4], String> {
    x.shape().try_into().map_err(|_| format!("four axes are needed, not {x}"))
}

fn attention(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let attributes = call.attributes;
    let (own_heads, shared_heads) = (attributes.int("q_num_heads")?, attributes.int("kv_num_heads")?);
    let flat = call.input(0)?.rank() == 3;
    let elem = call.input(0)?.elem();
    let wide = |at: usize, heads| by_heads(&cast::to(call.input(at)?, Elem::F64)?, heads);
    let q = wide(0, own_heads)?;
    let key = after(call.optional(4), wide(1, shared_heads)?)?;
    let value = after(call.optional(5), wide(2, shared_heads)?)?;
    let ([batch, heads, queries, depth], [.., keys, _]) = (four(&q)?, four(&key)?);
    let (k, v) = (shared(&key, heads)?, shared(&value, heads)?);
    let scale = match attributes.float("scale")? {
        Some(scale) => f64::from(scale),
        None => 1.0 / (depth as f64).sqrt(),
    };
    let product = products::matmul(call, &q, &permuted(&k, &[0, 1, 3, 2])?)?;
    let scores = super::arithmetic::map(&product, |x: f64| x * scale)?;
    let cap = f64::from(attributes.float_or("softcap", 0.0)?);
    let capped =
        if cap > 0.0 { super::arithmetic::map(&scores, |x: f64| cap * (x / cap).tanh())? } else { scores.clone() };
    let bias = bias(call, [batch, heads, queries, keys])?;
    let biased = zip(&capped, &bias, |x: f64, bias: f64| Ok(x + bias))?;
    let shares = softmax::rows(&biased)?;
    let mut mixed = products::matmul(call, &shares, &v)?;
    if flat {
        let [.., width] = four(&mixed)?;
        mixed = permuted(&mixed, &[0, 2, 1, 3])?.reshaped([batch, queries, heads * width])?;
    }
    let shown = match attributes.int_or("qk_matmul_output_mode", 0)? {
        0 => scores,
        1 => capped,
        2 => biased,
        3 => shares,
        other => return Err(format!("the mode {other} of its last output is not known")),
    };
    [mixed, key, value, shown].iter().take(call.outputs).map(|made| cast::to(made, elem)).collect()
}

/// What is added to the scores: the mask, what causality forbids, and what lies past the end of a cache; −∞ forbids.
fn bias(call: &Call<'_>, shape: [usize; 4]) -> Result<Tensor, String> {
    let [batch, heads, queries, keys] = shape;
    let mut made = vec![0.0_f64; count(&shape)?];
    if let Some(mask) = call.optional(3) {
        let given = mask.shape().last().copied().unwrap_or(1);
        let values: Vec<f64> = match mask.data() {
            Data::Bool(values) => values.iter().map(|&may| if may { 0.0 } else { f64::NEG_INFINITY }).collect(),
            _ => cast::to(mask, Elem::F64)?.of::<f64>()?.to_vec(),
        };
        // A mask may be of fewer keys: those after it are forbidden. One of a single key is repeated.
        let end = if given == 1 { keys } else { given };
        let seen = [batch, heads, queries, end.min(keys)];
        if given > keys || broadcast(&seen, mask.shape())? != seen {
            return Err(format!("the mask {mask} does not go with {shape:?}"));
        }
        let mut from = places(&seen, &repeated(mask.shape(), &seen), 0).into_iter();
        for (at, bias) in made.iter_mut().enumerate() {
            *bias = if at % keys < end { values[from.next().expect("as many as are seen")] } else { f64::NEG_INFINITY };
        }
    }
    let ends = call.optional(6).map(ints).transpose()?;
    if ends.as_ref().is_some_and(|ends| ends.len() != batch) {
        return Err("the lengths of the cache are not one for each of the batch".to_owned());
    }
    let causal = call.attributes.flag_or("is_causal", false)?;
    let past = call.optional(4).map_or(Ok(0), |past| Ok::<_, String>(four(past)?[2] as i64))?;
    for (at, bias) in made.iter_mut().enumerate() {
        let (key, query) = ((at % keys) as i64, (at / keys % queries) as i64);
        let end = ends.as_ref().map(|ends| ends[at / (keys * queries * heads)]);
        // Before opset 24 there was no cache of a length of its own.
        let offset = end.filter(|_| call.optional(4).is_none()).map_or(past, |end| end - queries as i64);
        if causal && key > query + offset || end.is_some_and(|end| key >= end) {
            *bias = f64::NEG_INFINITY;
        }
    }
    Tensor::new(shape, made)
}

fn rotary(call: &Call<'_>) -> Result<Tensor, String> {
    let attributes = call.attributes;
    let x = call.input(0)?;
    let flat = x.rank() == 3;
    let wide = by_heads(&cast::to(x, Elem::F64)?, attributes.int("num_heads")?)?;
    let [batch, heads, tokens, depth] = four(&wide)?;
    let turned = match size(attributes.int_or("rotary_embedding_dim", 0)?)? {
        0 => depth,
        some => some,
    };
    let half = turned / 2;
    if turned > depth || !turned.is_multiple_of(2) {
        return Err(format!("{turned} of {depth} numbers cannot be turned"));
    }
    let positions = call.optional(3).map(ints).transpose()?;
    if positions.as_ref().is_some_and(|positions| positions.len() != batch * tokens) {
        return Err("the positions are not one for each token".to_owned());
    }
    let (cos, sin) = (cast::to(call.input(1)?, Elem::F64)?, cast::to(call.input(2)?, Elem::F64)?);
    let rows = cos.len().checked_div(half).unwrap_or(0);
    if cos.shape() != sin.shape() || cos.shape().last() != Some(&half) || positions.is_none() && rows != batch * tokens
    {
        return Err(format!("the tables {cos} and {sin} do not go with {x}"));
    }
    let interleaved = attributes.flag_or("interleaved", false)?;
    let (cos, sin) = (cos.of::<f64>()?, sin.of::<f64>()?);
    let mut made = wide.of::<f64>()?.to_vec();
    for (at, head) in made.chunks_exact_mut(depth.max(1)).enumerate() {
        let token = at / (heads * tokens) * tokens + at % tokens;
        let row = match &positions {
            Some(positions) => super::gather::index(positions[token], rows)?,
            None => token,
        };
        for pair in 0..half {
            let (first, second) = if interleaved { (2 * pair, 2 * pair + 1) } else { (pair, pair + half) };
            let (cos, sin) = (cos[row * half + pair], sin[row * half + pair]);
            let (a, b) = (head[first], head[second]);
            (head[first], head[second]) = (cos * a - sin * b, sin * a + cos * b);
        }
    }
    let mut made = Tensor::new(wide.shape(), made)?;
    if flat {
        made = permuted(&made, &[0, 2, 1, 3])?.reshaped(x.shape())?;
    }
    cast::to(&made, x.elem())
}
