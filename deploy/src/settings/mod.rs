//! What a team says of a deployment: `deploy.toml` beside the service's `Cargo.toml`, or another file of that form for another cluster.
//!
//! ```toml
//! image = "registry.example/shop"       # pinned by --image …@sha256:…, --image-layout, or here
//! cpu   = 2                             # whole cores: as many workers, each with an arena of every model
//!
//! [replicas]
//! min = 2
//! max = 6
//!
//! [auth]
//! tokens = "shop-tokens"                # the Secret with the file `tokens`; or: open = true
//! ```

mod amounts;
mod check;
mod read;

pub use amounts::{Bytes, Time};
pub use check::check;
pub use read::{FILE, read};

use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// All of it. What is absent has the default that stands at its field.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// What the objects are called; without it the package's name.
    pub name: Option<String>,
    /// The namespace; without it that of the cluster's context.
    pub namespace: Option<String>,
    /// The image, pinned or to be pinned.
    pub image: Option<String>,
    /// The Secret by which a cluster fetches the image from a registry that asks who does.
    pub pull_secret: Option<String>,
    /// The port that the service listens on, 8080.
    pub port: u16,
    /// Cores of a replica, 2: as many workers.
    pub cpu: u16,
    /// Memory of a replica, in the place of the planned one.
    pub memory: Option<Bytes>,
    /// What is added to the planned memory, as a share of it: 0.25.
    pub memory_margin: f64,
    /// How long the service answers after it was told to stop: 5 s.
    pub drain_delay: Time,
    /// How long requests in flight may take then: 10 s, as the service has it.
    pub grace: Time,
    /// How long it may take to start: 2 min.
    pub start: Time,
    /// How many replicas.
    pub replicas: Replicas,
    /// Who may ask.
    pub auth: Auth,
    /// TLS.
    pub tls: Option<Tls>,
    /// Metrics and who reads them.
    pub metrics: Metrics,
    /// Who may connect.
    pub network: Network,
    /// A second image that answers some of the requests.
    pub canary: Option<Canary>,
    /// The gateway that shares requests out between the two.
    pub gateway: Option<Gateway>,
    /// KServe.
    pub kserve: Kserve,
    /// systemd.
    pub systemd: Systemd,
    /// Compose.
    pub compose: Compose,
    /// More labels of every object.
    pub labels: BTreeMap<String, String>,
    /// More annotations of every object.
    pub annotations: BTreeMap<String, String>,
    /// The service's own options, by the names of its flags.
    pub options: BTreeMap<String, toml::Value>,
    /// More variables of its environment, such as those of OpenTelemetry.
    pub env: BTreeMap<String, String>,
}

/// `[replicas]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Replicas {
    /// The fewest: 2.
    pub min: u32,
    /// The most; without it as many as the fewest, and nothing scales.
    pub max: Option<u32>,
    /// The share of their cores at which there are to be more, in percent: 70.
    pub cpu_percent: u32,
    /// Tokens that wait, on average over the replicas, at which there are to be more: needs an adapter that serves
    /// `modeldeploy_queue_tokens` to the cluster.
    pub queue_tokens: Option<u32>,
}

/// `[auth]`: one of the two, for a service that listens to others does not start without.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Auth {
    /// The Secret whose key `tokens` is the file of tokens.
    pub tokens: Option<String>,
    /// Whether everybody who can connect may ask.
    pub open: bool,
}

/// `[tls]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tls {
    /// The Secret of type `kubernetes.io/tls`.
    pub secret: String,
    /// Whether clients must have a certificate by its `ca.crt`. Probes cannot show one, so they only connect then.
    #[serde(default)]
    pub client_ca: bool,
}

/// `[metrics]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Metrics {
    /// Whether Prometheus' operator is told of them: no.
    pub monitor: bool,
    /// How often they are read: 30 s.
    pub interval: Time,
    /// Whether they are answered without a token, where others need one.
    pub open: bool,
    /// The Secret whose key `token` is the token that Prometheus sends.
    pub token: Option<String>,
    /// The namespace that Prometheus runs in.
    pub namespace: Option<String>,
}

/// `[network]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Network {
    /// The namespaces, beside the service's own, whose pods may connect to it.
    pub from: Vec<String>,
    /// The namespaces that it connects to, for its own routes or to send traces; with any of them it may ask for names.
    pub to: Vec<String>,
}

/// `[canary]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Canary {
    /// The second image; for KServe, which keeps the first one itself, the new one stands in `image`.
    #[serde(default)]
    pub image: Option<String>,
    /// Shares of the requests.
    pub weights: Weights,
    /// What shares them out.
    #[serde(default)]
    pub by: By,
}

/// Shares in percent, which are a hundred together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Of the first image.
    pub stable: u32,
    /// Of the second.
    pub canary: u32,
}

/// What shares requests out between two images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The numbers of their replicas, behind one Service.
    #[default]
    Replicas,
    /// The weights of an HTTPRoute.
    Gateway,
}

/// `[gateway]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Gateway {
    /// The Gateway's name.
    pub name: String,
    /// Its namespace, without one the service's own.
    #[serde(default)]
    pub namespace: Option<String>,
    /// The hosts whose requests it hands on, all where there are none.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// `[kserve]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Kserve {
    /// How KServe runs it.
    pub mode: Mode,
}

/// How KServe runs a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// On Knative, which knows canaries.
    #[default]
    Serverless,
    /// As a Deployment of its own, which knows none.
    Raw,
}

/// `[systemd]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Systemd {
    /// Where the program lies on the machine that runs it; without it `/usr/local/bin/` and the service's name.
    pub program: Option<String>,
    /// The address that it listens on: 127.0.0.1.
    pub address: std::net::IpAddr,
    /// The file of tokens on that machine, which systemd hands over as a credential.
    pub tokens: Option<String>,
}

/// `[compose]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Compose {
    /// Where the program lies in the image, for the health check; without it `/` and the package's name.
    pub program: Option<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            name: None,
            namespace: None,
            image: None,
            pull_secret: None,
            port: 8080,
            cpu: 2,
            memory: None,
            memory_margin: 0.25,
            drain_delay: Time(Duration::from_secs(5)),
            grace: Time(Duration::from_secs(10)),
            start: Time(Duration::from_secs(120)),
            replicas: Replicas::default(),
            auth: Auth::default(),
            tls: None,
            metrics: Metrics::default(),
            network: Network::default(),
            canary: None,
            gateway: None,
            kserve: Kserve::default(),
            systemd: Systemd::default(),
            compose: Compose::default(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            options: BTreeMap::new(),
            env: BTreeMap::new(),
        }
    }
}

impl Default for Replicas {
    fn default() -> Replicas {
        Replicas { min: 2, max: None, cpu_percent: 70, queue_tokens: None }
    }
}

impl Replicas {
    /// The most.
    pub fn most(&self) -> u32 {
        self.max.unwrap_or(self.min)
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        let interval = Time(Duration::from_secs(30));
        Metrics { monitor: false, interval, open: false, token: None, namespace: None }
    }
}

impl Default for Systemd {
    fn default() -> Systemd {
        Systemd { program: None, address: std::net::Ipv4Addr::LOCALHOST.into(), tokens: None }
    }
}
