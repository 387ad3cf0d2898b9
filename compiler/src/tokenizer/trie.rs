//! Makes the units of a double-array trie ([`modeldeploy_format::tokenizer::Trie`]) from its keys.
//!
//! Blocks of 512 are filled one after the other; only the last few stay open, so that the time is linear in the keys.

use std::collections::HashSet;

use modeldeploy_format::tokenizer::trie::{BLOCK, MOST_UNITS, node_unit, value_unit};

/// Blocks in which a place is looked for.
const OPEN_BLOCKS: usize = 16;

/// A block with fewer free units than this is no longer looked at.
const NEARLY_FULL: usize = 24;

/// The units of a trie from key to value, or `None` where they are more than a unit can address. Empty keys are left out, and of equal
/// keys the last counts.
pub(super) fn build<'k>(keys: impl IntoIterator<Item = (&'k [u8], u32)>) -> Option<Vec<u32>> {
    let mut keys: Vec<(&[u8], u32)> = keys.into_iter().filter(|(key, _)| !key.is_empty()).collect();
    keys.sort_by_key(|&(key, _)| key);
    keys.reverse();
    keys.dedup_by_key(|&mut (key, _)| key);
    keys.reverse();
    let mut builder =
        Builder { units: vec![0; BLOCK], taken: vec![false; BLOCK], bases: HashSet::from([0]), open: vec![(0, BLOCK)] };
    builder.taken[0] = true;
    // The root lies at 0 and its children at base 0, where no value can be, since no key is empty.
    let mut queue = vec![(0_usize, keys.as_slice(), 0_usize)];
    let mut is_root = true;
    while let Some((at, keys, depth)) = queue.pop() {
        let (value, keys) = match keys {
            [(key, value), rest @ ..] if key.len() == depth => (Some(*value), rest),
            keys => (None, keys),
        };
        let groups: Vec<&[(&[u8], u32)]> = keys.chunk_by(|(a, _), (b, _)| a[depth] == b[depth]).collect();
        let labels: Vec<usize> =
            value.iter().map(|_| 0).chain(groups.iter().map(|group| label(group, depth))).collect();
        let base = if std::mem::take(&mut is_root) { builder.claim(0, &labels) } else { builder.place(&labels)? };
        builder.units[at] = node_unit(builder.units[at], value.is_some(), base as u32);
        if let Some(value) = value {
            builder.units[base] = value_unit(value);
        }
        for group in groups {
            let label = label(group, depth);
            builder.units[base ^ label] = label as u32;
            queue.push((base ^ label, group, depth + 1));
        }
    }
    Some(builder.units)
}

/// The label of the byte at `depth` in the keys of `group`.
fn label(group: &[(&[u8], u32)], depth: usize) -> usize {
    usize::from(group[0].0[depth]) + 1
}

struct Builder {
    units: Vec<u32>,
    taken: Vec<bool>,
    bases: HashSet<usize>,
    /// Where the blocks begin that still have room, and how much.
    open: Vec<(usize, usize)>,
}

impl Builder {
    /// Finds a base at which all `labels` are free, and takes them.
    fn place(&mut self, labels: &[usize]) -> Option<usize> {
        let Some(&first) = labels.first() else { return Some(0) };
        let fits = |base: usize| !self.bases.contains(&base) && labels.iter().all(|label| !self.taken[base ^ label]);
        let found = self.open.iter().find_map(|&(block, _)| {
            (block..block + BLOCK).filter(|&slot| !self.taken[slot]).map(|slot| slot ^ first).find(|&base| fits(base))
        });
        let base = match found {
            Some(base) => base,
            None => {
                let block = self.units.len();
                if block + BLOCK > MOST_UNITS {
                    return None;
                }
                self.units.resize(block + BLOCK, 0);
                self.taken.resize(block + BLOCK, false);
                self.open.push((block, BLOCK));
                if self.open.len() > OPEN_BLOCKS {
                    self.open.remove(0);
                }
                block
            }
        };
        Some(self.claim(base, labels))
    }

    fn claim(&mut self, base: usize, labels: &[usize]) -> usize {
        self.bases.insert(base);
        for label in labels {
            self.taken[base ^ label] = true;
        }
        if let Some(at) = self.open.iter().position(|&(block, _)| block == base & !(BLOCK - 1)) {
            self.open[at].1 -= labels.len();
            if self.open[at].1 < NEARLY_FULL {
                self.open.remove(at);
            }
        }
        base
    }
}
