//! Whether the environment asks for traces, by OpenTelemetry's standard variables, and whether what it asks for is here.
//!
//! Specification: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>. The other variables of it (headers,
//! time-outs, batches, limits, resource) are read where they are used, by the crates of OpenTelemetry.

/// Samplers that there are.
const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];

/// Whether traces are sent: where an endpoint is named, or the exporter `otlp`.
///
/// # Errors
///
/// A variable that asks for what is not here.
pub(super) fn are_wanted(env: impl Fn(&str) -> Option<String>) -> Result<bool, String> {
    let env = |name: &str| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let first = |names: &[&'static str]| names.iter().find_map(|&name| Some((name, env(name)?)));
    let exporter = env("OTEL_TRACES_EXPORTER");
    let endpoint = first(&ENDPOINTS);
    let is_off = env("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if is_off || exporter.as_deref() == Some("none") || (exporter.is_none() && endpoint.is_none()) {
        return Ok(false);
    }
    if let Some(exporter) = exporter.filter(|exporter| exporter != "otlp") {
        return Err(format!("OTEL_TRACES_EXPORTER is `{exporter}`, and there are `otlp` and `none`"));
    }
    if let Some((name, protocol)) = first(&PROTOCOLS).filter(|(_, protocol)| protocol != "http/protobuf") {
        return Err(format!(
            "{name} is `{protocol}`, and there is `http/protobuf` alone: collectors take it on port 4318"
        ));
    }
    if let Some((name, endpoint)) = endpoint.filter(|(_, endpoint)| !endpoint.starts_with("http://")) {
        return Err(format!(
            "{name} is `{endpoint}`, which does not begin with `http://`: traces are sent without TLS, to a collector beside the service"
        ));
    }
    if let Some(sampler) = env("OTEL_TRACES_SAMPLER").filter(|sampler| !SAMPLERS.contains(&sampler.as_str())) {
        return Err(format!("OTEL_TRACES_SAMPLER is `{sampler}`, which is none of {}", SAMPLERS.join(", ")));
    }
    let ratio = |value: &String| value.parse::<f64>().is_ok_and(|ratio| (0.0..=1.0).contains(&ratio));
    if let Some(value) = env("OTEL_TRACES_SAMPLER_ARG").filter(|value| !ratio(value)) {
        return Err(format!("OTEL_TRACES_SAMPLER_ARG is `{value}`, which is no number from 0 to 1"));
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

    fn wanted(env: &[(&str, &str)]) -> Result<bool, String> {
        are_wanted(|name| env.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn traces_are_off_until_they_are_asked_for() {
        for (env, expected) in [
            (&[][..], false),
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], false),
            (&[("OTEL_TRACES_SAMPLER", "always_on")], false),
            (&[ENDPOINT], true),
            (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:4318/v1/traces")], true),
            (&[("OTEL_TRACES_EXPORTER", "otlp")], true),
            (&[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none")], false),
            (&[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")], false),
            (&[ENDPOINT, ("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.25")], true),
            (&[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")], true),
        ] {
            assert_eq!(wanted(env), Ok(expected), "{env:?}");
        }
    }

    #[test]
    fn what_is_not_here_is_named() {
        for (name, value) in [
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://collector:4318"),
            ("OTEL_TRACES_SAMPLER", "xray"),
            ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
        ] {
            let error = wanted(&[ENDPOINT, (name, value)]).expect_err(name);
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
    }
}
