//! The house rules: what a machine can hold about the repository, this file holds.
