//! Makes the units of a double-array trie ([`modeldeploy_format::tokenizer::Trie`]) from its keys.
//!
//! A node goes to the first block of 512 units in which its children fit.

use modeldeploy_format::tokenizer::trie::{BLOCK, MOST_UNITS, node_unit, value_unit};

/// A block is closed when so many nodes have found no room in it, so that the time is linear in the nodes.
const MOST_MISSES: usize = 48;

/// The units of a trie from key to value, or `None` where they are more than a unit can address. Empty keys are left out, and of equal
/// keys the last counts.
pub(super) fn build<'k>(keys: impl IntoIterator<Item = (&'k [u8], u32)>) -> Option<Vec<u32>> {
    let mut keys: Vec<(&[u8], u32)> = keys.into_iter().filter(|(key, _)| !key.is_empty()).collect();
    keys.sort_by_key(|&(key, _)| key);
    keys.reverse();
    keys.dedup_by_key(|&mut (key, _)| key);
    keys.reverse();
    let mut builder = Builder::new();
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
    /// Which units are in use.
    taken: Vec<bool>,
    /// Which bases are.
    bases: Vec<bool>,
    open: Vec<Open>,
}

/// A block that still has room.
struct Open {
    start: usize,
    misses: usize,
}

impl Builder {
    fn new() -> Self {
        let mut builder = Self { units: Vec::new(), taken: Vec::new(), bases: Vec::new(), open: Vec::new() };
        builder.add_block();
        builder.taken[0] = true;
        builder
    }

    fn add_block(&mut self) -> usize {
        let start = self.units.len();
        self.units.resize(start + BLOCK, 0);
        self.taken.resize(start + BLOCK, false);
        self.bases.resize(start + BLOCK, false);
        self.open.push(Open { start, misses: 0 });
        start
    }

    /// Finds a base at which all `labels` are free, and takes them.
    fn place(&mut self, labels: &[usize]) -> Option<usize> {
        let (taken, bases) = (&self.taken, &self.bases);
        let fits = |base: &usize| !bases[*base] && labels.iter().all(|label| !taken[base ^ label]);
        let found = self.open.iter_mut().find_map(|block| {
            let slots = (block.start..block.start + BLOCK).filter(|&slot| !taken[slot]);
            let base = slots.map(|slot| slot ^ labels[0]).find(fits);
            block.misses += usize::from(base.is_none());
            base
        });
        self.open.retain(|block| block.misses < MOST_MISSES);
        let base = match found {
            Some(base) => base,
            None if self.units.len() + BLOCK > MOST_UNITS => return None,
            None => self.add_block(),
        };
        Some(self.claim(base, labels))
    }

    fn claim(&mut self, base: usize, labels: &[usize]) -> usize {
        self.bases[base] = true;
        for label in labels {
            self.taken[base ^ label] = true;
        }
        base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trie_is_filled_well_and_quickly() {
        let keys: Vec<String> =
            (0..50_000_u64).map(|i| format!("{:x}", i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20)).collect();
        let units = build(keys.iter().map(String::as_bytes).zip(0..)).expect("the trie is small");
        let used = units.iter().filter(|&&unit| unit != 0).count();
        assert!(used * 10 > units.len() * 9, "{used} of {} units are used", units.len());
    }

    #[test]
    fn of_equal_keys_the_last_counts() {
        let twice = build([(&b"ab"[..], 1), (b"", 7), (b"ab", 2)]).expect("the trie is small");
        assert_eq!(twice, build([(&b"ab"[..], 2)]).expect("the trie is small"));
    }
}
