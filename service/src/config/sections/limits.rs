//! What clients may take of a service at most: [`Limits`](crate::Limits), a row a field.

use crate::config::values::{self, bytes, count, duration, put};
use crate::config::{Config, Row, Section, Set};

pub(super) const SECTION: Section = Section {
    title: "Limits on what clients take",
    rows: &[
        Row {
            name: "max-connections",
            help: "connections at once; those over it wait until one ends",
            set: Set::Value("NUMBER", |config, text| put(&mut config.limits.connections, count(text))),
            show: |config| values::show_count(config.limits.connections),
        },
        Row {
            name: "max-connections-per-peer",
            help: "connections at once from one address; those over it are closed at once",
            set: Set::Value("NUMBER", |config, text| put(&mut config.limits.peer_connections, count(text))),
            show: |config| values::show_count(config.limits.peer_connections),
        },
        Row {
            name: "header-timeout",
            help: "from the begin of a connection, or from an answer, to the end of the next request's head; an idle connection is \
                   closed after it, too",
            set: Set::Value("TIME", |config, text| put(&mut config.limits.head, duration(text))),
            show: |config| values::show_duration(config.limits.head),
        },
        Row {
            name: "max-headers",
            help: "headers of a request; more are answered with 431",
            set: Set::Value("NUMBER", |config, text| put(&mut config.limits.headers, count(text))),
            show: |config| values::show_count(config.limits.headers),
        },
        Row {
            name: "max-header-bytes",
            help: "bytes of a request's head; a longer one is answered with 431; 8KiB at least",
            set: Set::Value("BYTES", |config, text| put(&mut config.limits.head_bytes, values::head_bytes(text))),
            show: |config| values::show_bytes(config.limits.head_bytes),
        },
        Row {
            name: "max-streams",
            help: "in HTTP/2: requests of a connection at once; those over it are told to try again",
            set: Set::Value("NUMBER", |config, text| put(&mut config.limits.streams, count(text))),
            show: |config| values::show_count(config.limits.streams),
        },
        Row {
            name: "ping",
            help: "in HTTP/2: how long a connection is silent before it is asked whether it is still there, and how long it may take \
                   to say so",
            set: Set::Value("TIME", |config, text| put(&mut config.limits.ping, duration(text))),
            show: |config| values::show_duration(config.limits.ping),
        },
        Row {
            name: "body-timeout",
            help: "from the end of a request's head to the end of its body; then the answer is 408",
            set: Set::Value("TIME", |config, text| put(&mut config.limits.body, duration(text))),
            show: |config| values::show_duration(config.limits.body),
        },
        Row {
            name: "max-body-bytes",
            help: "bytes of a request's body; a longer one is answered with 413",
            set: Set::Value("BYTES", |config, text| put(&mut config.limits.body_bytes, bytes(text))),
            show: |config| values::show_bytes(config.limits.body_bytes),
        },
        Row {
            name: "max-bodies-bytes",
            help: "bytes of the bodies of all requests together, from when they are read until they are answered; a request that goes \
                   over them is answered with 429",
            set: Set::Value("BYTES", |config, text| put(&mut config.limits.bodies_bytes, bytes(text))),
            show: |config| values::show_bytes(config.limits.bodies_bytes),
        },
        Row {
            name: "max-texts",
            help: "texts of a request to a model",
            set: Set::Value("NUMBER", |config, text| put(&mut config.limits.texts, count(text))),
            show: |config| values::show_count(config.limits.texts),
        },
        Row {
            name: "max-tokens",
            help: "tokens of a request to a model, all of its texts together",
            set: Set::Value("NUMBER", |config, text| put(&mut config.limits.tokens, count(text))),
            show: |config| values::show_count(config.limits.tokens),
        },
        Row {
            name: "max-candidates",
            help: "candidates of a request to a ranker",
            set: Set::Value("NUMBER", |config, text| put(&mut config.limits.candidates, count(text))),
            show: |config| values::show_count(config.limits.candidates),
        },
        Row {
            name: "deadline",
            help: "from a request to a model to its answer, where the client does not say by `x-request-timeout-ms` how long it waits",
            set: Set::Value("TIME", |config, text| put(&mut config.limits.deadline, duration(text))),
            show: |config| values::show_duration(config.limits.deadline),
        },
        Row {
            name: "write-timeout",
            help: "how long a client may take nothing of an answer that waits for it; then its connection is closed",
            set: Set::Value("TIME", |config, text| put(&mut config.limits.write, duration(text))),
            show: |config| values::show_duration(config.limits.write),
        },
        Row {
            name: "max-connection-age",
            help: "a connection's age; it is closed after the answer that is under way then",
            set: Set::Value("TIME", |config, text| put(&mut config.limits.age, duration(text))),
            show: |config| values::show_duration(config.limits.age),
        },
        Row {
            name: "grace",
            help: "what requests in flight may take to finish once their connection is of that age or the service is told to stop",
            set: Set::Value("TIME", |config, text| put(&mut config.limits.grace, values::pause(text))),
            show: |config| values::show_duration(config.limits.grace),
        },
    ],
};

/// What of them does not go together.
pub(super) fn check(config: &Config) -> Result<(), String> {
    let (one, all) = (config.limits.body_bytes, config.limits.bodies_bytes);
    if one > all {
        return Err(format!(
            "--max-body-bytes is {one}, and --max-bodies-bytes {all}: no such body would ever be read"
        ));
    }
    Ok(())
}
