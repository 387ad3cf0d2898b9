//! A model service over sessions: REST, health, metrics.

#![forbid(unsafe_code)]
