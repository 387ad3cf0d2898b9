//! What settings must be, each alone and all together.

use super::{By, Settings};
use crate::names::{is_key, is_label, is_label_value, is_service, is_subdomain};
use crate::options;
use crate::problem::{Kind, Problem};

/// The most replicas, a bound for slips: a cluster of Kubernetes has fewer pods in all than that many.
const MOST_REPLICAS: u32 = 10_000;
/// The most cores of a replica.
const MOST_CORES: u16 = 1024;
/// A day.
const LONGEST: u64 = 86_400;
/// Prefixes of labels and annotations that are set here.
const OURS: [&str; 2] = ["app.kubernetes.io/", "modeldeploy/"];

/// Everything that is wrong with settings, whatever they are for. `name` is what the objects are called.
pub fn check(settings: &Settings, name: &str) -> Vec<Problem> {
    let mut wrong = vec![];
    names(settings, name, &mut wrong);
    numbers(settings, &mut wrong);
    access(settings, &mut wrong);
    canary(settings, &mut wrong);
    for name in settings.env.keys().filter(|name| !is_variable(name)) {
        let message = format!("{name:?} is no variable that is set here");
        wrong.push(Problem::new(Kind::Name, message).at("env").help(
            "capital letters, digits and `_`, such as OTEL_EXPORTER_OTLP_ENDPOINT; those of the service's options stand in `[options]`",
        ));
    }
    for (name, value) in settings.env.iter().filter(|(_, value)| value.contains(char::is_control)) {
        let message = format!("{value:?} is no text on one line");
        wrong.push(Problem::new(Kind::Settings, message).at(format!("env.{name}")).help("a variable here is one line"));
    }
    wrong.extend(settings.options.iter().filter_map(|(name, value)| options::value(name, value).err()));
    wrong
}

fn names(settings: &Settings, name: &str, wrong: &mut Vec<Problem>) {
    if !is_service(name) {
        wrong.push(
            Problem::new(Kind::Name, format!("no service can be called {name:?}"))
                .at("name")
                .help("give another with `--name`: lower-case letters, digits and `-`, a letter first, 56 at most"),
        );
    }
    let labels =
        [("namespace", settings.namespace.as_ref()), ("metrics.namespace", settings.metrics.namespace.as_ref())];
    let gateway = settings.gateway.as_ref();
    let more = [("gateway.namespace", gateway.and_then(|gateway| gateway.namespace.as_ref()))];
    let lists = [("network.from", &settings.network.from), ("network.to", &settings.network.to)];
    let lists = lists.into_iter().flat_map(|(place, list)| list.iter().map(move |name| (place, name)));
    let single = labels.into_iter().chain(more).filter_map(|(place, name)| Some((place, name?)));
    for (place, name) in single.chain(lists).filter(|(_, name)| !is_label(name)) {
        wrong.push(
            Problem::new(Kind::Name, format!("no namespace can be called {name:?}"))
                .at(place)
                .help("lower-case letters, digits and `-`, 63 at most"),
        );
    }
    let secrets = [
        ("pull-secret", settings.pull_secret.as_ref()),
        ("auth.tokens", settings.auth.tokens.as_ref()),
        ("tls.secret", settings.tls.as_ref().map(|tls| &tls.secret)),
        ("metrics.token", settings.metrics.token.as_ref()),
        ("gateway.name", gateway.map(|gateway| &gateway.name)),
    ];
    let hosts = gateway.iter().flat_map(|gateway| &gateway.hosts);
    // A host may have a star in the place of its first label.
    let hosts = hosts.map(|host| ("gateway.hosts", host.strip_prefix("*.").unwrap_or(host)));
    let secrets = secrets.into_iter().filter_map(|(place, name)| Some((place, name?.as_str())));
    for (place, name) in secrets.chain(hosts).filter(|(_, name)| !is_subdomain(name)) {
        wrong.push(
            Problem::new(Kind::Name, format!("{name:?} is no name that an object or a host can have"))
                .at(place)
                .help("lower-case letters, digits, `-` and `.`, 253 at most"),
        );
    }
    for (place, key, value) in keys(settings) {
        let is_good = is_key(key) && (place == "annotations" || is_label_value(value));
        if !is_good {
            let message = format!("{key:?} = {value:?} is no label that Kubernetes takes");
            wrong.push(
                Problem::new(Kind::Name, message).at(place).help("letters, digits, `-`, `_` and `.`, 63 at most"),
            );
        } else if OURS.iter().any(|prefix| key.starts_with(prefix)) {
            let message = format!("`{key}` is set by what is deployed");
            wrong.push(Problem::new(Kind::Settings, message).at(place).help("leave it out, or choose another key"));
        }
    }
}

fn keys(settings: &Settings) -> impl Iterator<Item = (&'static str, &String, &String)> {
    let labels = settings.labels.iter().map(|(key, value)| ("labels", key, value));
    labels.chain(settings.annotations.iter().map(|(key, value)| ("annotations", key, value)))
}

