//! From the first flag to the last answer: read the options, listen, serve, and stop when told.

use crate::config::{Command, Config};
use crate::inference::Inference;
use crate::metrics::{self, Metrics};
use crate::models::{Inside, ModelCard, Models, Served, Version, Weight};
use crate::readiness::Readiness;
use crate::{Error, Limits, Refusal, batched, connections, grpc, limits, protocols, shadow};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::get;
use axum::{Extension, Json, Router};
use std::future::Future;
use std::io::Write as _;
use std::sync::Arc;
use tokio::net::TcpListener;

/// A service that is being put together.
#[derive(Debug)]
pub struct Service {
    name: &'static str,
    version: &'static str,
    models: Vec<Inside>,
    routes: Router,
    limits: Limits,
    document: Option<serde_json::Value>,
}

impl Service {
    /// A service of this name and version, without models and routes.
    pub fn new(name: &'static str, version: &'static str) -> Service {
        Service { name, version, models: vec![], routes: Router::new(), limits: Limits::default(), document: None }
    }

    /// Adds a model: every protocol answers for it, it is listed, replayed by `--self-test`, and made ready before the service listens; `--warm` also reads its pages.
    #[must_use]
    pub fn model<M: modeldeploy::model::Model>(mut self) -> Service {
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
        self.router(Readiness::new())
    }

    pub(crate) fn router(self, readiness: Readiness) -> Result<Router, Error> {
        let listed: Vec<_> = self.models.iter().map(Inside::listed).collect();
        let cards: Vec<ModelCard> = self.models.iter().map(|model| model.card).collect();
        let metrics = Metrics::new(self.name, self.version, &cards);
        let ready = Router::new().route("/readyz", get(is_ready)).with_state(readiness.clone());
        let own = Router::new()
            .route("/healthz", get("ok\n"))
            .route("/livez", get("ok\n"))
            .route("/metrics", get(metrics::show))
            .with_state(metrics.clone())
            .route("/models", get(async || Json(listed)))
            .merge(ready);
        let models = self.models.iter().map(Served::new).collect::<Result<_, _>>();
        let models = models.map_err(|error| Error::Model(error.to_string()))?;
        let models = Models::new(models).map_err(Error::Model)?;
        let inference = Inference::start(models, self.limits).map_err(Error::Model)?;
        if let Some(shadows) = inference.shadows() {
            shadows.register(&metrics);
        }
        let own = own.merge(shadow::router(inference.models().names(), inference.shadows()));
        let service = (self.name, self.version);
        let served = Arc::new(protocols::Served { inference, service, readiness, document: self.document });
        let own = own.merge(self.routes.layer(Extension(batched::Asked(served.clone()))));
        let measured = middleware::from_fn_with_state(metrics.clone(), metrics::measure);
        // Messages of gRPC are read by their own methods: some come in streams.
        let grpc = protocols::grpc_router(served.clone()).layer(measured.clone());
        let protocols = protocols::router(served);
        let answered = |router: Router| {
            router
                .fallback(grpc::no_route)
                .method_not_allowed_fallback(async || {
                    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "the route does not answer this method")
                })
                .layer(DefaultBodyLimit::max(self.limits.body_bytes))
                .layer(middleware::from_fn_with_state(self.limits, limits::read_body))
                .layer(measured.clone())
        };
        // Where a path is in both, the service's own route answers.
        Ok(answered(own).fallback_service(answered(protocols).merge(grpc)))
    }

    /// Does what the command line asks: serves until SIGTERM or Ctrl-C, or replays the golden vectors and returns.
    ///
    /// # Errors
    ///
    /// Wrong options, an address that is taken, a model that cannot be used or whose golden vectors do not come back.
    pub async fn serve(self) -> Result<(), Error> {
        let base = Config::with(self.limits);
        match Command::read(std::env::args_os().skip(1), std::env::vars_os(), base)? {
            Command::Help(text) => say(format_args!("{} {}\n\n{text}", self.name, self.version))?,
            Command::Print(text) => say(format_args!("{text}"))?,
            Command::Version => self.print_versions()?,
            Command::SelfTest => self.self_test()?,
            Command::Serve(config) => self.listen(*config, stop_signal()).await?,
        }
        Ok(())
    }

    fn print_versions(&self) -> Result<(), Error> {
        say(format_args!("{} {}", self.name, self.version))?;
        self.models
            .iter()
            .try_for_each(|Inside { card, .. }| say(format_args!("{} {} {}", card.name, card.version, card.digest)))
    }

    fn self_test(&self) -> Result<(), Error> {
        for model in &self.models {
            say(format_args!("{}", (model.self_test)().map_err(Error::SelfTest)?))?;
        }
        Ok(())
    }

    async fn listen(mut self, config: Config, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        Weight::apply(&config.weights, &mut self.models).map_err(Error::Options)?;
        for model in &self.models {
            (model.load)(config.warm).map_err(Error::Model)?;
        }
        self.limits = config.limits;
        let (address, name, version) = (config.listen, self.name, self.version);
        let begun = self.begin()?;
        let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
        let address = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
        // Nobody need listen to what it says in order to be served.
        let _unheard = say(format_args!("{name} {version} listens on http://{address}"));
        begun.serve(listener, stop).await;
        Ok(())
    }

    /// Serves on a listener that is there already, until `stop` ends; then it stops as [`serve`](Service::serve) does when it is told to.
    /// It reads no flags and says nothing: for tests with a socket, and for listeners that something else opens.
    ///
    /// # Errors
    ///
    /// If a model cannot be used.
    pub async fn serve_on(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Error> {
        self.begin()?.serve(listener, stop).await;
        Ok(())
    }

    fn begin(self) -> Result<Begun, Error> {
        let (limits, readiness) = (self.limits, Readiness::new());
        Ok(Begun { limits, router: self.router(readiness.clone())?, readiness })
    }
}

/// A service whose workers have started.
struct Begun {
    router: Router,
    limits: Limits,
    readiness: Readiness,
}

impl Begun {
    async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let Begun { router, limits, readiness } = self;
        let until = async move {
            stop.await;
            readiness.stop();
        };
        connections::serve(listener, router, limits, until).await;
    }
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

/// Ends when the process is told to stop.
async fn stop_signal() {
    let interrupt = async {
        // Without the handler, Ctrl-C still ends the process, only at once.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
