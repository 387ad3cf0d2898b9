//! A model service over sessions: REST, health, metrics.
