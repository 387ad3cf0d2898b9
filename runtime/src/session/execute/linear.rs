//! Linear layers, and rows as codes.

use super::{Run, from_column, q8, q8_mut, rows, rows_mut};
use crate::isa::Isa;
use crate::kernels::{self, Epilogue, Operand, Q8RowsMut, Rows, RowsMut};
use crate::session::arena::{Arena, Inputs};
use crate::session::divide::{self, By, Part};
use crate::session::layout::Place;
use crate::session::plan::{self, Panels};
use crate::session::team::Team;
use modeldeploy_format::program::Activation;

/// A linear layer whose inputs are placed.
pub(super) struct Dense<'a> {
    pub(super) x: Place,
    pub(super) weights: Panels<'a>,
    pub(super) bias: Option<&'a [f32]>,
    pub(super) activation: Activation,
    pub(super) residual: Option<Operand<Place>>,
}

impl Dense<'_> {
    fn run(&self, isa: Isa, inputs: &Inputs<'_>, part: Part<'_>) {
        let Part { rows: part, columns, y } = part;
        let x = self.x.part(part.clone());
        let residual = self.residual.as_ref().map(|residual| match residual {
            Operand::InPlace => Operand::InPlace,
            Operand::Apart(place) => Operand::Apart(from_column(rows(inputs, &place.part(part)), columns.start)),
        });
        let bias = self.bias.map(|bias| &bias[columns.clone()]);
        let epilogue = Epilogue { bias, activation: self.activation, residual };
        match self.weights.columns(columns) {
            Panels::F32(w) => kernels::gemm_f32(isa, rows(inputs, &x), x.rows, w, epilogue, y),
            Panels::Bf16(w) => kernels::gemm_bf16(isa, rows(inputs, &x), x.rows, w, epilogue, y),
            Panels::Int8(w) => kernels::gemm_i8(isa, q8(inputs, &x), w, epilogue, y),
        }
    }
}

impl Run<'_> {
    pub(super) fn quantize(self, x: Rows<'_>, place: &Place, mut out: Q8RowsMut<'_>, team: &mut Team) {
        let parts = divide::shares(place.rows, divide::parts(place.rows * place.width, team.members()));
        team.each(parts.map(|part| (out.take_rows(part.len()), part)), |(out, part)| {
            let x = Rows { values: &x.values[part.start * x.stride..], stride: x.stride };
            kernels::quantize_rows(self.isa, x, place.width, out);
        });
    }

    pub(super) fn linear(self, dense: &Dense<'_>, out: &Place, arena: &mut Arena, team: &mut Team) {
        let Run { isa, layout, .. } = self;
        let (rows, n) = (out.rows, out.width);
        let by = By::of(rows, dense.weights.size(), team.members());
        if out.is_f32() {
            let ([y], inputs) = arena.split([out.values.clone()]);
            team.each(by.parts(rows, n, rows_mut(y, out)), |part| dense.run(isa, &inputs, part));
            return;
        }
        let ([codes, params, scratch], inputs) =
            arena.split([out.values.clone(), out.scales.clone(), layout.scratch()]);
        let mut codes = q8_mut(codes, params, out);
        let By::Rows(parts) = by else {
            // So few rows that the scratch of all members holds them.
            let y: &mut [f32] = bytemuck::cast_slice_mut(scratch);
            team.each(by.parts(rows, n, RowsMut::new(y, n)), |part| dense.run(isa, &inputs, part));
            self.quantize(Rows { values: y, stride: n }, out, codes, team);
            return;
        };
        let parts = divide::shares(rows, parts)
            .zip(scratch.chunks_exact_mut(layout.scratch_each()))
            .map(|(part, scratch)| (codes.take_rows(part.len()), part, scratch));
        team.each(parts, |(mut codes, part, scratch)| {
            let scratch: &mut [f32] = bytemuck::cast_slice_mut(scratch);
            for first in part.clone().step_by(plan::QUANTIZED_TOGETHER) {
                let rows = first..part.end.min(first + plan::QUANTIZED_TOGETHER);
                let codes = codes.take_rows(rows.len());
                dense.run(isa, &inputs, Part { rows, columns: 0..n, y: RowsMut::new(scratch, n) });
                kernels::quantize_rows(isa, Rows { values: scratch, stride: n }, n, codes);
            }
        });
    }
}
