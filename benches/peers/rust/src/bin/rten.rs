//! rten, with its weights prepacked.

use modeldeploy_peers::{Padded, serve};
use rten::{ModelOptions, RunOptions, ThreadPool};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};
use std::error::Error;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    serve("rten 0.27", |call| {
        let model = ModelOptions::with_all_ops().prepack_weights(true).load_file(call.plain_onnx())?;
        let (ids, mask) = (model.node_id("input_ids")?, model.node_id("attention_mask")?);
        let output = model.node_id("last_hidden_state")?;
        let pool = Arc::new(ThreadPool::with_num_threads(call.threads));
        Ok(move |batch: &Padded| {
            let tensor = |values: &[i64]| {
                NdTensor::from_data(batch.shape(), values.iter().map(|&value| value as i32).collect::<Vec<_>>())
            };
            let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
            let inputs = vec![(ids, tensor(&batch.ids).into()), (mask, tensor(&batch.mask).into())];
            let [hidden] = model.run_n(inputs, [output], Some(options))?;
            let hidden: Tensor<f32> = hidden.try_into().map_err(|_| "the output is not f32")?;
            Ok(batch.pooled(&hidden.to_vec()))
        })
    })
}
