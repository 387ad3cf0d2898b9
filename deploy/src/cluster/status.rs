//! What runs, and whether it is what is stated here: images by their digests, models by those of the lock.

use super::connect::{Cluster, Where, block};
use super::fault::problem;
use super::objects::{Kinds, Named};
use super::rollout::{Progress, of_deployment, of_inference};
use crate::image::Pinned;
use crate::problem::Problem;
use crate::target::Target;
use crate::{MODELS, facts};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use kube::ResourceExt;
use kube::api::{Api, DynamicObject, ListParams};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What should run.
#[derive(Clone, Debug)]
pub struct Expected {
    /// What the objects are called.
    pub name: String,
    /// Where it was deployed to: `kubernetes` or `kserve`.
    pub target: Target,
    /// The image, if one is stated.
    pub image: Option<Pinned>,
    /// That of the canary.
    pub canary: Option<Pinned>,
    /// The models of the lock.
    pub models: Vec<facts::Model>,
}

/// What runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// The cluster's address.
    pub cluster: String,
    /// The namespace.
    pub namespace: String,
    /// Each image with its replicas; none where nothing is deployed.
    pub running: Vec<Running>,
}

/// An image that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Running {
    /// The object, as `Kind namespace/name`.
    pub object: String,
    /// Its image.
    pub image: Option<String>,
    /// How many replicas there are to be, how many are new, and how many are ready; KServe tells no numbers.
    pub replicas: Option<[i32; 3]>,
    /// Whether all of it is the new one, and ready.
    pub done: bool,
    /// How far it is, in words.
    pub progress: String,
    /// The models inside, as it was stated when it was applied.
    pub models: Vec<Inside>,
    /// What is not as it is stated here.
    pub differs: Vec<String>,
    /// The image before this one, by which one goes back.
    pub previous: Option<String>,
}

/// A model that is said to be inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inside {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its pack's digest.
    pub digest: String,
}

impl Status {
    /// Whether all that runs is as it is stated here.
    pub fn agrees(&self) -> bool {
        self.running.iter().all(|running| running.differs.is_empty())
    }

    /// Whether all of it is ready.
    pub fn done(&self) -> bool {
        self.running.iter().all(|running| running.done)
    }
}

/// Asks a cluster what runs.
///
/// # Errors
///
/// If it cannot be asked.
pub fn status(expected: &Expected, place: &Where) -> Result<Status, Vec<Problem>> {
    block(async {
        let cluster = Cluster::connect(place).await.map_err(|problem| vec![problem])?;
        let running = running(&cluster, expected).await.map_err(|problem| vec![problem])?;
        Ok(Status { cluster: cluster.address, namespace: cluster.namespace, running })
    })
}

async fn running(cluster: &Cluster, expected: &Expected) -> Result<Vec<Running>, Problem> {
    let name = &expected.name;
    let (version, kind) = match expected.target {
        Target::Kserve => ("serving.kserve.io/v1beta1", "InferenceService"),
        _ => ("apps/v1", "Deployment"),
    };
    let canary = format!("{name}-canary");
    let objects = [(name, &expected.image), (&canary, &expected.canary)];
    let mut kinds = Kinds::default();
    let mut found = vec![];
    for (name, image) in objects {
        let named = Named {
            version: version.to_owned(),
            kind: kind.to_owned(),
            namespace: cluster.namespace.clone(),
            name: name.clone(),
        };
        let api = kinds.api(cluster, &named).await?;
        match api.get_opt(name).await {
            Ok(Some(object)) => found.push((named, object, image.as_ref())),
            Ok(None) => {}
            Err(error) => return Err(problem(cluster, &named.shown(), &error)),
        }
    }
    // The lock here describes the newer of the two.
    let newer = found.len().saturating_sub(1);
    let mut all = vec![];
    for (at, (named, object, image)) in found.into_iter().enumerate() {
        let models = (at == newer).then_some(&expected.models[..]);
        all.push(one(cluster, &named, object, image, models).await?);
    }
    Ok(all)
}

async fn one(
    cluster: &Cluster,
    named: &Named,
    object: DynamicObject,
    stated: Option<&Pinned>,
    locked: Option<&[facts::Model]>,
) -> Result<Running, Problem> {
    let models: Option<Vec<Inside>> = object.annotations().get(MODELS).and_then(|text| serde_json::from_str(text).ok());
    let (image, replicas, progress, previous) = match named.kind.as_str() {
        "Deployment" => deployment(cluster, named, &object).await?,
        _ => (inference_image(&object), None, of_inference(&object), None),
    };
    let differs = differences(image.as_deref(), stated, models.as_deref(), locked);
    let done = progress == Progress::Done;
    let progress = match progress {
        Progress::Done => "rolled out".to_owned(),
        Progress::Under(how_far) => how_far,
        Progress::Failed(why) => why,
    };
    Ok(Running {
        object: named.shown(),
        image,
        replicas,
        done,
        progress,
        models: models.unwrap_or_default(),
        differs,
        previous,
    })
}

