//! Where a service is deployed to, and what each of the targets needs.

use crate::facts::Facts;
use crate::names::is_label;
use crate::problem::{Kind, Problem};
use crate::settings::{By, Mode, Settings};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A cluster of Kubernetes.
    Kubernetes,
    /// KServe on a cluster of Kubernetes.
    Kserve,
    /// A machine whose services systemd runs.
    Systemd,
    /// Docker Compose, or another that reads its files.
    Compose,
}

/// All of them, by name.
pub const TARGETS: [(&str, Target); 4] = [
    ("kubernetes", Target::Kubernetes),
    ("kserve", Target::Kserve),
    ("systemd", Target::Systemd),
    ("compose", Target::Compose),
];

/// Where files are for the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Files {
    /// The file of tokens.
    pub(crate) tokens: Option<String>,
    /// The folder of TLS.
    pub(crate) tls: Option<String>,
}

/// Where Secrets are mounted.
const TOKENS: &str = "/etc/modeldeploy/tokens/tokens";
const TLS: &str = "/etc/modeldeploy/tls";

impl Target {
    /// Its name.
    pub fn name(self) -> &'static str {
        TARGETS.iter().find(|(_, target)| *target == self).map(|(name, _)| *name).expect("every target is in the list")
    }

    /// Whether its files are objects of Kubernetes.
    pub fn is_cluster(self) -> bool {
        matches!(self, Target::Kubernetes | Target::Kserve)
    }

    /// Where the service listens, and where its files are.
    pub(crate) fn places(self, settings: &Settings) -> (String, Files) {
        let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let (address, files) = match self {
            Target::Systemd => (settings.systemd.address, Files { tokens: settings.systemd.tokens.clone(), tls: None }),
            Target::Kubernetes | Target::Kserve | Target::Compose => (
                everywhere,
                Files {
                    tokens: settings.auth.tokens.as_ref().map(|_| TOKENS.to_owned()),
                    tls: settings.tls.as_ref().map(|_| TLS.to_owned()),
                },
            ),
        };
        (SocketAddr::new(address, settings.port).to_string(), files)
    }

    /// What this target needs and was not given, or cannot have and was.
    pub(crate) fn lacks(self, facts: &Facts, settings: &Settings, has_image: bool, has_canary: bool) -> Vec<Problem> {
        let absent = |message: &str, place: &str, help: &str| Problem::new(Kind::Absent, message).at(place).help(help);
        let mut wrong = vec![];
        if self != Target::Systemd && !has_image {
            wrong.push(absent(
                "no image is named",
                "image",
                "name it: `--image NAME@sha256:…`, or `--image NAME --image-layout FOLDER`",
            ));
        }
        let has_tokens = match self {
            Target::Systemd => settings.systemd.tokens.is_some(),
            _ => settings.auth.tokens.is_some(),
        };
        let is_local = self == Target::Systemd && settings.systemd.address.is_loopback();
        if !has_tokens && !settings.auth.open && !is_local {
            let help = match self {
                Target::Systemd => {
                    "`systemd.tokens = \"/etc/…\"` names the file of tokens; `auth.open = true` lets everybody ask who can connect"
                }
                _ => {
                    "`auth.tokens = \"SECRET\"` names the Secret of tokens; `auth.open = true` lets everybody ask who can connect"
                }
            };
            wrong.push(absent(
                "nothing says who may ask, and a service that others reach does not start without",
                "auth",
                help,
            ));
        }
        match self {
            Target::Kubernetes => wrong.extend(canary(settings, has_canary)),
            Target::Kserve => wrong.extend(kserve(settings)),
            Target::Systemd => wrong.extend(systemd(facts, settings)),
            Target::Compose if settings.canary.is_some() => {
                wrong.push(absent(
                    "Compose shares no requests out",
                    "canary",
                    "leave `[canary]` out here: `--config` names another file",
                ));
            }
            Target::Compose => {}
        }
        wrong
    }
}

fn canary(settings: &Settings, has_canary: bool) -> Option<Problem> {
    match (&settings.canary, has_canary) {
        (Some(_), false) => Some(
            Problem::new(Kind::Absent, "the canary has no image")
                .at("canary.image")
                .help("name it, pinned: `--canary-image NAME@sha256:…`"),
        ),
        (None, true) => Some(
            Problem::new(Kind::Absent, "the canary has no share of the requests")
                .at("canary.weights")
                .help("give both shares: `[canary]` with `weights = { stable = 90, canary = 10 }`"),
        ),
        _ => None,
    }
}

fn kserve(settings: &Settings) -> Vec<Problem> {
    let wrong = |message: &str, place: &str, help: &str| Problem::new(Kind::Settings, message).at(place).help(help);
    let mut all = vec![];
    if let Some(canary) = &settings.canary {
        if settings.kserve.mode == Mode::Raw {
            all.push(wrong(
                "KServe shares no requests out between raw deployments",
                "kserve.mode",
                "`mode = \"serverless\"` does; or leave `[canary]` out",
            ));
        }
        if canary.image.is_some() || canary.by == By::Gateway {
            all.push(wrong(
                "KServe keeps the image before, and shares out itself",
                "canary",
                "give the new image as `image` and only the weights as `[canary]`",
            ));
        }
    }
    if settings.tls.is_some() {
        all.push(wrong(
            "KServe speaks TLS itself, before the service",
            "tls",
            "leave `[tls]` out here: `--config` names another file",
        ));
    }
    // The hosts that Knative makes have more labels in one.
    if settings.name.as_deref().is_some_and(|name| name.len() > 40 && is_label(name)) {
        all.push(wrong("KServe makes longer names of this one than DNS takes", "name", "40 characters at most"));
    }
    all
}

fn systemd(facts: &Facts, settings: &Settings) -> Vec<Problem> {
    let mut all = vec![];
    if facts.program.is_none() {
        all.push(
            Problem::new(Kind::Absent, "the program is not at hand, and the unit checks its bytes before each start")
                .at("program")
                .help("name it: `--program target/release/NAME`, as `cargo modeldeploy build --release` left it"),
        );
    }
    for (place, path) in [("systemd.program", &settings.systemd.program), ("systemd.tokens", &settings.systemd.tokens)]
    {
        let is_plain = |path: &str| {
            let mut parts = path.split('/').skip(1);
            let word = |c: char| c.is_ascii_alphanumeric() || "-_.+@".contains(c);
            path.starts_with('/') && parts.all(|part| !matches!(part, "" | "." | "..") && part.chars().all(word))
        };
        if let Some(path) = path.as_deref().filter(|path| !is_plain(path)) {
            all.push(
                Problem::new(Kind::Settings, format!("{path:?} is no path that a unit can name"))
                    .at(place)
                    .help("a path from the root, of letters, digits and `-_.+@`"),
            );
        }
    }
    if settings.tls.is_some() {
        all.push(
            Problem::new(Kind::Settings, "there are no Secrets on a machine of its own")
                .at("tls")
                .help("leave `[tls]` out here, and speak TLS before the service; `--config` names another file"),
        );
    }
    if settings.canary.is_some() {
        all.push(
            Problem::new(Kind::Settings, "systemd shares no requests out")
                .at("canary")
                .help("leave `[canary]` out here: `--config` names another file"),
        );
    }
    all
}
