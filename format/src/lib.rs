//! The contract between build time and run time: pack, program, signature, lock, digests.
