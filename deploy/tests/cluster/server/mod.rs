//! An API server of the kinds that are rendered: discovery, get, list by labels, server-side apply, delete, and errors as `Status`.
//!
//! Specification: <https://kubernetes.io/docs/reference/using-api/api-concepts/> and `server-side-apply/` there. Lists are owned as a
//! whole, which is coarser than a real server's merge keys; nothing here depends on it. There are no controllers: what they would write
//! as `status`, a test writes.

mod answer;
mod object;

pub(crate) use object::Object;

use answer::Refusal;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use modeldeploy_deploy::cluster::Where;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A kind: group and version, its name, and what paths call it.
const KINDS: [(&str, &str, &str); 11] = [
    ("v1", "Service", "services"),
    ("v1", "Pod", "pods"),
    ("apps/v1", "Deployment", "deployments"),
    ("apps/v1", "ReplicaSet", "replicasets"),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
    ("monitoring.coreos.com/v1", "ServiceMonitor", "servicemonitors"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes"),
    ("serving.kserve.io/v1beta1", "InferenceService", "inferenceservices"),
    ("v1", "Secret", "secrets"),
];

/// What a server does instead of what it is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Instead {
    /// Refuses with that status and reason.
    Refuse(u16, &'static str),
    /// Says nothing, ever.
    Silence,
    /// Answers what is no JSON.
    Garbage,
}

#[derive(Default)]
struct Inner {
    /// By version, what paths call the kind, namespace and name.
    objects: BTreeMap<[String; 4], Object>,
    namespaces: Vec<String>,
    /// Kinds of groups that are not installed.
    absent: Vec<&'static str>,
    /// What is done instead, where method, path and query contain these.
    instead: Vec<(Method, &'static str, Instead)>,
    /// Statuses that are written one after the other, by each look at a Deployment.
    statuses: Vec<Value>,
    /// Whether clients without a token are answered: kubectl sends none without TLS.
    is_open: bool,
    log: Vec<String>,
}

/// A server until it is dropped.
pub(crate) struct Server {
    inner: Arc<Mutex<Inner>>,
    address: String,
    folder: tempfile::TempDir,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Server {
    pub(crate) fn start() -> Server {
        let inner =
            Arc::new(Mutex::new(Inner { namespaces: vec!["default".into(), "search".into()], ..Inner::default() }));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let router = router().with_state(inner.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    served = axum::serve(listener, router) => served.expect("served"),
                    _ = stopped => {}
                }
            });
        });
        let folder = tempfile::tempdir().expect("a temporary folder");
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": address}}],
            "users": [{"name": "me", "user": {"token": "secret"}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "default"}}],
        });
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig.to_string()).expect("written");
        Server { inner, address, folder, _stop: stop }
    }

    pub(crate) fn kubeconfig(&self) -> std::path::PathBuf {
        self.folder.path().join("kubeconfig")
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Where it is, for a client that waits for no longer than that.
    pub(crate) fn place(&self, timeout: Duration) -> Where {
        Where { kubeconfig: Some(self.kubeconfig()), context: None, namespace: None, timeout }
    }

    pub(crate) fn open(&self) {
        self.lock().is_open = true;
    }

    pub(crate) fn absent(&self, kind: &'static str) {
        self.lock().absent.push(kind);
    }

    pub(crate) fn instead(&self, method: Method, of: &'static str, what: Instead) {
        self.lock().instead.push((method, of, what));
    }

    pub(crate) fn statuses(&self, statuses: impl IntoIterator<Item = Value>) {
        self.lock().statuses = statuses.into_iter().collect();
    }

    /// What was asked that changes something, as `METHOD path?query`.
    pub(crate) fn changes(&self) -> Vec<String> {
        let is_change = |line: &&String| !line.starts_with("GET ") && !line.contains("dryRun=All");
        self.lock().log.iter().filter(is_change).cloned().collect()
    }

    /// All that is there, as `Kind namespace/name`.
    pub(crate) fn names(&self) -> Vec<String> {
        self.lock().objects.values().map(|object| object.shown()).collect()
    }

    /// Puts an object there as a controller would.
    pub(crate) fn put(&self, version: &str, kind: &str, mut object: Value) {
        (object["apiVersion"], object["kind"]) = (version.into(), kind.into());
        let plural = KINDS.iter().find(|(known, name, _)| *known == version && *name == kind).expect("a kind").2;
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).expect(pointer).to_owned();
        let key = [version.to_owned(), plural.to_owned(), text("/metadata/namespace"), text("/metadata/name")];
        self.lock().objects.insert(key, Object::of(object));
    }

    /// An object's value, changed.
    pub(crate) fn edit(&self, kind: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut inner = self.lock();
        let found = inner.objects.values_mut().find(|object| {
            object.shown().ends_with(&format!("/{name}")) && object.shown().starts_with(&format!("{kind} "))
        });
        change(&mut found.expect("it is there").value);
    }

    pub(crate) fn get(&self, kind: &str, name: &str) -> Value {
        let mut found = Value::Null;
        self.edit(kind, name, |value| found = value.clone());
        found
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().expect("no test panics while it holds it")
    }
}

