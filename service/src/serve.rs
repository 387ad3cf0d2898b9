//! From the first flag to the last answer: read the options, listen, serve, and stop when told.

use crate::auth::{Auth, Gate};
use crate::bodies::Bodies;
use crate::config::{Command, Config};
use crate::inference::Inference;
use crate::lifecycle::{Signals, Supervisor};
use crate::metrics::{self, Metrics};
use crate::models::{Inside, ModelCard, Models, Served, Version, Weight};
use crate::observe::{self, ObserveLayer, Observer};
use crate::probe::probe;
use crate::protocols::{Whole, Whose};
use crate::readiness::Readiness;
use crate::sandbox::Uses;
use crate::tls::Tls;
use crate::traces::{self, Tracer};
use crate::watched::Renew;
use crate::{
    Error, Limits, Need, Refusal, auth, batched, connections, grpc, lifecycle, limits, logs, panics, processors,
    protocols, sandbox, shadow, tls,
};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware;
use axum::routing::get;
use axum::{Extension, Json, Router};
use std::future::Future;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// A service that is being put together.
#[derive(Debug)]
pub struct Service {
    name: &'static str,
    version: &'static str,
    models: Vec<Inside>,
    routes: Router,
    limits: Limits,
    needs: Vec<Need>,
    document: Option<serde_json::Value>,
}

impl Service {
    /// A service of this name and version, without models and routes.
    pub fn new(name: &'static str, version: &'static str) -> Service {
        Service {
            name,
            version,
            models: vec![],
            routes: Router::new(),
            limits: Limits::default(),
            needs: vec![],
            document: None,
        }
    }

    /// Adds a model, of texts or a ranker: every protocol that has words for it answers for it, it is listed, replayed by `--self-test`,
    /// and made ready before the service listens; `--warm` also reads its pages.
    #[must_use]
    pub fn model<M: modeldeploy::model::AnyModel>(mut self) -> Service {
        self.models.push(Inside::of::<M>());
        self
    }

    /// Adds several versions of a model under one name, whatever they are called in the lock: the paths of the protocols, headers and
    /// shares choose among them. Models that [`model`](Service::model) adds under one name are versions, too.
    #[must_use]
    pub fn versions(mut self, name: &'static str, versions: impl IntoIterator<Item = Version>) -> Service {
        self.models.extend(versions.into_iter().map(|version| version.0.named(name)));
        self
    }

    /// Adds the service's own routes. They are measured and limited like all others, and go before those of the protocols.
    ///
    /// # Panics
    ///
    /// If a route is there already.
    #[must_use]
    pub fn routes(mut self, routes: Router) -> Service {
        self.routes = self.routes.merge(routes);
        self
    }

