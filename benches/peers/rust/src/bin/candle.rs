//! candle's BERT, in f32.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use modeldeploy_peers::{Padded, serve};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    serve("candle 0.11", |call| {
        if call.precision != "f32" {
            return Err("candle's BERT is measured in f32".into());
        }
        let config: Config = serde_json::from_slice(&std::fs::read(call.folder.join("model/config.json"))?)?;
        let weights = std::fs::read(call.folder.join("model/model.safetensors"))?;
        let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
        let model = BertModel::load(weights, &config)?;
        Ok(move |batch: &Padded| {
            let ids = Tensor::from_slice(&batch.ids, &batch.shape(), &Device::Cpu)?;
            let mask = Tensor::from_slice(&batch.mask, &batch.shape(), &Device::Cpu)?;
            let hidden = model.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
            Ok(batch.pooled(&hidden.flatten_all()?.to_vec1::<f32>()?))
        })
    })
}
