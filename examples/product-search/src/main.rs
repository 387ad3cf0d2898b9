//! A shop's semantic search.

fn main() {}
