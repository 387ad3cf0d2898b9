//! How a service says which versions of a model it holds.

use super::{Inside, Share};
use modeldeploy::model::AnyModel;

/// A version of a model, with its label and its share of the requests; [`Service::versions`](crate::Service::versions) takes them.
///
/// Each is a model of its own in `Model.lock`, with a gate of its own.
///
/// ```no_run
/// # use modeldeploy_service::{Service, Share, Version};
/// # fn add<QueryEncoder, QueryEncoderNext, QueryEncoderTry>(service: Service) -> Service
/// # where
/// #     QueryEncoder: modeldeploy::Model, QueryEncoderNext: modeldeploy::Model, QueryEncoderTry: modeldeploy::Model,
/// # {
/// service.versions("query-encoder", [
///     Version::stable::<QueryEncoder>(),
///     Version::canary::<QueryEncoderNext>(Share::percent(5.0)),
///     Version::shadow::<QueryEncoderTry>(),
/// ])
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Version(pub(crate) Inside);

impl Version {
    /// A version without a label, which answers who asks for it.
    pub fn of<M: AnyModel>() -> Version {
        Version(Inside::of::<M>())
    }

    /// The version with the label `stable`: it answers all that no other one has a share of.
    pub fn stable<M: AnyModel>() -> Version {
        Version::of::<M>().label(STABLE)
    }

    /// The version with the label `canary`, and its share of the requests.
    pub fn canary<M: AnyModel>(share: Share) -> Version {
        Version::of::<M>().label("canary").share(share)
    }

    /// The version with the label `shadow`: it answers nobody. What the others answered it scores as well, when the processors have
    /// nothing else to do, and `/models/{name}/shadow` and `/metrics` tell how far it was from them.
    pub fn shadow<M: AnyModel>() -> Version {
        let mut version = Version::of::<M>().label("shadow");
        version.0.is_shadow = true;
        version
    }

    /// With this label.
    #[must_use]
    pub fn label(mut self, label: &'static str) -> Version {
        self.0.label = Some(label);
        self
    }

    /// With this share of the requests that ask for no version.
    #[must_use]
    pub fn share(mut self, share: Share) -> Version {
        self.0.share = share;
        self
    }
}

/// The label of the version that answers all that no other one has a share of.
pub(crate) const STABLE: &str = "stable";