fn is_variable(name: &str) -> bool {
    let is_first = |c: char| c.is_ascii_uppercase() || c == '_';
    name.starts_with(is_first)
        && name.chars().all(|c| is_first(c) || c.is_ascii_digit())
        && !name.starts_with("MODELDEPLOY_")
}

fn numbers(settings: &Settings, wrong: &mut Vec<Problem>) {
    let replicas = &settings.replicas;
    let seconds = [settings.drain_delay, settings.grace, settings.start, settings.metrics.interval];
    for (is_good, place, message, help) in [
        (
            settings.port >= 1024,
            "port",
            format!("port {} is one that only root may listen on, or none", settings.port),
            "choose one from 1024 on: the service runs as nobody",
        ),
        (
            (1..=MOST_CORES).contains(&settings.cpu),
            "cpu",
            format!("a replica cannot have {} cores", settings.cpu),
            "give a whole number from 1 on: it is the number of workers",
        ),
        (
            settings.memory_margin.is_finite() && (0.0..=10.0).contains(&settings.memory_margin),
            "memory-margin",
            format!("the margin of memory cannot be {}", settings.memory_margin),
            "give a share of what is planned, such as 0.25",
        ),
        (
            replicas.min > 0,
            "replicas.min",
            "no replica answers nobody".to_owned(),
            "give 1 or more; `kubectl scale --replicas 0` stops a service for a while",
        ),
        (
            replicas.most() >= replicas.min && replicas.most() <= MOST_REPLICAS,
            "replicas.max",
            format!("there cannot be between {} and {} replicas", replicas.min, replicas.most()),
            "the most are no fewer than the fewest",
        ),
        (
            (1..=100).contains(&replicas.cpu_percent),
            "replicas.cpu-percent",
            format!("no replica uses {} percent of its cores", replicas.cpu_percent),
            "give a number from 1 to 100, such as 70",
        ),
        (
            replicas.queue_tokens != Some(0),
            "replicas.queue-tokens",
            "there are always more than 0 tokens to wait for".to_owned(),
            "give a number of tokens, such as 2000",
        ),
        (
            seconds.iter().all(|time| time.seconds() <= LONGEST) && !settings.metrics.interval.0.is_zero(),
            "drain-delay, grace, start, metrics.interval",
            "a time is longer than a day, or none".to_owned(),
            "give times such as 5s or 2m",
        ),
    ] {
        if !is_good {
            wrong.push(Problem::new(Kind::Settings, message).at(place).help(help));
        }
    }
}

fn access(settings: &Settings, wrong: &mut Vec<Problem>) {
    let (auth, metrics) = (&settings.auth, &settings.metrics);
    if auth.tokens.is_some() && auth.open {
        wrong.push(
            Problem::new(Kind::Settings, "the service is open, and asks for tokens")
                .at("auth")
                .help("leave one of `open` and `tokens` out"),
        );
    }
    if metrics.monitor && auth.tokens.is_some() && !metrics.open && metrics.token.is_none() {
        wrong.push(
            Problem::new(Kind::Settings, "Prometheus has no token, and the service asks for one")
                .at("metrics")
                .help("`open = true` answers metrics without one; `token = \"SECRET\"` lets Prometheus send that Secret's `token`"),
        );
    }
}

fn canary(settings: &Settings, wrong: &mut Vec<Problem>) {
    let Some(canary) = &settings.canary else { return };
    let (stable, second) = (canary.weights.stable, canary.weights.canary);
    if stable.checked_add(second) != Some(100) {
        wrong.push(
            Problem::new(Kind::Settings, format!("the weights {stable} and {second} are not 100 together"))
                .at("canary.weights")
                .help("give shares in percent, such as { stable = 90, canary = 10 }"),
        );
    }
    if canary.by == By::Gateway && settings.gateway.is_none() {
        wrong.push(
            Problem::new(Kind::Settings, "a gateway is to share the requests out, and none is named")
                .at("canary.by")
                .help("name it: `[gateway]` with `name = \"…\"`; or `by = \"replicas\"`"),
        );
    }
    // KServe, which has no second image, shares out itself.
    let by_replicas = canary.by == By::Replicas && canary.image.is_some();
    if by_replicas && (second == 0 || stable == 0) {
        wrong.push(
            Problem::new(Kind::Settings, "one of the two images would have no replica")
                .at("canary.weights")
                .help("leave `[canary]` out, with the image that is to answer as `image`"),
        );
    } else if by_replicas && settings.replicas.min == 1 {
        wrong.push(
            Problem::new(Kind::Settings, "one replica cannot be shared out between two images")
                .at("replicas.min")
                .help("give 2 or more: of ten, one is ten percent"),
        );
    }
    let is_scaled = settings.replicas.most() > settings.replicas.min;
    if by_replicas && is_scaled && (1..100).contains(&second) {
        wrong.push(
            Problem::new(Kind::Settings, "numbers of replicas that change cannot keep the weights of a canary")
                .at("canary.by")
                .help("leave `replicas.max` out while there is one, or share out `by = \"gateway\"`"),
        );
    }
}
