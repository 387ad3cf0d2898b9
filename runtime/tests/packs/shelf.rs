//! A shelf's ranker: trees of a price and a brand, which one can walk by hand.

use modeldeploy::format::features::{Feature, Features, Rule, Side, Takes, Unknown};
use modeldeploy::format::forest::{Column, Link, Missing, Number, Parts, Tree, write};
use modeldeploy::format::golden::rows::GoldenRow;
use modeldeploy::format::pack::{Aligned, RankContents, write_ranker};
use modeldeploy::format::{Signature, Task};

/// Of two features: the price is asked whether it is above 10, the brand whether it is neither 0 nor 2.
fn forest(last: f64) -> Vec<u8> {
    let columns = vec![(0, Missing::Left, Column::Cuts(vec![10.0])), (1, Missing::Right, Column::In(vec![0b101]))];
    let trees = vec![
        Tree { output: 0, nodes: vec![[1, 0, 0, 1], [0, 0, 1, 2]], leaves: vec![0.5, 1.0, last] },
        Tree { output: 0, nodes: vec![[0, 0, 0, 1]], leaves: vec![0.25, -0.25] },
    ];
    write(&Parts {
        features: 2,
        inputs: Number::F64,
        sums: Number::F64,
        base: vec![0.0],
        linear: vec![],
        divisor: 1.0,
        link: Link::Identity,
        columns,
        trees,
    })
}

fn features() -> Features {
    let vocabulary = ["acme", "globex", "initech"].map(str::to_owned).to_vec();
    Features::new(vec![
        Feature {
            name: "price".into(),
            side: Side::Candidate,
            repeated: false,
            takes: Takes::Number,
            rule: Rule::Number { mean: 0.0, deviation: 1.0, default: f64::NAN },
        },
        Feature {
            name: "brand".into(),
            side: Side::Candidate,
            repeated: false,
            takes: Takes::Number,
            rule: Rule::Category { vocabulary, first: 0, unknown: Unknown::Refused },
        },
    ])
    .expect("features")
}

fn signature() -> Signature {
    Signature {
        task: Task::Rank,
        max_tokens: 1,
        outputs: 1,
        normalized: false,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: features().facts(),
    }
}

/// The pack; its golden row is said to have this score, which is 0.75.
pub(crate) fn pack(score: f64) -> Aligned {
    with_last(2.0, score)
}

/// The same with this in the place of the 2 that the first tree gives last.
pub(crate) fn with_last(last: f64, score: f64) -> Aligned {
    let (signature, features, forest) = (signature(), features(), forest(last));
    let goldens = [GoldenRow { row: vec![3.0, 0.0], scores: vec![score] }];
    write_ranker(&RankContents { signature: &signature, forest: &forest, features: &features, goldens: &goldens })
        .expect("a pack")
}
