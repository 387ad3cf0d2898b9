//! Any bytes as an ONNX model, as external data of one and as a tensor, and what is a model as a recommender: errors, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy_compiler::front::onnx::ranker::{Role, Sessions, inputs, network};
use modeldeploy_compiler::onnx::{read, read_tensor};
use modeldeploy_format::features::Side;
use std::sync::Arc;

fuzz_target!(|bytes: &[u8]| {
    let model = read("model.onnx", bytes.to_vec(), &mut |name| match name {
        "w" => Ok(Arc::new(bytes.to_vec())),
        _ => Err("it is not there".to_owned()),
    });
    let errors = match model {
        Err(errors) => errors,
        Ok(model) => {
            // Of what each input is known is drawn from its place.
            let side = |at: usize| Side::ALL[(at + bytes.len()) % 3];
            let roles = inputs(&model).into_iter().enumerate().map(|(at, it)| Role { input: it.name, side: side(at) });
            let facts = inputs(&model).into_iter().find_map(|it| it.items);
            // Sessions of one length are as long as the file has them.
            let sessions = facts.filter(|&items| items <= 12).map(|most| Sessions { most, filled: true });
            let sessions = sessions.unwrap_or(Sessions::up_to(8));
            network(&model, "model.onnx", &roles.collect::<Vec<_>>(), sessions).err().unwrap_or_default()
        }
    };
    let errors: Vec<String> = errors.iter().chain(&read_tensor("tensor.pb", bytes).err()).map(ToString::to_string).collect();
    assert!(errors.iter().all(|error| error.starts_with("error[MD")), "{errors:?}");
});
