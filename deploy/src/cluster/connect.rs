//! Finding a cluster: the kubeconfig, one of its contexts, or the cluster that the process itself runs in.

use crate::problem::{Kind, Problem};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

/// Which cluster, and how long it may take to answer.
#[derive(Clone, Debug)]
pub struct Where {
    /// The kubeconfig; without it that of `KUBECONFIG`, that of the home folder, or the cluster around the process.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; without it the current one.
    pub context: Option<String>,
    /// The namespace, in the place of the context's.
    pub namespace: Option<String>,
    /// How long a request may take.
    pub timeout: Duration,
}

/// A client, and the namespace that is meant.
pub(super) struct Cluster {
    pub(super) client: Client,
    pub(super) namespace: String,
    /// The server's address, for errors.
    pub(super) address: String,
}

impl Cluster {
    pub(super) async fn connect(place: &Where) -> Result<Cluster, Problem> {
        let unfound = |why: &dyn std::fmt::Display| {
            Problem::new(Kind::Unreachable, format!("there is no cluster to speak to: {why}")).help(
                "`kubectl config get-contexts` lists the contexts; `--kubeconfig FILE` and `--context NAME` choose",
            )
        };
        let options = KubeConfigOptions { context: place.context.clone(), ..KubeConfigOptions::default() };
        let mut config = match &place.kubeconfig {
            Some(file) => {
                let read =
                    Kubeconfig::read_from(file).map_err(|error| unfound(&error).at(file.display().to_string()))?;
                Config::from_custom_kubeconfig(read, &options)
                    .await
                    .map_err(|error| unfound(&error).at(file.display().to_string()))?
            }
            None if place.context.is_some() => {
                Config::from_kubeconfig(&options).await.map_err(|error| unfound(&error))?
            }
            None => Config::infer().await.map_err(|error| unfound(&error))?,
        };
        (config.connect_timeout, config.read_timeout, config.write_timeout) =
            (Some(place.timeout), Some(place.timeout), Some(place.timeout));
        let namespace = place.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let address = config.cluster_url.to_string();
        let client = Client::try_from(config).map_err(|error| unfound(&error).at(&address))?;
        Ok(Cluster { client, namespace, address })
    }
}

/// Runs what waits for a cluster, in this thread.
pub(super) fn block<T>(future: impl Future<Output = Result<T, Vec<Problem>>>) -> Result<T, Vec<Problem>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| vec![Problem::new(Kind::Unreachable, format!("the system gives no sockets: {error}"))])?;
    runtime.block_on(future)
}
