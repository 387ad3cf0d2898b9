//! What templates see: all that is rendered comes from here.

use crate::facts::{Facts, Model};
use crate::image::Pinned;
use crate::memory::Memory;
use crate::names::version_label;
use crate::options;
use crate::problem::Problem;
use crate::settings::{Gateway, Mode, Settings, check};
use crate::target::Target;
use crate::tracks::{Track, tracks};
use serde::Serialize;
use std::collections::BTreeMap;

/// Who a service runs as in its image: nobody.
const USER: u32 = 65534;
/// What closing takes after the last answer: traces are sent, logs written.
const CLOSING: u64 = 5;

/// All that templates may write. `docs/deploy.md` lists it.
#[derive(Clone, Debug, Serialize)]
pub struct Context {
    /// What the objects are called.
    pub name: String,
    /// Their namespace, if one is stated.
    pub namespace: Option<String>,
    /// The version of the service's package.
    pub version: String,
    /// The images and what they answer: one, or the first and its canary.
    pub tracks: Vec<Track>,
    /// The track that is rendered, where a file is of one.
    pub track: Option<Track>,
    /// Labels of every object.
    pub labels: BTreeMap<String, String>,
    /// The labels by which pods are found.
    pub selector: BTreeMap<String, String>,
    /// Annotations of every object.
    pub annotations: BTreeMap<String, String>,
    /// The Secret by which the image is fetched.
    pub pull_secret: Option<String>,
    /// The models inside the image that is new.
    pub models: Vec<Model>,
    /// Where the service listens.
    pub port: u16,
    /// `HTTP` or `HTTPS`.
    pub scheme: &'static str,
    /// Whether a probe may only connect.
    pub probes_connect_only: bool,
    /// Where the program lies in the image.
    pub image_program: String,
    /// Seconds that the service may take to start.
    pub start_seconds: u64,
    /// Seconds from the word to stop to the end: the delay, the grace, and what closing takes.
    pub stop_seconds: u64,
    /// The service's environment.
    pub env: BTreeMap<String, String>,
    /// Whole cores.
    pub cpu: u16,
    /// Whole MiB.
    pub memory_mib: u64,
    /// The plan of it.
    pub memory: Memory,
    /// Who it runs as.
    pub user: u32,
    /// At which share of the cores there are to be more replicas, in percent.
    pub cpu_percent: u32,
    /// At how many waiting tokens there are.
    pub queue_tokens: Option<u32>,
    /// The Secret of the tokens.
    pub tokens: Option<String>,
    /// The Secret of TLS.
    pub tls: Option<String>,
    /// Whether clients must have a certificate.
    pub client_ca: bool,
    /// Namespaces whose pods may connect, beside the service's own.
    pub from: Vec<String>,
    /// Namespaces that the service connects to.
    pub to: Vec<String>,
    /// Whether Prometheus' operator is told.
    pub monitor: bool,
    /// How often it reads, in seconds.
    pub interval_seconds: u64,
    /// The Secret of the token that Prometheus sends.
    pub metrics_token: Option<String>,
    /// The gateway.
    pub gateway: Option<Route>,
    /// KServe.
    pub kserve: Knative,
    /// The program on a machine of its own.
    pub program: Option<Installed>,
}

/// Where a gateway's requests come from.
#[derive(Clone, Debug, Serialize)]
pub struct Route {
    /// The Gateway's name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// The hosts.
    pub hosts: Vec<String>,
}

/// How KServe runs it.
#[derive(Clone, Debug, Serialize)]
pub struct Knative {
    /// `Serverless` or `RawDeployment`.
    pub mode: &'static str,
    /// The share of the new image, while there is an older one.
    pub canary_percent: Option<u32>,
}

/// A program on a machine.
#[derive(Clone, Debug, Serialize)]
pub struct Installed {
    /// Its path.
    pub path: String,
    /// The sha256 of its file, hexadecimal.
    pub sha256: String,
    /// The file of tokens.
    pub tokens: Option<String>,
    /// Whether its pages are to be locked into memory.
    pub locks_memory: bool,
}