    /// Sets what clients may take at most.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Service {
        self.limits = limits;
        self
    }

    /// Adds the OpenAPI document of the service's own routes to `/openapi.json`: its `info`, `tags`, `paths` and `components` go before those
    /// of the protocols, as the routes do.
    #[must_use]
    pub fn openapi(mut self, document: serde_json::Value) -> Service {
        self.document = Some(document);
        self
    }

    /// The whole service as a router, as [`serve`](Service::serve) serves it; for tests without a socket. Its models are made and their
    /// workers started.
    ///
    /// # Errors
    ///
    /// If a model cannot be used.
    pub fn into_router(self) -> Result<Router, Error> {
        Ok(self.router(Readiness::new(), Auth::Open, observe::Settings::default())?.0)
    }

    /// The router, and who is told of its requests.
    fn router(self, readiness: Readiness, auth: Auth, telling: observe::Settings) -> Result<(Router, Observer), Error> {
        let listed: Vec<_> = self.models.iter().map(Inside::listed).collect();
        let models = self.models.iter().map(Served::new).collect::<Result<_, _>>();
        let models = Models::new(models.map_err(|error| Error::Model(error.to_string()))?).map_err(Error::Model)?;
        let served: Vec<ModelCard> = models.all().iter().map(|model| model.card).collect();
        let metrics = Metrics::new(self.name, self.version, &served);
        let inference = Inference::start(models, self.limits, &metrics).map_err(Error::Model)?;
        let inference = inference.saying_texts(telling.says_texts);
        let observer = Observer::new(metrics.clone(), telling.tracer);
        let ready = Router::new().route("/readyz", get(is_ready)).with_state(readiness.clone());
        let own = Router::new()
            .route("/healthz", get("ok\n"))
            .route("/livez", get("ok\n"))
            .route("/models", get(async || Json(listed)))
            .merge(shadow::router(inference.models().names(), inference.shadows()))
            .merge(ready)
            .merge(metrics::router(metrics));
        let service = (self.name, self.version);
        let metrics = observer.metrics().clone();
        let bodies = Bodies::new(self.limits.bodies_bytes);
        let served = protocols::Served {
            inference,
            bodies: bodies.clone(),
            auth: auth.clone(),
            service,
            readiness,
            metrics,
            document: self.document,
        };
        let served = Arc::new(served);
        let own = own.merge(self.routes.layer(Extension(batched::Asked(served.clone()))));
        let observed = ObserveLayer(observer.clone());
        let (limits, begun) = (self.limits, Instant::now());
        let models = served.clone();
        let guarded = |router: Router, form: Whose| {
            let models = (form == Whose::OfPath).then(|| models.clone());
            let gate = Arc::new(Gate { auth: auth.clone(), limits, form, begun, models });
            router
                .layer(middleware::from_fn(move |request, next| panics::contain(form, request, next)))
                .layer(middleware::from_fn_with_state(gate, auth::pass))
                .layer(observed.clone())
        };
        // Messages of gRPC are read by their own methods: some come in streams.
        let grpc = guarded(protocols::grpc_router(served.clone()), Whose::OfPath);
        let protocols = protocols::router(served);
        let answered = |router: Router, form: Whose| {
            let router = router
                .fallback(grpc::no_route)
                .method_not_allowed_fallback(async move |uri: Uri, headers: HeaderMap| {
                    let refused = Whole::new(StatusCode::METHOD_NOT_ALLOWED, "the route does not answer this method");
                    refused.answer(form.of(uri.path(), &headers))
                })
                .layer(DefaultBodyLimit::max(limits.body_bytes))
                .layer(middleware::from_fn_with_state((limits, bodies.clone(), form), limits::read_body));
            guarded(router, form)
        };
        // Where a path is in both, the service's own route answers.
        Ok((answered(own, Whose::Own).fallback_service(answered(protocols, Whose::OfPath).merge(grpc)), observer))
    }

    /// Says what the service's own routes need of the system while they answer, beside what every service does: the rest is refused to
    /// them, by the sandbox. What is read before [`run`](Service::run) needs no word.
    #[must_use]
    pub fn needs(mut self, need: Need) -> Service {
        self.needs.push(need);
        self
    }

    /// Does what the command line asks: serves until SIGTERM or Ctrl-C, or replays the golden vectors and returns. It makes the threads
    /// that it needs, after the sandbox has closed.
    ///
    /// # Errors
    ///
    /// Wrong options, files that cannot be used, an address that is taken, a model that cannot be used or whose golden vectors do not
    /// come back.
    pub fn run(self) -> Result<(), Error> {
        self.run_until(std::future::pending())
    }

    /// As [`run`](Service::run), for those who have a runtime already: in a thread of its own, until the future is dropped.
    ///
    /// Threads that were there before are not held by Landlock, but by seccomp alone.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Service::run).
    pub async fn serve(self) -> Result<(), Error> {
        let (_alive, gone) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        let run = move || {
            let gone = async {
                let _gone = gone.await;
            };
            let _unheard = end.send(self.run_until(gone));
        };
        let thread = thread::Builder::new().name("service".to_owned()).spawn(run).map_err(Error::System)?;
        match ended.await {
            Ok(outcome) => outcome,
            Err(_panicked) => match thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => unreachable!("it has sent its outcome"),
            },
        }
    }

    fn run_until(self, gone: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let base = Config::with(self.limits);
        match Command::read(std::env::args_os().skip(1), std::env::vars_os(), base)? {
            Command::Help(text) => say(format_args!("{} {}\n\n{text}", self.name, self.version)),
            Command::Print(text) => say(format_args!("{text}")),
            Command::Sandbox(config) => say(format_args!("{}", self.uses(&config)?)),
            Command::Version => self.print_versions(),
            Command::SelfTest => self.self_test(),
            Command::Probe(config) => say(format_args!("{} is ready", probe(&config)?)),
            Command::Serve(config) => self.start(&config, gone),
        }
    }

    /// What the process uses of its system.
    fn uses(&self, config: &Config) -> Result<Uses, Error> {
        let traces = traces::are_wanted(variable).map_err(Error::Options)?;
        let needs: Vec<Need> = self.needs.iter().cloned().chain(traces.then_some(Need::Connect)).collect();
        Ok(Uses::of(config, &needs))
    }

    fn print_versions(&self) -> Result<(), Error> {
        say(format_args!("{} {}", self.name, self.version))?;
        self.models
            .iter()
            .try_for_each(|Inside { card, .. }| say(format_args!("{} {} {}", card.name, card.version, card.digest)))
    }

    fn self_test(&self) -> Result<(), Error> {
        for model in &self.models {
            say(format_args!("{}", model.self_test().map_err(Error::SelfTest)?))?;
        }
        Ok(())
    }

    /// Serves with this configuration until a signal or `gone`.
    fn start(mut self, config: &Config, gone: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        logs::start(&config.logs);
        Weight::apply(&config.weights, &mut self.models).map_err(Error::Options)?;
        for model in &self.models {
            model.load(config.warm).map_err(Error::Model)?;
        }
        self.limits = config.limits;
        let guards = Guards::open(config)?;
        let supervisor = Supervisor::of(std::env::var_os("NOTIFY_SOCKET").as_deref()).map_err(Error::System)?;
        let listener = bind(config.listen).map_err(|source| Error::Listen { address: config.listen, source })?;
        let processors = processors::processors();
        // All that is read is read, and no thread has begun.
        sandbox::enter(config.sandbox, &self.uses(config)?).map_err(Error::Sandbox)?;
        let runtime =
            Builder::new_multi_thread().worker_threads(processors).enable_all().build().map_err(Error::System)?;
        let end = End { drain_delay: config.drain_delay, supervisor, gone };
        let served = runtime.block_on(self.listen(listener, guards, config.logs.texts, end));
        runtime.shutdown_background();
        served
    }

    async fn listen(
        self,
        listener: std::net::TcpListener,
        guards: Guards,
        says_texts: bool,
        end: End<impl Future<Output = ()> + Send + 'static>,
    ) -> Result<(), Error> {
        let (signals, hangups) = Signals::new().map_err(Error::System)?;
        let (name, version) = (self.name, self.version);
        let renewed = guards.renewed();
        let tracer = Tracer::from_env(name, version, variable).map_err(Error::Options)?;
        let begun = self.begin(guards, observe::Settings { says_texts, tracer })?;
        let address = listener.local_addr().map_err(Error::System)?;
        let listener = TcpListener::from_std(listener).map_err(Error::System)?;
        tokio::spawn(lifecycle::keep(renewed, hangups));
        // Nobody need listen to what it says in order to be served.
        let scheme = if begun.tls.is_some() { "https" } else { "http" };
        let _unheard = say(format_args!("{name} {version} listens on {scheme}://{address}"));
        tracing::info!(target: logs::TARGET, service = name, version, %address, "listening");
        end.supervisor.ready();
        let readiness = begun.readiness.clone();
        let until = async move {
            tokio::select! {
                () = signals.stop() => {}
                () = end.gone => {}
            }
            readiness.stop();
            end.supervisor.stopping();
            tokio::time::sleep(end.drain_delay).await;
        };
        begun.serve(listener, until).await;
        tracing::info!(target: logs::TARGET, "stopped");
        Ok(())
    }

    /// Serves on a listener that is there already, until `stop` ends; then it stops as [`serve`](Service::serve) does when it is told to.
    /// It reads no flags and says nothing, everybody may ask, and it closes no sandbox: for tests with a socket, and for listeners that
    /// something else opens.
    ///
    /// # Errors
    ///
    /// If a model cannot be used.
    pub async fn serve_on(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Error> {
        let guards = Guards { auth: Auth::Open, tls: None };
        self.begin(guards, observe::Settings::default())?.serve(listener, stop).await;
        Ok(())
    }

    fn begin(self, guards: Guards, telling: observe::Settings) -> Result<Begun, Error> {
        let Guards { auth, tls } = guards;
        let (limits, readiness) = (self.limits, Readiness::new());
        let (router, observer) = self.router(readiness.clone(), auth, telling)?;
        Ok(Begun { limits, tls, router, observer, readiness })
    }
}

