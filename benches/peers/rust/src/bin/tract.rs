//! tract, with a plan for each shape that it meets, which is where it is fastest.

use modeldeploy_peers::{Padded, serve};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error;
use tract_onnx::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    serve("tract 0.23", |call| {
        // What a file says of its shapes, it says of all shapes: the plans know better.
        let onnx = onnx().with_ignore_output_shapes(true).with_ignore_value_info(true);
        let model = onnx.model_for_path(call.plain_onnx())?;
        let mut plans = HashMap::new();
        Ok(move |batch: &Padded| {
            let plan = match plans.entry(batch.shape()) {
                Entry::Occupied(plan) => plan.into_mut(),
                Entry::Vacant(plan) => {
                    let fact = || i64::fact(batch.shape());
                    let shaped = model.clone().with_input_fact(0, fact().into())?.with_input_fact(1, fact().into())?;
                    plan.insert(shaped.into_optimized()?.into_runnable()?)
                }
            };
            let tensor = |values| Ok::<_, TractError>(Tensor::from_shape(&batch.shape(), values)?.into_tvalue());
            let outputs = plan.run(tvec!(tensor(&batch.ids)?, tensor(&batch.mask)?))?;
            Ok(batch.pooled(outputs[0].try_as_plain_ram()?.as_slice::<f32>()?))
        })
    })
}
