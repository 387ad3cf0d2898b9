//! Tensors in the order in which the steps first read them: of a network, rows are put together later than they are looked up.

use super::Lowered;
use modeldeploy_format::program::{Bag, Part, Quantized, Step, TensorId, Weights};

/// Puts the tensors of a network in that order; what no step reads is left out.
pub(super) fn ordered(lowered: &mut Lowered) {
    let mut order: Vec<TensorId> = Vec::new();
    for step in &lowered.program.steps {
        for id in lowered.program.tensors(step) {
            if !order.contains(&id) {
                order.push(id);
            }
        }
    }
    let place = |id: &mut TensorId| {
        let at = order.iter().position(|other| other == id).expect("each tensor of a step is in the order");
        *id = TensorId(u32::try_from(at).expect("a program has under 2^32 tensors"));
    };
    lowered.program.steps.iter_mut().for_each(|step| tensors(step, &place));
    for part in &mut lowered.program.parts {
        if let Part::Bag(Bag { table, scales, offsets, .. }) = part {
            [Some(table), scales.as_mut(), offsets.as_mut()].into_iter().flatten().for_each(&place);
        }
    }
    lowered.tensors = order.iter().map(|id| lowered.tensors[id.0 as usize].clone()).collect();
}

/// Shows each tensor that a step names itself.
fn tensors(step: &mut Step, place: &impl Fn(&mut TensorId)) {
    match step {
        Step::Embed { lookups, .. } => {
            for lookup in lookups.iter_mut().flatten() {
                place(&mut lookup.table);
                lookup.scales.iter_mut().for_each(place);
                lookup.offsets.iter_mut().for_each(place);
            }
        }
        Step::LayerNorm { gamma, beta, quantized, .. } => {
            [gamma, beta].into_iter().for_each(place);
            if let Some(Quantized { gamma, beta, .. }) = quantized {
                [gamma, beta].into_iter().for_each(place);
            }
        }
        Step::Linear { weights, bias, .. } => {
            match weights {
                Weights::Float(weights) => place(weights),
                Weights::Int8 { codes, scales, sums } => [codes, scales, sums].into_iter().for_each(place),
            }
            bias.iter_mut().for_each(place);
        }
        Step::Attention { bias, .. } => bias.iter_mut().for_each(|bias| place(&mut bias.table)),
        Step::Affine { gamma, beta, .. } => [gamma, beta].into_iter().for_each(place),
        Step::Gru { weights, bias, .. } => [weights, bias].into_iter().for_each(place),
        Step::Lstm { weights, .. } => place(weights),
        Step::Add { .. }
        | Step::Quantize { .. }
        | Step::Pool { .. }
        | Step::Normalize { .. }
        | Step::Activate { .. }
        | Step::Softmax { .. }
        | Step::Concat { .. }
        | Step::Mul { .. }
        | Step::MaskedAttention { .. }
        | Step::Sum { .. }
        | Step::Max { .. }
        | Step::Dot { .. }
        | Step::Pairs { .. } => {}
    }
}
