//! NeuMF (He et al. 2017), trained on MovieLens-1M: the figures of its authors' protocol, leave one out among 99 that a user never saw.

use crate::{read, shared};
use modeldeploy_compiler::onnx::{Model, Tensor};
use std::fs;

const BEST: usize = 10;

/// How well each user's own item ranks among the others: whether it is among the ten best, and its gain there.
fn scored(model: &Model, user: i64, items: &[i64]) -> (f64, f64) {
    let id = |id: i64| Tensor::new([1, 1], vec![id]).expect("one number");
    let score = |&item: &i64| {
        let outputs = model.run(&[("user_input_0", id(user)), ("item_input_0", id(item))]).expect("a score");
        outputs[0].as_f32().expect("an f32")[0]
    };
    let scores: Vec<f32> = items.iter().map(score).collect();
    // The user's own stands last; of equal scores the others go before it.
    let own = *scores.last().expect("the user's own");
    let rank = scores[..scores.len() - 1].iter().filter(|&&score| score >= own).count();
    if rank < BEST { (1.0, std::f64::consts::LN_2 / ((rank + 2) as f64).ln()) } else { (0.0, 0.0) }
}

#[test]
fn recommendations_are_as_good_as_their_authors_say() {
    let (Some(model), Some(data)) = (shared("models/ncf"), shared("recsys/ncf-ml1m")) else { return };
    let bytes = fs::read(model.join("ncf.onnx")).expect("the model");
    let model = read("ncf.onnx", bytes).unwrap_or_else(|errors| panic!("{errors:?}"));
    assert_eq!(model.opset(), 7);
    let text = fs::read_to_string(data.join("ml-1m.test.negative")).expect("the items");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 6040);
    let of = |line: &&str| {
        let mut fields = line.split('\t');
        let pair = fields.next().and_then(|pair| pair.strip_prefix('(')?.strip_suffix(')')?.split_once(','));
        let (user, own) = pair.expect("a user and an item");
        let others = fields.map(|item| item.parse().expect("an item"));
        let items: Vec<i64> = others.chain([own.parse().expect("an item")]).collect();
        assert_eq!(items.len(), 100);
        scored(&model, user.parse().expect("a user"), &items)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let parts = std::thread::scope(|scope| {
        let workers: Vec<_> = lines
            .chunks(lines.len().div_ceil(threads))
            .map(|part| {
                scope.spawn(move || part.iter().map(of).fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1)))
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("a part")).collect::<Vec<_>>()
    });
    let mean = |part: fn(&(f64, f64)) -> f64| parts.iter().map(part).sum::<f64>() / lines.len() as f64;
    let (hits, gain) = (mean(|part| part.0), mean(|part| part.1));
    assert_eq!(format!("{hits:.4} {gain:.4}"), "0.5944 0.3359");
}

#[test]
fn an_item_past_the_table_is_an_error_that_names_it() {
    let Some(folder) = shared("models/ncf") else { return };
    let model = read("ncf.onnx", fs::read(folder.join("ncf.onnx")).expect("the model")).expect("a model");
    let id = |id: i64| Tensor::new([1, 1], vec![id]).expect("one number");
    for (user, item, wrong) in
        [(0, 3706, "the index 3706 is not in an axis of 3706"), (6040, 0, "6040"), (0, i64::MAX, "the index")]
    {
        let errors = model.run(&[("user_input_0", id(user)), ("item_input_0", id(item))]).expect_err("no such row");
        let error = errors[0].to_string();
        assert!(error.starts_with("error[MD1706]") && error.contains(wrong) && error.contains("Gather"), "{error}");
    }
}
