//! Any bytes as an ONNX model that is run: values, or an error of the first node that cannot be computed, never a panic, and the same twice.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy_compiler::onnx::{Bounds, Dimension, Elem, Port, Tensor, read};

/// Enough for small tensors through every operator, and quick.
const BOUNDS: Bounds = Bounds { numbers: 1 << 16, multiplications: 1 << 20 };

/// Inputs of more numbers than this are not made.
const MOST: usize = 1 << 12;

fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = read("model.onnx", bytes.to_vec(), &mut |_| Err("there is none".to_owned())) else { return };
    for size in [2, 1, 0] {
        let inputs: Option<Vec<(&str, Tensor)>> =
            model.inputs().iter().map(|port| Some((port.name.as_str(), given(port, size)?))).collect();
        let Some(inputs) = inputs else { return };
        match (model.run_within(&inputs, BOUNDS), model.run_within(&inputs, BOUNDS)) {
            (Ok(once), Ok(twice)) => {
                assert_eq!(once.len(), model.outputs().len());
                // As text, where NaN is NaN.
                let shown = |outputs: &[std::sync::Arc<Tensor>]| format!("{:?}", outputs);
                assert_eq!(shown(&once), shown(&twice));
            }
            (Err(once), Err(twice)) => {
                assert!(once.iter().all(|error| error.to_string().starts_with("error[MD170")), "{once:?}");
                assert_eq!(once, twice);
            }
            (once, twice) => panic!("{once:?} and then {twice:?}"),
        }
    }
});

/// What an input takes, where an axis of no fixed size has so many.
fn given(port: &Port, size: usize) -> Option<Tensor> {
    let dims = port.shape.as_ref().map_or(vec![size, size], |shape| {
        let dim = |dim: &Dimension| match dim {
            Dimension::Fixed(fixed) => *fixed,
            Dimension::Named(_) | Dimension::Any => size,
        };
        shape.iter().map(dim).collect()
    });
    let count = dims.iter().try_fold(1_usize, |count, &size| count.checked_mul(size)).filter(|&count| count <= MOST)?;
    let floats = [0.5, -1.25, 2.0, 0.0, f32::NAN, 1e30, -3.0].into_iter().cycle().take(count);
    let wholes = [0_i8, 1, 2, -1, 3].into_iter().cycle().take(count);
    match port.elem.unwrap_or(Elem::F32) {
        Elem::F32 => Tensor::new(dims, floats.collect::<Vec<f32>>()),
        Elem::F64 => Tensor::new(dims, floats.map(f64::from).collect::<Vec<f64>>()),
        Elem::I64 => Tensor::new(dims, wholes.map(i64::from).collect::<Vec<i64>>()),
        Elem::I32 => Tensor::new(dims, wholes.map(i32::from).collect::<Vec<i32>>()),
        Elem::I8 => Tensor::new(dims, wholes.collect::<Vec<i8>>()),
        Elem::U8 => Tensor::new(dims, wholes.map(i8::cast_unsigned).collect::<Vec<u8>>()),
        Elem::Bool => Tensor::new(dims, wholes.map(|whole| whole > 0).collect::<Vec<bool>>()),
        _ => return None,
    }
    .ok()
}
