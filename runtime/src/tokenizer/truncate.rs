//! How many tokens of each text are kept.

use std::fmt;

use modeldeploy_format::tokenizer::{Strategy, Truncation};

/// Why a text cannot be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// A text of 4 GiB or more.
    TextTooLong,
    /// The limit is below the number of special tokens.
    NoRoom {
        /// The limit.
        max_len: u32,
        /// The special tokens that there must be.
        special: usize,
    },
    /// The second text is to be cut and there is none.
    NoSecond,
    /// The text that is to be cut has not as many tokens as must go.
    TooShort,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TextTooLong => f.write_str("the text is 4 GiB or longer"),
            Self::NoRoom { max_len, special } => {
                write!(f, "a limit of {max_len} tokens leaves no room: the special tokens alone are {special}")
            }
            Self::NoSecond => f.write_str("only the second text may be truncated, and there is none"),
            Self::TooShort => f.write_str("the text that may be truncated is shorter than what must go"),
        }
    }
}

impl std::error::Error for EncodeError {}

/// The tokens kept of texts of `first` and `second` tokens, with `special` ones around them.
pub(super) fn kept(
    first: usize,
    second: Option<usize>,
    special: usize,
    truncation: Truncation,
) -> Result<(usize, usize), EncodeError> {
    let max_len = truncation.max_len as usize;
    let room = max_len.checked_sub(special).ok_or(EncodeError::NoRoom { max_len: truncation.max_len, special })?;
    let other = second.unwrap_or(0);
    let excess = (first + other).saturating_sub(room);
    if excess == 0 {
        return Ok((first, other));
    }
    if room == 0 {
        return Ok((0, 0));
    }
    let cut = |len: usize| if len > excess { Ok(len - excess) } else { Err(EncodeError::TooShort) };
    match (truncation.strategy, second) {
        (Strategy::LongestFirst, None) => Ok((room, 0)),
        (Strategy::LongestFirst, Some(second)) => {
            let (short, long) = (first.min(second), first.max(second));
            let kept = if 2 * short <= room { (short, room - short) } else { (room / 2, room - room / 2) };
            debug_assert!(kept.1 <= long, "the longer one is cut");
            Ok(if first > second { (kept.1, kept.0) } else { kept })
        }
        (Strategy::OnlyFirst, _) => Ok((cut(first)?, other)),
        (Strategy::OnlySecond, None) => Err(EncodeError::NoSecond),
        (Strategy::OnlySecond, Some(second)) => Ok((first, cut(second)?)),
    }
}
