//! Sets of categories as bits, and how much room all those of a file may take: a set is as long as its greatest member, whatever the
//! file has spent on it.

/// Words for all sets of a file together.
const MOST_WORDS: usize = 1 << 22;

/// What is left for the sets of a file.
pub(super) struct Room(usize);

impl Room {
    pub(super) fn new() -> Room {
        Room(MOST_WORDS)
    }

    fn take(&mut self, words: usize) -> Result<(), String> {
        self.0 = self.0.checked_sub(words).ok_or_else(|| {
            format!(
                "the sets of categories need more than {} bits together: number categories from 0 on",
                MOST_WORDS * 32
            )
        })?;
        Ok(())
    }

    /// The set of these categories.
    pub(super) fn set(&mut self, categories: impl Iterator<Item = u32>) -> Result<Box<[u32]>, String> {
        let mut words = vec![];
        for category in categories {
            let at = category as usize / 32;
            if at >= words.len() {
                self.take(at + 1 - words.len())?;
                words.resize(at + 1, 0);
            }
            words[at] |= 1 << (category % 32);
        }
        Ok(words.into())
    }

    /// A set that is bits already.
    pub(super) fn copy(&mut self, words: &[u32]) -> Result<Box<[u32]>, String> {
        self.take(words.len())?;
        Ok(words.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_bits_and_have_an_end() {
        let mut room = Room::new();
        assert_eq!(room.set([33, 0, 1].into_iter()).as_deref(), Ok(&[3, 2][..]));
        assert!(room.set([u32::MAX].into_iter()).is_err_and(|error| error.contains("number categories from 0")));
        let left = room.0;
        assert!(room.set([left as u32 * 32 - 1].into_iter()).is_ok() && room.copy(&[1]).is_err());
    }
}
