//! A small model as a registry has it, and a registry that serves it as the specification says, until a test changes an answer.

use crate::server::{Reply, Request, Server};
use modeldeploy_format::lock::LockedFile;
use modeldeploy_format::{Digest, Signature, Task};
use modeldeploy_registry::artifact::{Artifact, Facts};
use modeldeploy_registry::remote::Remote;
use modeldeploy_registry::{Options, Registry};
use semver::Version;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The files of a small model, shorter than a packet.
pub(crate) const FILES: [(&str, &str); 3] =
    [("1_Pooling/config.json", "{}"), ("config.json", "{\"a\": 1}"), ("model.safetensors", "these are the weights")];

/// Limits that a test does not wait for.
pub(crate) fn options() -> Options {
    Options {
        connect: Duration::from_secs(5),
        answer: Duration::from_secs(20),
        pause: Duration::from_secs(20),
        slowest: 1,
        document: 64 << 10,
        tries: 2,
        wait: Duration::ZERO,
        plain_http: false,
    }
}

pub(crate) fn facts(version: &str) -> Facts {
    let file = |(path, text): (&str, &str)| LockedFile {
        path: path.into(),
        size: text.len() as u64,
        digest: Digest::of(text.as_bytes()),
    };
    Facts {
        name: "encoder".into(),
        version: Version::parse(version).expect("a version"),
        license: Some("MIT".into()),
        signature: Some(Signature {
            task: Task::Embed,
            max_tokens: 64,
            outputs: 16,
            normalized: true,
            labels: vec![],
            prompts: vec![],
            default_prompt: None,
            features: vec![],
        }),
        space: Some(Digest::of(b"space")),
        recipe: BTreeMap::new(),
        gate: None,
        files: FILES.map(file).into(),
    }
}

/// What a registry stores.
#[derive(Clone, Default)]
pub(crate) struct Stored {
    pub(crate) tags: BTreeMap<String, Vec<u8>>,
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
}

impl Stored {
    /// Versions of the small model.
    pub(crate) fn versions(versions: &[&str]) -> Stored {
        let mut stored = Stored::default();
        for version in versions {
            stored.add(&facts(version));
        }
        for (_, text) in FILES {
            stored.blobs.insert(Digest::of(text.as_bytes()).to_string(), text.into());
        }
        stored
    }

    pub(crate) fn add(&mut self, facts: &Facts) {
        let artifact = Artifact::of(facts);
        self.blobs.insert(Digest::of(&artifact.config).to_string(), artifact.config);
        self.tags.insert(facts.version.to_string(), artifact.manifest);
    }

    pub(crate) fn marker(&mut self, version: &str, yanked: &str) {
        let config = "{\"mediaType\": \"application/vnd.oci.empty.v1+json\", \"size\": 2, \"digest\": \
                      \"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"}";
        let marker = format!(
            "{{\"schemaVersion\": 2, \"config\": {config}, \"layers\": [], \"annotations\": {{\"org.modeldeploy.yanked\": \
             \"{yanked}\", \"org.modeldeploy.yanked.reason\": \"wrong labels\"}}}}"
        );
        self.tags.insert(format!("yanked-{version}"), marker.into());
    }

    /// What the specification has a registry answer.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let Some(rest) = request.path.strip_prefix("/v2/models/encoder/") else { return Reply::new(404, "") };
        if rest.starts_with("tags/list") {
            let tags: Vec<&String> = self.tags.keys().collect();
            return Reply::new(200, serde_json::json!({"name": "models/encoder", "tags": tags}).to_string());
        }
        if let Some(reference) = rest.strip_prefix("manifests/") {
            let by_digest = || self.tags.values().find(|it| Digest::of(it).to_string() == reference);
            return match self.tags.get(reference).or_else(by_digest) {
                Some(bytes) => Reply::new(200, bytes.clone())
                    .with("docker-content-digest", Digest::of(bytes).to_string())
                    .with("content-type", "application/vnd.oci.image.manifest.v1+json"),
                None => Reply::new(404, "{\"errors\": []}"),
            };
        }
        match rest.strip_prefix("blobs/").and_then(|digest| self.blobs.get(digest)) {
            Some(bytes) => part(request, bytes),
            None => Reply::new(404, ""),
        }
    }

    pub(crate) fn serve(self) -> Server {
        Server::start(move |request| self.answer(request))
    }

    /// Serves all this but for what `change` answers.
    pub(crate) fn but(self, change: impl Fn(&Request, Reply) -> Reply + Send + Sync + 'static) -> Server {
        let stored = Arc::new(self);
        Server::start(move |request| change(request, stored.answer(request)))
    }
}

/// A blob, or the part of it that is asked for.
pub(crate) fn part(request: &Request, bytes: &[u8]) -> Reply {
    let range =
        request.headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    match range {
        None => Reply::new(200, bytes),
        Some(from) if from < bytes.len() => Reply::new(206, &bytes[from..])
            .with("content-range", format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len())),
        Some(_) => Reply::new(416, ""),
    }
}

pub(crate) fn remote(server: &Server, options: Options) -> Registry {
    Registry::Remote(Box::new(Remote::with(&server.host, "models/encoder", options, None)))
}

/// The version that most tests ask for.
pub(crate) fn version() -> Version {
    Version::new(1, 0, 0)
}