impl Context {
    /// What a target's templates see.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the settings, alone and for that target.
    pub fn new(
        target: Target,
        facts: &Facts,
        settings: &Settings,
        image: Option<Pinned>,
        canary: Option<Pinned>,
    ) -> Result<Context, Vec<Problem>> {
        let name = settings.name.clone().unwrap_or_else(|| facts.package.replace('_', "-"));
        let mut wrong = check(settings, &name);
        wrong.extend(target.lacks(facts, settings, image.is_some(), canary.is_some()));
        let memory = Memory::plan(facts, settings).map_err(|problem| wrong.push(problem));
        let (Ok(memory), true) = (memory, wrong.is_empty()) else { return Err(wrong) };
        let (auth, metrics) = (&settings.auth, &settings.metrics);
        let tls = settings.tls.as_ref();
        let seconds = settings.drain_delay.seconds() + settings.grace.seconds() + CLOSING;
        Ok(Context {
            tracks: tracks(&name, settings, image, canary),
            track: None,
            namespace: settings.namespace.clone(),
            version: facts.version.clone(),
            labels: labels(&name, facts, settings),
            selector: selector(&name),
            annotations: annotations(facts, settings, &memory),
            pull_secret: settings.pull_secret.clone(),
            models: facts.models.clone(),
            port: settings.port,
            scheme: if tls.is_some() { "HTTPS" } else { "HTTP" },
            probes_connect_only: tls.is_some_and(|tls| tls.client_ca),
            image_program: settings.compose.program.clone().unwrap_or_else(|| format!("/{}", facts.package)),
            start_seconds: settings.start.seconds().max(1),
            stop_seconds: seconds,
            env: environment(target, settings)?,
            cpu: settings.cpu,
            memory_mib: memory.mebibytes(),
            memory,
            user: USER,
            cpu_percent: settings.replicas.cpu_percent,
            queue_tokens: settings.replicas.queue_tokens,
            tokens: auth.tokens.clone(),
            tls: tls.map(|tls| tls.secret.clone()),
            client_ca: tls.is_some_and(|tls| tls.client_ca),
            from: sources(settings),
            to: settings.network.to.clone(),
            monitor: metrics.monitor,
            interval_seconds: metrics.interval.seconds(),
            metrics_token: metrics.token.clone().filter(|_| !metrics.open),
            gateway: settings.gateway.as_ref().map(route),
            kserve: Knative {
                mode: match settings.kserve.mode {
                    Mode::Serverless => "Serverless",
                    Mode::Raw => "RawDeployment",
                },
                canary_percent: settings.canary.as_ref().map(|canary| canary.weights.canary),
            },
            program: facts.program.as_ref().map(|program| Installed {
                path: settings.systemd.program.clone().unwrap_or_else(|| format!("/usr/local/bin/{name}")),
                sha256: program.digest.hex(),
                tokens: settings.systemd.tokens.clone(),
                locks_memory: settings.options.get("warm").and_then(toml::Value::as_str) == Some("lock"),
            }),
            name,
        })
    }

    /// The same for one of its tracks.
    #[must_use]
    pub(crate) fn of(&self, track: &Track) -> Context {
        Context { track: Some(track.clone()), ..self.clone() }
    }
}

fn route(gateway: &Gateway) -> Route {
    Route { name: gateway.name.clone(), namespace: gateway.namespace.clone(), hosts: gateway.hosts.clone() }
}

fn selector(name: &str) -> BTreeMap<String, String> {
    [("app.kubernetes.io/name", name), ("app.kubernetes.io/instance", name)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn labels(name: &str, facts: &Facts, settings: &Settings) -> BTreeMap<String, String> {
    let mut labels = selector(name);
    labels.insert("app.kubernetes.io/version".to_owned(), version_label(&facts.version));
    labels.insert("app.kubernetes.io/managed-by".to_owned(), crate::MANAGER.to_owned());
    labels.extend(settings.labels.clone());
    labels
}

fn annotations(facts: &Facts, settings: &Settings, memory: &Memory) -> BTreeMap<String, String> {
    let mut annotations = settings.annotations.clone();
    annotations.insert(crate::MODELS.to_owned(), json(&facts.models));
    annotations.insert(crate::MEMORY.to_owned(), json(memory));
    annotations
}

/// JSON in one line.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it has string keys and plain values")
}

/// Who connects: the namespaces of the settings, and those of the gateway and of Prometheus.
fn sources(settings: &Settings) -> Vec<String> {
    let gateway = settings.gateway.as_ref().and_then(|gateway| gateway.namespace.clone());
    let metrics = settings.metrics.namespace.clone().filter(|_| settings.metrics.monitor);
    let mut from: Vec<String> = settings.network.from.iter().cloned().chain(gateway).chain(metrics).collect();
    from.sort();
    from.dedup();
    from
}

fn environment(target: Target, settings: &Settings) -> Result<BTreeMap<String, String>, Vec<Problem>> {
    let (listen, files) = target.places(settings);
    let mut given =
        vec![("listen", listen), ("drain-delay", settings.drain_delay.text()), ("grace", settings.grace.text())];
    match &files.tokens {
        // A unit's template names its credential, by a specifier that no value may have.
        Some(_) if target == Target::Systemd => {}
        Some(tokens) => given.push(("tokens", tokens.clone())),
        None if settings.auth.open => given.push(("no-auth", "true".to_owned())),
        None => {}
    }
    if settings.metrics.open && files.tokens.is_some() {
        given.push(("open-metrics", "true".to_owned()));
    }
    if let Some(tls) = &files.tls {
        given.extend([("tls-cert", format!("{tls}/tls.crt")), ("tls-key", format!("{tls}/tls.key"))]);
        if settings.tls.as_ref().is_some_and(|tls| tls.client_ca) {
            given.push(("tls-client-ca", format!("{tls}/ca.crt")));
        }
    }
    let mut environment = settings.env.clone();
    environment.extend(given.into_iter().map(|(name, value)| (options::variable(name), value)));
    let mut wrong = vec![];
    for (name, value) in &settings.options {
        match options::value(name, value) {
            Ok(value) => drop(environment.insert(options::variable(name), value)),
            Err(problem) => wrong.push(problem),
        }
    }
    if wrong.is_empty() { Ok(environment) } else { Err(wrong) }
}