/// A service whose workers have started.
struct Begun {
    router: Router,
    observer: Observer,
    limits: Limits,
    tls: Option<Arc<Tls>>,
    readiness: Readiness,
}

impl Begun {
    async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let Begun { router, observer, limits, tls, readiness } = self;
        let until = async move {
            stop.await;
            readiness.stop();
            tracing::info!(target: logs::TARGET, "stopping");
        };
        connections::serve(listener, (router, observer.metrics().clone()), (limits, tls), until).await;
        observer.stop().await;
    }
}

/// What connections and requests go through first.
struct Guards {
    auth: Auth,
    tls: Option<Arc<Tls>>,
}

impl Guards {
    /// Reads the files that a configuration names.
    fn open(config: &Config) -> Result<Guards, Error> {
        let auth = Auth::open(&config.auth).map_err(Error::File)?;
        Ok(Guards { auth, tls: tls::open(&config.tls).map_err(Error::File)?.map(Arc::new) })
    }

    /// What of them is read again while the service runs.
    fn renewed(&self) -> Vec<Arc<dyn Renew>> {
        let mut renewed: Vec<Arc<dyn Renew>> = vec![];
        if let Auth::Tokens { tokens, .. } = &self.auth {
            renewed.push(tokens.clone());
        }
        renewed.extend(self.tls.clone().map(|tls| tls as Arc<dyn Renew>));
        renewed
    }
}

/// A variable of the environment.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// How a service ends.
struct End<F> {
    /// Between the word and the end of new connections.
    drain_delay: Duration,
    supervisor: Supervisor,
    /// Ends when nobody waits for the service any more.
    gone: F,
}

/// Connections that may wait to be accepted: one more is dropped by the system, and comes again a second later.
const BACKLOG: u32 = 4096;

/// A port, to be listened on by a runtime that is not there yet.
fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let passing = Builder::new_current_thread().enable_io().build()?;
    passing.block_on(async {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // On Windows it would take a port from who has it.
        #[cfg(not(windows))]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)?.into_std()
    })
}

/// A line on stdout, which may be closed.
fn say(line: std::fmt::Arguments<'_>) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(Error::Output)
}

async fn is_ready(State(readiness): State<Readiness>) -> Result<&'static str, Refusal> {
    if !readiness.is_ready() {
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping"));
    }
    Ok("ok\n")
}
