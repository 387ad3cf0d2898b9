//! The opsets that a model or a function states: one a domain, and ONNX's own among those that are read.

use super::codes;
use super::constant::Failure;
use super::ops::{NEWEST, OLDEST};
use super::read::{domain, shown};
use super::wire::OperatorSetIdProto;
use std::collections::HashMap;

/// The opset of each domain.
pub(super) type Opsets = HashMap<String, i64>;

/// Those of `what`, as errors name it.
pub(super) fn read(imports: &[OperatorSetIdProto], what: &str) -> Result<Opsets, Failure> {
    let mut opsets = Opsets::new();
    for import in imports {
        let (domain, version) = (domain(import.domain()), import.version());
        if opsets.insert(domain.to_owned(), version).is_some() {
            let message = format!("{what} states the opset of the domain `{}` twice", shown(domain));
            return Err(Failure { code: codes::BAD_GRAPH, message });
        }
    }
    match opsets.get("") {
        Some(opset) if !(OLDEST..=NEWEST).contains(opset) => {
            let message = format!("{what} is of opset {opset}; {OLDEST} to {NEWEST} are read");
            Err(Failure { code: codes::UNKNOWN_OPSET, message })
        }
        _ => Ok(opsets),
    }
}
