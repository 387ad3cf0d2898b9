//! A client of HTTP that takes every answer.

/// A client for which 4xx and 5xx are answers like others.
pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}
