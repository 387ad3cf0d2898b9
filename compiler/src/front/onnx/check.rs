//! That an encoder computes what its file does: both are run on short texts, drawn from a fixed seed.

use super::MASK;
use crate::diagnostic::Diagnostic;
use crate::front::codes;
use crate::front::config::Config;
use crate::graph::Graph;
use crate::onnx::{Model, Tensor};
use crate::reference::Reference;

/// How far a number may be from the file's, relative to the greatest of its text.
const TOLERANCE: f32 = 1e-3;

/// Numbers nearer to 0 than this are held as if they were this large.
const LEAST: f32 = 0.1;

/// Tokens of the texts.
const LENGTHS: [usize; 3] = [1, 4, 7];

/// Holds the graph against the output `output` of the file, for texts of up to `longest` tokens.
///
/// # Errors
///
/// `MD0117` if they differ, and what the interpreter or the reference says.
pub(super) fn check(
    model: &Model,
    place: &str,
    config: &Config,
    graph: &Graph,
    (output, longest): (&str, usize),
) -> Result<(), Vec<Diagnostic>> {
    let wrong = |message: String, help: &str| vec![Diagnostic::new(codes::OTHER_SCORES, message).at(place).help(help)];
    let reference = Reference::new(graph)?;
    let at = model.outputs().iter().position(|port| port.name == output).expect("it was chosen among them");
    let mut state = 6_u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize % below.max(1)) as u32
    };
    for length in LENGTHS.into_iter().filter(|&length| length <= longest) {
        let ids: Vec<u32> = (0..length).map(|_| draw(config.size.vocabulary)).collect();
        let types: Vec<u32> = (0..length).map(|_| draw(config.size.types)).collect();
        let whole =
            |numbers: &[u32]| Tensor::new([1, length], numbers.iter().map(|&it| i64::from(it)).collect::<Vec<_>>());
        let given = model.inputs().iter().map(|port| {
            let numbers = match &*port.name {
                MASK => whole(&vec![1; length]),
                "token_type_ids" => whole(&types),
                _ => whole(&ids),
            };
            Ok((&*port.name, numbers.map_err(|error| wrong(error.to_string(), ""))?))
        });
        let given = given.collect::<Result<Vec<_>, Vec<Diagnostic>>>()?;
        let outputs = model.run(&given)?;
        let want = outputs[at]
            .as_f32()
            .ok_or_else(|| wrong(format!("the output `{output}` is not f32"), "export the model in f32"))?;
        let got = reference.run(&ids, &types).map_err(|error| vec![error])?;
        let greatest = want.iter().filter(|it| it.is_finite()).fold(LEAST, |most, it| most.max(it.abs()));
        let alike = |got: f32, want: f32| {
            got == want || (got.is_nan() && want.is_nan()) || (got - want).abs() <= TOLERANCE * greatest
        };
        let tokens = if length == 1 { "1 token".to_owned() } else { format!("{length} tokens") };
        let other = got.iter().zip(want.iter()).position(|(&got, &want)| !alike(got, want));
        let message = match other {
            _ if got.len() != want.len() => {
                format!("for a text of {tokens} the graph gives {} numbers, and the file {}", got.len(), want.len())
            }
            Some(at) => format!(
                "for a text of {tokens} the graph gives {} as its number {at}, and the file {}",
                got[at], want[at]
            ),
            None => continue,
        };
        return Err(wrong(message, "this is a fault of the import, not of the model: please report it with the file"));
    }
    Ok(())
}
