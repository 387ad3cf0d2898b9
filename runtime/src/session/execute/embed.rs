//! The rows of tables that tokens take.

use super::{Feed, Run, rows_mut};
use crate::kernels::{self, Lookup};
use crate::session::arena::Arena;
use crate::session::divide;
use crate::session::plan::Term;
use crate::session::team::Team;
use modeldeploy_format::program::{self, Index, SlotId};

impl Run<'_> {
    pub(super) fn embed(self, terms: [Option<Term<'_>>; 3], out: SlotId, arena: &mut Arena, team: &mut Team) {
        let Run { isa, layout, feed } = self;
        let out = layout.place(out);
        let ([y, scratch], _) = arena.split([out.values.clone(), layout.scratch()]);
        let mut scratch: &mut [u32] = bytemuck::cast_slice_mut(scratch);
        let mut lookups: [Option<Lookup<'_>>; 3] = [None; 3];
        for (lookup, term) in lookups.iter_mut().zip(terms.into_iter().flatten()) {
            let ids = match (term.index, feed) {
                (Index::TokenId, Feed::Texts(batch)) => batch.ids,
                (Index::TokenType, Feed::Texts(batch)) => batch.types,
                _ => {
                    let (positions, rest) = scratch.split_at_mut(out.rows);
                    scratch = rest;
                    place(term.index, feed, positions);
                    &*positions
                }
            };
            *lookup = Some(Lookup { table: term.table, ids });
        }
        let mut y = rows_mut(y, &out);
        let parts = divide::shares(out.rows, divide::parts(out.rows * out.width, team.members()));
        team.each(parts.map(|part| (y.take_rows(part.len()), part)), |(y, part)| {
            match lookups.map(|lookup| Some(Lookup { ids: &lookup?.ids[part.clone()], ..lookup? })) {
                [Some(a), Some(b), Some(c)] => kernels::embed(isa, &[a, b, c], out.width, y),
                [Some(a), Some(b), None] => kernels::embed(isa, &[a, b], out.width, y),
                [Some(a), ..] => kernels::embed(isa, &[a], out.width, y),
                [None, ..] => unreachable!("an embedding has a table: proved by parse"),
            }
        });
    }
}

/// The rows of a table that the tokens take, where they are not given as they are read.
fn place(index: Index, feed: &Feed<'_>, places: &mut [u32]) {
    let texts = feed.starts().windows(2).map(|ends| ends[0] as usize..ends[1] as usize);
    match (index, feed) {
        (Index::Position { offset }, _) => {
            texts.for_each(|text| places[text].iter_mut().zip(offset..).for_each(|(to, position)| *to = position));
        }
        (Index::FromEnd, _) => {
            texts.for_each(|text| places[text].iter_mut().rev().zip(0..).for_each(|(to, position)| *to = position));
        }
        (Index::Counted { padding }, Feed::Texts(batch)) => {
            for text in texts {
                let mut count = 0;
                for (to, &id) in places[text.clone()].iter_mut().zip(&batch.ids[text]) {
                    count += u32::from(id != padding);
                    *to = if id == padding { 0 } else { count };
                }
            }
        }
        (Index::Id { column }, Feed::Request(..)) => {
            let (given, each) = feed.with(program::Rows::Tokens);
            let ids = given.ids.chunks_exact(each.ids as usize);
            places.iter_mut().zip(ids).for_each(|(to, ids)| *to = ids[column as usize]);
        }
        _ => unreachable!("an index of another kind of program: proved by parse"),
    }
}