type Shared = State<Arc<Mutex<Inner>>>;

fn router() -> Router<Arc<Mutex<Inner>>> {
    let one = get(object).patch(object).delete(object);
    Router::new()
        .route(
            "/api",
            get(async || {
                axum::Json(json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}))
            }),
        )
        .route("/apis", get(groups))
        .route("/api/v1", get(async |state: Shared| kinds(state, "v1")))
        .route(
            "/apis/{group}/{version}",
            get(async |state: Shared, Path((group, version)): Path<(String, String)>| {
                kinds(state, &format!("{group}/{version}"))
            }),
        )
        .route("/api/v1/namespaces/{namespace}/{plural}", get(object))
        .route("/api/v1/namespaces/{namespace}/{plural}/{name}", one.clone())
        .route("/apis/{group}/{version}/namespaces/{namespace}/{plural}", get(object))
        .route("/apis/{group}/{version}/namespaces/{namespace}/{plural}/{name}", one)
        .fallback(async || Refusal::new(404, "NotFound", "the server could not find the requested resource"))
}

async fn groups(State(inner): Shared) -> Response {
    let instead = inner.lock().expect("whole").instead(&Method::GET, "/apis");
    if let Some(instead) = instead {
        return instead.answer().await;
    }
    let mut groups: Vec<&str> = KINDS.iter().filter_map(|(version, ..)| Some(version.split_once('/')?.0)).collect();
    groups.dedup();
    let version =
        |group: &str| KINDS.iter().find(|(version, ..)| version.starts_with(&format!("{group}/"))).expect("a group").0;
    let listed = groups.iter().map(|group| {
        let version =
            json!({"groupVersion": version(group), "version": version(group).split_once('/').expect("a group").1});
        json!({"name": group, "versions": [version], "preferredVersion": version})
    });
    axum::Json(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": listed.collect::<Vec<_>>()}))
        .into_response()
}

fn kinds(State(inner): Shared, version: &str) -> Response {
    let inner = inner.lock().expect("whole");
    if let Some(Instead::Refuse(code, reason)) = inner.instead(&Method::GET, version) {
        return Refusal::new(code, reason, "refused").into_response();
    }
    let of = KINDS.iter().filter(|(known, kind, _)| *known == version && !inner.absent.contains(kind));
    let resources: Vec<Value> = of
        .map(|(_, kind, plural)| json!({"name": plural, "singularName": "", "namespaced": true, "kind": kind, "verbs": ["get", "list", "patch", "delete"]}))
        .collect();
    if resources.is_empty() {
        return Refusal::new(404, "NotFound", "the server could not find the requested resource").into_response();
    }
    axum::Json(json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}))
        .into_response()
}

impl Inner {
    fn instead(&self, method: &Method, of: &str) -> Option<Instead> {
        self.instead.iter().find(|(wanted, part, _)| wanted == method && of.contains(part)).map(|(_, _, what)| *what)
    }
}

