//! What a model takes and gives, whether it is there, and that no other is loaded.

use super::spec;
use crate::grpc::Call;
use crate::grpc::wire::tensorflow::error::Code;
use crate::grpc::wire::tensorflow::serving::model_version_status::State;
use crate::grpc::wire::tensorflow::serving::{
    GetModelMetadataRequest, GetModelMetadataResponse, GetModelStatusRequest, GetModelStatusResponse, ModelSpec,
    ModelVersionStatus, ReloadConfigRequest, ReloadConfigResponse, SignatureDefMap, StatusProto,
};
use crate::grpc::wire::tensorflow::tensor_info::Encoding;
use crate::grpc::wire::tensorflow::tensor_shape_proto::Dim;
use crate::grpc::wire::tensorflow::{DataType, SignatureDef, TensorInfo, TensorShapeProto};
use crate::protocols::tfserving::SIGNATURE;
use crate::protocols::tfserving::error::Error;
use crate::protocols::tfserving::metadata::{METHOD, Tensor, inputs, outputs};
use prost::{Message, Name};
use prost_types::Any;

/// The only metadata that there are.
const FIELD: &str = "signature_def";

pub(super) async fn metadata(call: Call<GetModelMetadataRequest>) -> Result<GetModelMetadataResponse, Error> {
    let GetModelMetadataRequest { model_spec, metadata_field } = call.message;
    let place = spec::find(&call.served, model_spec.as_ref())?;
    if metadata_field.is_empty() {
        return Err(Error::invalid(format!("`metadata_field` is empty, and there is `{FIELD}`")));
    }
    if let Some(field) = metadata_field.iter().find(|field| *field != FIELD) {
        return Err(Error::invalid(format!("`metadata_field`: there is no `{field}`; there is `{FIELD}`")));
    }
    let model = call.served.inference.served(place);
    let tensor = |Tensor { name, dtype, sizes }: Tensor| (name.to_owned(), info(name, dtype, &sizes));
    let signature = SignatureDef {
        inputs: inputs(model).into_iter().map(tensor).collect(),
        outputs: outputs(model).into_iter().map(tensor).collect(),
        method_name: METHOD.to_owned(),
    };
    let signatures = SignatureDefMap { signature_def: [(SIGNATURE.to_owned(), signature)].into() };
    // Its clients know the message by this prefix and its name.
    let type_url = format!("type.googleapis.com/{}", SignatureDefMap::full_name());
    let any = Any { type_url, value: signatures.encode_to_vec() };
    let spec = spec::given(model).map(|spec| ModelSpec { signature_name: String::new(), ..spec });
    Ok(GetModelMetadataResponse { model_spec: spec, metadata: [(FIELD.to_owned(), any)].into() })
}

fn info(name: &str, dtype: &str, sizes: &[i64]) -> TensorInfo {
    let dim = sizes.iter().map(|&size| Dim { size, name: String::new() }).collect();
    TensorInfo {
        encoding: Some(Encoding::Name(name.to_owned())),
        dtype: DataType::from_str_name(dtype).unwrap_or_default().into(),
        tensor_shape: Some(TensorShapeProto { dim, unknown_rank: false }),
    }
}

/// `GetModelStatus`: of the version that is asked for, or of all.
pub(super) async fn status(call: Call<GetModelStatusRequest>) -> Result<GetModelStatusResponse, Error> {
    let spec = call.message.model_spec.as_ref();
    let place = spec::find(&call.served, spec)?;
    let models = call.served.inference.models().all();
    let one = spec.is_some_and(|spec| spec.version_choice.is_some());
    let asked = models.iter().enumerate();
    let asked = asked.filter(|(at, model)| if one { *at == place } else { model.card.name == models[place].card.name });
    let status = asked.map(|(_, model)| ModelVersionStatus {
        version: model.number().unwrap_or_default(),
        state: State::Available.into(),
        status: Some(StatusProto { error_code: Code::Ok.into(), error_message: String::new() }),
    });
    Ok(GetModelStatusResponse { model_version_status: status.collect() })
}

/// `HandleReloadConfigRequest`: models are compiled in, and these are they.
pub(super) async fn reload(call: Call<ReloadConfigRequest>) -> Result<ReloadConfigResponse, Error> {
    let cards = call.served.inference.models().all().iter().map(|model| model.card);
    let pinned: Vec<_> = cards.map(|card| format!("`{}` {} ({})", card.name, card.version, card.digest)).collect();
    let pinned = pinned.join(", ");
    Err(Error::unsupported(format!("the models are compiled into this service, and no others are loaded: {pinned}")))
}
