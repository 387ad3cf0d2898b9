//! Rows that are put together, part by part.

use super::{Run, columns};
use crate::kernels::{self, Beside, Rows};
use crate::session::arena::Arena;
use crate::session::execute::Feed;
use crate::session::plan::{Bag, From, Op, Piece, Plan};
use crate::session::team::Team;
use core::ops::Range;
use modeldeploy_format::program::SlotId;

impl Run<'_> {
    pub(super) fn concat(self, pieces: &[Piece<'_>], out: SlotId, arena: &mut Arena, team: &mut Team) {
        let Run { isa, layout, feed } = self;
        let out = layout.place(out);
        self.by_rows(&out, arena, team, |inputs, part, mut y| {
            for piece in pieces {
                let (to, width) = (y.take_columns(piece.width), piece.width);
                let of = piece.shared.then(|| self.owners(inputs));
                let rows = match piece.from {
                    From::View(view) => columns(inputs, layout, view),
                    From::Numbers(rows, column) => {
                        let (given, each) = feed.with(rows);
                        Rows { values: &given.numbers[column..], stride: each.numbers as usize }
                    }
                    From::Bag(ref bag) => {
                        let bag = self.bag(bag, of, part.clone());
                        kernels::bag(isa, bag, part.len(), width, to);
                        continue;
                    }
                    From::Mask(mask) => {
                        let (given, each) = feed.with(mask.of);
                        let (ids, stride) = (&given.ids[mask.column as usize..], each.ids as usize);
                        let (ids, of) = match of {
                            Some(of) => (ids, Some(&of[part.clone()])),
                            None => (&ids[part.start * stride..], None),
                        };
                        let numbers = [mask.equal, mask.other];
                        kernels::id_mask(kernels::Ids { ids, stride, of }, mask.id, numbers, part.len(), to);
                        continue;
                    }
                };
                let x = Beside { rows, of }.part(part.clone());
                kernels::concat(isa, x, part.len(), width, to);
            }
        });
    }

    /// A bag over some of its rows.
    fn bag<'b>(self, bag: &Bag<'b>, of: Option<&'b [u32]>, part: Range<usize>) -> kernels::Bag<'b>
    where
        Self: 'b,
    {
        let Bag { table, of: rows, column, count, mean } = *bag;
        let (given, each) = self.feed.with(rows);
        let stride = each.ids as usize;
        // One row of ids for each of its own, or one for several.
        let (first, of) = match of {
            Some(of) => (0, Some(&of[part])),
            None => (part.start * stride, None),
        };
        kernels::Bag { table, ids: &given.ids[first + column..], stride, count, mean, of }
    }

    /// Asks for the first rows of all tables, which then come while the steps before theirs are at work.
    pub(super) fn prefetch(self, plan: &Plan<'_>) {
        let Feed::Request(request, _) = self.feed else { return };
        let size = request.size();
        let pieces = plan.steps.iter().filter_map(|op| match op {
            Op::Concat { pieces, .. } => Some(pieces),
            _ => None,
        });
        for piece in pieces.flatten() {
            if let From::Bag(bag) = &piece.from {
                let rows = size.of(bag.of).min(kernels::AHEAD);
                self.isa.run(kernels::Ahead { bag: self.bag(bag, None, 0..rows), rows, width: piece.width });
            }
        }
    }
}
