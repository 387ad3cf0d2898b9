//! A client of the hand-made service on a socket: any method, by its path.

use crate::models::service;
use axum::http::uri::PathAndQuery;
use modeldeploy_service::{Limits, Service};
use prost::Message;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::thread;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tonic::client::Grpc;
use tonic::codec::Streaming;
use tonic::transport::{Channel, Endpoint};
use tonic::{IntoRequest, Request, Response, Status};
use tonic_prost::ProstCodec;

/// A service that runs in a thread of its own.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    pub(super) stop: Arc<Notify>,
    pub(super) ended: oneshot::Receiver<()>,
}

impl Running {
    pub(super) fn new(service: Service) -> Running {
        let stop = Arc::new(Notify::new());
        let ((say, heard), (end, ended)) = (std::sync::mpsc::channel(), oneshot::channel());
        let told = stop.clone();
        thread::spawn(move || {
            tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                say.send(listener.local_addr().expect("an address")).expect("the test listens");
                service.serve_on(listener, async move { told.notified().await }).await.expect("it serves");
            });
            let _unheard = end.send(());
        });
        Running { address: heard.recv().expect("it listens"), stop, ended }
    }

    pub(super) fn with(limits: Limits) -> Running {
        Running::new(service().limits(limits))
    }

    pub(super) async fn client(&self) -> Client {
        client(self.address).await
    }
}

/// A client of the service that all tests share which want nothing of their own.
pub(super) async fn shared() -> Client {
    static SHARED: OnceLock<SocketAddr> = OnceLock::new();
    let address = *SHARED.get_or_init(|| Running::new(service()).address);
    client(address).await
}

async fn client(address: SocketAddr) -> Client {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    Client(endpoint.connect().await.expect("connected"))
}

#[derive(Clone)]
pub(super) struct Client(Channel);

impl Client {
    async fn grpc(&self) -> Grpc<Channel> {
        let mut grpc = Grpc::new(self.0.clone());
        grpc.ready().await.expect("connected");
        grpc
    }

    /// What a method answers to a message.
    pub(super) async fn unary<Q, A>(&self, path: &'static str, request: impl IntoRequest<Q>) -> Result<A, Status>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        Ok(self.answer(path, request.into_request()).await?.into_inner())
    }

    /// As [`unary`](Client::unary), with the answer's metadata.
    pub(super) async fn answer<Q, A>(&self, path: &'static str, request: Request<Q>) -> Result<Response<A>, Status>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        let path = PathAndQuery::from_static(path);
        self.grpc().await.unary(request, path, ProstCodec::<Q, A>::default()).await
    }

    /// The answers to a message.
    pub(super) async fn watch<Q, A>(&self, path: &'static str, request: Q) -> Result<Streaming<A>, Status>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        let path = PathAndQuery::from_static(path);
        let mut grpc = self.grpc().await;
        let answer = grpc.server_streaming(Request::new(request), path, ProstCodec::<Q, A>::default()).await?;
        Ok(answer.into_inner())
    }

    /// The answers to messages, after which the stream stays open if `open` says so.
    pub(super) async fn stream<Q, A>(
        &self,
        path: &'static str,
        messages: Vec<Q>,
        open: bool,
    ) -> Result<Streaming<A>, Status>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        use futures_util::stream::{self, StreamExt};
        let path = PathAndQuery::from_static(path);
        let rest = stream::once(pending::<Q>()).take(usize::from(open));
        let messages = stream::iter(messages).chain(rest);
        let mut grpc = self.grpc().await;
        let answer = grpc.streaming(Request::new(messages), path, ProstCodec::<Q, A>::default()).await?;
        Ok(answer.into_inner())
    }
}
