//! Reading a compressed model: any other bytes are an error.

use super::{BAD_COMPRESSED, CONSTANT, CompressedModel, FORMAT, GRAPH, SIGNATURE, SPACE, TOKENIZER, VERSION};
use crate::diagnostic::Diagnostic;
use crate::graph::{Bytes, Constant, Graph, Node};
use crate::ops::Op;
use modeldeploy_format::{DType, Digest, Signature};
use safetensors::{Dtype, SafeTensors};
use std::sync::Arc;

/// Reads a compressed model; its constants share the bytes of `file`, which may be mapped. `place` says in errors where it stands.
///
/// # Errors
///
/// `MD0811`, with what is wrong.
pub fn read(file: Bytes, place: &str) -> Result<CompressedModel, Diagnostic> {
    parse(&file).map_err(|message| {
        Diagnostic::new(BAD_COMPRESSED, format!("not a compressed model: {message}"))
            .at(place)
            .help("`cargo modeldeploy lock` makes it again")
    })
}

fn parse(file: &Bytes) -> Result<CompressedModel, String> {
    let bytes: &[u8] = (**file).as_ref();
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let metadata = header.metadata().as_ref().ok_or("it has no metadata")?;
    let entry = |key: &str| metadata.get(key).ok_or_else(|| format!("it lacks `{key}`"));
    let version = entry(FORMAT)?;
    if version != VERSION {
        return Err(format!("it is of version {version}, this program reads {VERSION}"));
    }
    let signature: Signature =
        serde_json::from_str(entry(SIGNATURE)?).map_err(|error| format!("its signature is wrong: {error}"))?;
    // Contradictions within a signature are found where packs find them.
    let signature = Signature::decode(&signature.encode())?;
    let space: Digest = entry(SPACE)?.parse().map_err(|error| format!("its space is {error}"))?;
    let tokenizer = tensors.tensor(TOKENIZER).map_err(|error| error.to_string())?;
    if tokenizer.dtype() != Dtype::U8 {
        return Err("its tokenizer is not bytes".to_owned());
    }
    let constant = |name: &str, _: DType, wanted: &[usize]| {
        let view = tensors.tensor(&format!("{CONSTANT}{name}")).ok()?;
        let mut shape = view.shape().to_vec();
        let dtype = match view.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::BF16 => DType::Bf16,
            Dtype::I8 => DType::I8,
            Dtype::I32 => DType::I32,
            Dtype::U8 => {
                // Whether the last byte of a row holds two codes is the graph's to say.
                let (width, stored) = (*wanted.last()?, shape.last_mut()?);
                *stored = Some(width).filter(|width| width.div_ceil(2) == *stored)?;
                DType::U4
            }
            _ => return None,
        };
        let start = view.data().as_ptr().addr() - bytes.as_ptr().addr();
        Constant::within(dtype, shape, Arc::clone(file), start..start + view.data().len()).ok()
    };
    let graph = Graph::parse(entry(GRAPH)?, &constant).map_err(|error| {
        let line = error.place.map_or(String::new(), |place| format!(" at {place}"));
        format!("its graph is wrong{line}: {}", error.message)
    })?;
    graph.verify().map_err(|errors| format!("its graph is wrong: {}", errors[0].message))?;
    let out_of_range = |node: &&Node| match &node.op {
        Op::Constant(constant) => {
            constant.dtype() == DType::I8 && constant.bytes().contains(&(i8::MIN.cast_unsigned()))
        }
        _ => false,
    };
    if let Some(node) = graph.nodes().map(|(_, node)| node).find(out_of_range) {
        return Err(format!("a code of `{}` is -128, which is not within ±127", node.name));
    }
    Ok(CompressedModel { graph, signature, tokenizer: tokenizer.data().to_vec(), space })
}
