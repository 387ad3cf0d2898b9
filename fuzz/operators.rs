//! Small ONNX models, one for each operator and each number of inputs that reads as one: seeds of what runs models.

use modeldeploy_compiler::onnx::{read, rows};

/// A field of a message: bytes under a number.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut len = bytes.len();
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend(bytes);
    out
}

/// A whole number below 128 under a number.
fn small(number: u8, value: u8) -> Vec<u8> {
    vec![number << 3, value]
}

/// `y = operator(a, b, …)` of tensors of this kind and these axes.
fn model(operator: &str, opset: u8, kinds: &[u8], dims: &[u8]) -> Vec<u8> {
    let names: Vec<String> = (0..kinds.len()).map(|at| format!("x{at}")).collect();
    let mut node: Vec<u8> = names.iter().flat_map(|name| field(1, name.as_bytes())).collect();
    node.extend([field(2, b"y"), field(4, operator.as_bytes())].concat());
    let mut graph = [field(1, &node), field(2, b"g")].concat();
    for (name, &kind) in names.iter().zip(kinds) {
        let shape: Vec<u8> = dims.iter().flat_map(|&dim| field(1, &small(1, dim))).collect();
        let tensor = [small(1, kind), field(2, &shape)].concat();
        graph.extend(field(11, &[field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat()));
    }
    graph.extend(field(12, &field(1, b"y")));
    [small(1, 8), field(7, &graph), field(8, &small(2, opset))].concat()
}

/// Each with a name, those that are read alone.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    // float32, int64, bool.
    let kinds: [&[u8]; 9] = [&[], &[1], &[1, 1], &[1, 1, 1], &[1, 7], &[1, 7, 1], &[7], &[9, 1, 1], &[9, 9]];
    let dims: [&[u8]; 3] = [&[2, 2], &[1, 2, 3, 3], &[2]];
    let mut seeds = vec![];
    for row in rows() {
        let opset = row.until.unwrap_or(21).clamp(row.since, 21.max(row.since)) as u8;
        for (at, kinds) in kinds.iter().enumerate() {
            for (axes, dims) in dims.iter().enumerate() {
                let bytes = model(row.name, opset, kinds, dims);
                if read("seed", bytes.clone(), &mut |_| Err(String::new())).is_ok() {
                    seeds.push((format!("{}-{at}-{axes}", row.name), bytes));
                }
            }
        }
    }
    seeds
}
