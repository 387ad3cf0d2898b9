//! ONNX Runtime from Rust, on the model of its own fused operators.
//!
//! `ORT_DYLIB_PATH` says where its library is.

use modeldeploy_peers::{Padded, serve};
use ort::inputs;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    serve("ONNX Runtime by ort 2.0.0-rc.15", |call| {
        let environment = ort::init().build()?;
        let mut session = Session::builder(&environment)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(call.threads)?
            .with_inter_threads(1)?
            .commit_from_file(call.folder.join(format!("fused-{}.onnx", call.precision)))?;
        Ok(move |batch: &Padded| {
            let narrow = |values: &[i64]| values.iter().map(|&value| value as i32).collect::<Vec<_>>();
            let (ids, mask) = (narrow(&batch.ids), narrow(&batch.mask));
            let types = vec![0; ids.len()];
            let tensor = |values| TensorRef::from_array_view((batch.shape(), values));
            let outputs = session.run(inputs![
                "input_ids" => tensor(&ids[..])?,
                "token_type_ids" => tensor(&types[..])?,
                "attention_mask" => tensor(&mask[..])?,
            ])?;
            let (_, rows) = outputs[0].try_extract_tensor::<f32>()?;
            Ok(rows.chunks_exact(rows.len() / batch.texts).map(<[f32]>::to_vec).collect())
        })
    })
}