/// The service whose object it is.
pub(super) fn instance(object: &DynamicObject) -> Option<&str> {
    object.labels().get("app.kubernetes.io/instance").map(String::as_str)
}

/// The image, the numbers of replicas, how far it is, and the image before.
type Deployed = (Option<String>, Option<[i32; 3]>, Progress, Option<String>);

async fn deployment(cluster: &Cluster, named: &Named, object: &DynamicObject) -> Result<Deployed, Problem> {
    let parsed: Result<Deployment, _> = object.clone().try_parse();
    let Ok(deployment) = parsed else {
        return Ok((None, None, Progress::Failed("what the cluster says of it is no Deployment".to_owned()), None));
    };
    let image = deployment.spec.as_ref().and_then(|spec| container(spec.template.spec.as_ref()?));
    let status = deployment.status.clone().unwrap_or_default();
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let replicas = [wanted, status.updated_replicas.unwrap_or(0), status.ready_replicas.unwrap_or(0)];
    let progress = of_deployment(&deployment);
    let previous = previous(cluster, named, object, image.as_deref()).await?;
    Ok((image, Some(replicas), progress, previous))
}

/// The image of the service's container: that of its name, or the first.
fn container(pod: &k8s_openapi::api::core::v1::PodSpec) -> Option<String> {
    let own = pod.containers.iter().find(|container| container.name == "service");
    own.or_else(|| pod.containers.first())?.image.clone()
}

fn inference_image(object: &DynamicObject) -> Option<String> {
    let image = object.data.pointer("/spec/predictor/containers/0/image").and_then(Value::as_str);
    image.map(str::to_owned)
}

/// The image of the newest revision that had another one. Who may not see revisions is told none.
async fn previous(
    cluster: &Cluster,
    named: &Named,
    deployment: &DynamicObject,
    image: Option<&str>,
) -> Result<Option<String>, Problem> {
    let api: Api<ReplicaSet> = Api::namespaced(cluster.client.clone(), &named.namespace);
    let instance = instance(deployment).unwrap_or(&named.name);
    let params = ListParams::default().labels(&format!("app.kubernetes.io/instance={instance}"));
    let sets = match api.list(&params).await {
        Ok(list) => list.items,
        Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => return Ok(None),
        Err(error) => return Err(problem(cluster, &named.shown(), &error)),
    };
    let uid = deployment.uid();
    let owned = sets.iter().filter(|set| set.owner_references().iter().any(|owner| Some(&owner.uid) == uid.as_ref()));
    let revisions = owned.filter_map(|set| {
        let revision: u64 = set.annotations().get("deployment.kubernetes.io/revision")?.parse().ok()?;
        let image = container(set.spec.as_ref()?.template.as_ref()?.spec.as_ref()?)?;
        Some((revision, image))
    });
    Ok(revisions.filter(|(_, other)| Some(other.as_str()) != image).max().map(|(_, image)| image))
}

/// What is not as it is stated here, a line each.
fn differences(
    image: Option<&str>,
    stated: Option<&Pinned>,
    models: Option<&[Inside]>,
    locked: Option<&[facts::Model]>,
) -> Vec<String> {
    let mut differs = vec![];
    let running = image.map(Pinned::parse);
    match (&running, stated) {
        (Some(Ok(running)), Some(stated)) if running.digest != stated.digest => {
            differs.push(format!("the image {} runs, and {} is stated", running.digest, stated.digest));
        }
        (Some(Err(_)), _) => {
            differs.push(format!("the image `{}` runs, which is not pinned by a digest", image.unwrap_or_default()))
        }
        (None, _) => differs.push("no image can be seen".to_owned()),
        _ => {}
    }
    let Some(locked) = locked else { return differs };
    let Some(models) = models else {
        differs.push("nothing says which models are inside: it was not applied by this command".to_owned());
        return differs;
    };
    for model in locked {
        match models.iter().find(|inside| inside.name == model.name) {
            None => differs.push(format!("the model `{}` {} is locked, and not inside", model.name, model.version)),
            Some(inside) if inside.digest != model.digest.to_string() => differs.push(format!(
                "the model `{}` inside is {} {}, and {} {} is locked",
                model.name, inside.version, inside.digest, model.version, model.digest
            )),
            Some(_) => {}
        }
    }
    let strange = models.iter().filter(|inside| !locked.iter().any(|model| model.name == inside.name));
    differs.extend(
        strange.map(|inside| format!("the model `{}` {} is inside, and not locked", inside.name, inside.version)),
    );
    differs
}
