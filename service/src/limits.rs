//! What a request may ask for at most.

/// The longest body of a request; a longer one is answered with 413 before it is read to its end.
pub const MAX_BODY_BYTES: usize = 1 << 20;