impl Instead {
    async fn answer(self) -> Response {
        match self {
            Instead::Refuse(code, reason) => Refusal::new(code, reason, "it is refused in a test").into_response(),
            Instead::Silence => std::future::pending().await,
            Instead::Garbage => ([(header::CONTENT_TYPE, "text/html")], "<html>a proxy's page</html>").into_response(),
        }
    }
}

async fn object(
    State(inner): Shared,
    method: Method,
    Path(path): Path<BTreeMap<String, String>>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    uri: axum::http::Uri,
    body: Bytes,
) -> Response {
    let shown = uri.to_string();
    let (instead, is_open) = {
        let mut inner = inner.lock().expect("whole");
        inner.log.push(format!("{method} {shown}"));
        (inner.instead(&method, &shown), inner.is_open)
    };
    if let Some(instead) = instead {
        return instead.answer().await;
    }
    if !is_open && headers.get(header::AUTHORIZATION).is_none_or(|value| value != "Bearer secret") {
        return Refusal::new(401, "Unauthorized", "Unauthorized").into_response();
    }
    let inner = &mut *inner.lock().expect("whole");
    match answer(inner, &method, &path, &query, &headers, &body) {
        Ok((code, value)) => (StatusCode::from_u16(code).expect("a status"), axum::Json(value)).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

fn answer(
    inner: &mut Inner,
    method: &Method,
    path: &BTreeMap<String, String>,
    query: &BTreeMap<String, String>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<(u16, Value), Refusal> {
    let (plural, namespace) = (&path["plural"], &path["namespace"]);
    let version = match path.get("group") {
        Some(group) => format!("{group}/{}", path["version"]),
        None => "v1".to_owned(),
    };
    let known = KINDS.iter().find(|(known, _, name)| *known == version && name == plural);
    let Some((_, kind, _)) = known.filter(|(_, kind, _)| !inner.absent.contains(kind)) else {
        return Err(Refusal::new(404, "NotFound", "the server could not find the requested resource"));
    };
    let Some(name) = path.get("name") else {
        let wanted = query.get("labelSelector").map_or("", String::as_str);
        let of = inner
            .objects
            .iter()
            .filter(|([known, name, space, _], _)| *known == version && name == plural && space == namespace);
        let items: Vec<&Value> =
            of.map(|(_, object)| &object.value).filter(|value| answer::has_labels(value, wanted)).collect();
        return Ok((
            200,
            json!({"apiVersion": version, "kind": format!("{kind}List"), "metadata": {"resourceVersion": "1"}, "items": items}),
        ));
    };
    let key = [version, plural.clone(), namespace.clone(), name.clone()];
    let absent = || Refusal::new(404, "NotFound", &format!("{plural} \"{name}\" not found"));
    match *method {
        Method::GET => {
            let object = inner.objects.get_mut(&key).ok_or_else(absent)?;
            if *kind == "Deployment" && !inner.statuses.is_empty() {
                let status = inner.statuses.remove(0);
                object.value["status"] = status;
            }
            Ok((200, object.value.clone()))
        }
        Method::DELETE => {
            inner.objects.remove(&key).ok_or_else(absent)?;
            Ok((200, json!({"kind": "Status", "apiVersion": "v1", "status": "Success"})))
        }
        _ => {
            if !inner.namespaces.contains(namespace) {
                return Err(Refusal::new(404, "NotFound", &format!("namespaces \"{namespace}\" not found")));
            }
            if headers.get(header::CONTENT_TYPE).is_none_or(|value| value != "application/apply-patch+yaml") {
                return Err(Refusal::new(415, "UnsupportedMediaType", "only server-side apply is here"));
            }
            let applied = object::read(body, &key, kind)?;
            let manager = query
                .get("fieldManager")
                .ok_or_else(|| Refusal::new(422, "Invalid", "fieldManager is required for apply patch"))?;
            let before = inner.objects.get(&key);
            let object =
                Object::applied(before, applied, manager, query.get("force").is_some_and(|force| force == "true"))?;
            let (code, value) = (if before.is_none() { 201 } else { 200 }, object.value.clone());
            if query.get("dryRun").is_none_or(|of| of != "All") {
                inner.objects.insert(key, object);
            }
            Ok((code, value))
        }
    }
}
