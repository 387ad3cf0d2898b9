//! Runs that end before the answer: the answer follows from what they give, by arithmetic that stands here.

use super::packs::{self, Head, Precision};
use super::{CAPACITY, Text, session, texts};
use modeldeploy::format::Artifact;
use modeldeploy::isa::Isa;
use modeldeploy::session::{Batch, Options, RunError, Session, Stage, Threads};

/// The rows of texts at a stage, in one batch.
fn rows(session: &mut Session<'_>, stage: Stage, texts: &[&Text]) -> Result<Vec<f32>, RunError> {
    let ids: Vec<u32> = texts.iter().flat_map(|text| text.0.clone()).collect();
    let types: Vec<u32> = texts.iter().flat_map(|text| text.1.clone()).collect();
    let mut starts = vec![0];
    starts.extend(texts.iter().scan(0, |end, text| {
        *end += text.0.len() as u32;
        Some(*end)
    }));
    session.run_to(stage, &Batch { ids: &ids, types: &types, starts: &starts }).map(<[f32]>::to_vec)
}

fn near(got: impl Iterator<Item = f64>, expected: &[f32]) {
    let got: Vec<f64> = got.collect();
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - f64::from(*expected)).abs() < 2e-6, "{got} is not {expected}");
    }
}

#[test]
fn the_answer_follows_from_the_stages_before_it() {
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        let [embed, classify, score] =
            [Head::Embed, Head::Classify, Head::Score].map(|head| packs::build(precision, head, vec![]));
        let [mut embed, mut classify, mut score] =
            [&embed, &classify, &score].map(|built| session(built, Isa::detect()));
        for text in &texts(7, 20) {
            let of = |session: &mut Session<'_>, stage| rows(session, stage, &[text]).expect("rows");
            // The mean of the tokens' rows, and then unit length.
            let (output, tokens) = (of(&mut embed, Stage::Output), of(&mut embed, Stage::Tokens));
            let unscaled = of(&mut embed, Stage::Unscaled);
            assert_eq!(tokens.len(), text.0.len() * output.len());
            let column = |at: usize| tokens.iter().skip(at).step_by(output.len()).map(|value| f64::from(*value));
            near((0..output.len()).map(|at| column(at).sum::<f64>() / text.0.len() as f64), &unscaled);
            let length = unscaled.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
            near(unscaled.iter().map(|value| f64::from(*value) / length), &output);
            assert!((length - 1.0).abs() > 1e-3, "that is no test of it");

            let (output, raw) = (of(&mut classify, Stage::Output), of(&mut classify, Stage::Raw));
            let sum: f64 = raw.iter().map(|value| f64::from(*value).exp()).sum();
            near(raw.iter().map(|value| f64::from(*value).exp() / sum), &output);
            let (output, raw) = (of(&mut score, Stage::Output), of(&mut score, Stage::Raw));
            near(raw.iter().map(|value| 1.0 / (1.0 + (-f64::from(*value)).exp())), &output);
        }
    }
}

#[test]
fn a_stage_gives_the_same_bits_alone_and_in_any_batch_and_by_any_number_of_threads() {
    let built = packs::build(Precision::Int8, Head::Embed, vec![]);
    let artifact = Artifact::parse(&built.pack).expect("a pack");
    let mut one = session(&built, Isa::SCALAR);
    let options = Options { threads: Threads::for_test(2), ..Options::default() };
    let mut two = Session::with(&artifact, CAPACITY, options).expect("a session");
    let texts = texts(8, 6);
    let all: Vec<&Text> = texts.iter().collect();
    for stage in [Stage::Tokens, Stage::Unscaled] {
        let bits = |rows: Vec<f32>| rows.into_iter().map(f32::to_bits).collect::<Vec<u32>>();
        let alone: Vec<u32> = all.iter().flat_map(|text| bits(rows(&mut one, stage, &[text]).expect("rows"))).collect();
        assert_eq!(bits(rows(&mut two, stage, &all).expect("rows")), alone, "{stage:?}");
    }
    // What ran so far leaves nothing behind.
    let output = rows(&mut one, Stage::Output, &all).expect("rows");
    assert_eq!(rows(&mut session(&built, Isa::SCALAR), Stage::Output, &all), Ok(output));
}

#[test]
fn what_a_program_does_not_compute_is_an_error() {
    for (head, stage, words) in [
        (Head::Embed, Stage::Raw, "no sigmoid and no softmax"),
        (Head::Classify, Stage::Unscaled, "not of unit length"),
    ] {
        let built = packs::build(Precision::F32, head, vec![]);
        assert_eq!(stage.width(Artifact::parse(&built.pack).expect("a pack").program()), None);
        let error = rows(&mut session(&built, Isa::detect()), stage, &[&texts(9, 1)[0]]).expect_err(words);
        assert_eq!(error, RunError::Stage { stage });
        assert!(error.to_string().contains(words), "{error}");
    }
}
