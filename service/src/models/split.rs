//! Which version answers a request that asks for none: by a key, or by turns.
//!
//! Every request is a point between 0 and 1; each version with a share has as long a piece of that line, in the order newest first,
//! and the stable one the rest.
//!
//! - With a key the point is the first 64 bits, big-endian, of `sha256(name ‖ 0 ‖ key)`: a key stays with its version on every machine
//!   and after every start. When the share of the first version grows, the keys that it had stay with it; and the keys that try one model
//!   are not those that try another.
//! - Without one, points follow each other at the golden ratio: after n requests no version is more than a few from its share of n, and
//!   no rhythm of the requests falls in with theirs.

use super::Share;
use modeldeploy::format::Digest;
use std::sync::atomic::{AtomicU64, Ordering};

/// How the requests of a name are divided.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// Where each piece ends, in millionths, and whose it is.
    pieces: Vec<(u32, usize)>,
    /// Whose the rest is.
    rest: usize,
    turns: AtomicU64,
}

/// 2^64 by the golden ratio, odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Split {
    /// Shares by place, and the place of the one that has the rest. They must not be more than all.
    pub(super) fn new(shares: impl IntoIterator<Item = (usize, Share)>, rest: usize) -> Split {
        let mut end = 0;
        let pieces = shares.into_iter().filter(|(_, share)| *share > Share::NONE).map(|(place, share)| {
            end += share.millionths();
            (end, place)
        });
        Split { pieces: pieces.collect(), rest, turns: AtomicU64::new(0) }
    }

    /// The one that has the rest.
    pub(super) fn rest(&self) -> usize {
        self.rest
    }

    /// Who answers the next request for the model `name`.
    pub(super) fn next(&self, name: &str, key: Option<&[u8]>) -> usize {
        if self.pieces.is_empty() {
            return self.rest;
        }
        self.at(match key {
            Some(key) => of_key(name, key),
            None => self.turns.fetch_add(1, Ordering::Relaxed).wrapping_mul(GOLDEN),
        })
    }

    fn at(&self, point: u64) -> usize {
        let millionths = ((u128::from(point) * u128::from(Share::ALL.millionths())) >> 64) as u32;
        self.pieces.iter().find(|(end, _)| millionths < *end).map_or(self.rest, |(_, place)| *place)
    }
}

fn of_key(name: &str, key: &[u8]) -> u64 {
    let digest = Digest::of(&[name.as_bytes(), b"\0", key].concat());
    u64::from_be_bytes(digest.as_bytes()[..8].try_into().expect("eight of 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(percents: &[f64]) -> Split {
        Split::new(
            percents.iter().map(|&percent| Share::percent(percent)).enumerate().map(|(at, share)| (at + 1, share)),
            0,
        )
    }

    #[test]
    fn by_turns_every_share_is_kept_from_the_first_requests_on() {
        for percents in [&[5.0][..], &[50.0], &[0.1], &[99.9], &[100.0], &[10.0, 20.0, 0.5], &[33.3333, 66.6667]] {
            let (split, mut counts) = (split(percents), vec![0u32; percents.len() + 1]);
            for n in 1..=100_000 {
                counts[split.next("m", None)] += 1;
                for (percent, count) in percents.iter().zip(&counts[1..]) {
                    let expected = f64::from(n) * percent / 100.0;
                    assert!((expected - f64::from(*count)).abs() < 4.0, "{percent}% of {n} is not {count}");
                }
            }
        }
    }

    #[test]
    fn no_rhythm_of_the_requests_falls_in_with_the_turns() {
        // Requests of one kind are every twentieth, and every twentieth is the canary's: yet it is not those.
        let split = split(&[5.0]);
        let hits = (0..20_000).filter(|n| split.next("m", None) == 1 && n % 20 == 0).count();
        assert!((40..=60).contains(&hits), "{hits} of 1000");
    }

    #[test]
    fn a_key_is_a_point_that_anybody_can_compute() {
        // The first sixteen digits of: printf 'm\0user-1' | sha256sum
        for (name, key, point) in
            [("m", "user-1", 0x71ae_616f_0e02_32b2_u64), ("query-encoder", "user-1", 0xaddd_1922_49c4_f0c4)]
        {
            assert_eq!(of_key(name, key.as_bytes()), point, "{name} {key}");
        }
    }

    #[test]
    fn a_key_stays_with_its_version_while_the_share_grows() {
        let (few, more) = (split(&[5.0]), split(&[20.0]));
        let keys: Vec<String> = (0..20_000).map(|user| format!("user-{user}")).collect();
        let of = |split: &Split| keys.iter().filter(|key| split.next("m", Some(key.as_bytes())) == 1).count();
        for key in &keys {
            let key = Some(key.as_bytes());
            let first = few.next("m", key);
            assert_eq!(few.next("m", key), first);
            assert!(first == 0 || more.next("m", key) == 1);
        }
        // Of 20,000 even draws, six times the standard deviation.
        assert!(of(&few).abs_diff(1_000) < 190 && of(&more).abs_diff(4_000) < 340, "{} {}", of(&few), of(&more));
    }

    #[test]
    fn who_has_no_share_is_never_chosen() {
        let split = split(&[0.0]);
        assert!((0..1000).all(|_| split.next("m", None) == 0));
        assert_eq!((split.next("m", Some(b"k")), split.rest()), (0, 0));
    }
}
