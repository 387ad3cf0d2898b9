//! Traces: a span for each request and one for each part of it, sent to a collector by OTLP.
//!
//! With the feature `otlp`, and off until the standard variables ask for it; without the feature nothing of it is compiled.

#[cfg(feature = "otlp")]
mod export;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(feature = "otlp")]
mod settings;

#[cfg(not(feature = "otlp"))]
mod off;

#[cfg(not(feature = "otlp"))]
pub(crate) use off::{Span, Tracer};
#[cfg(feature = "otlp")]
pub(crate) use otlp::{Span, Tracer};
