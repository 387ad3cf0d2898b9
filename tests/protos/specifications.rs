//! Names, numbers and types are those of the specifications, where their protos lie in the folder that `MODELDEPLOY_SPECS` names, or else
//! in `../shared/data/specs`: `triton/protobuf`, `oip/specification/protocol` and `tfserving`, each as its project has it.

use crate::{compiled, root};
use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, MessageDescriptor, MethodDescriptor};
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver};
use std::path::{Path, PathBuf};

/// A file by its name where the specification has it; what it imports of TensorFlow itself is ours.
struct Specified(PathBuf);

impl FileResolver for Specified {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let inside = name.strip_prefix("tensorflow_serving/").ok_or_else(|| protox::Error::file_not_found(name))?;
        let source = std::fs::read_to_string(self.0.join(inside)).map_err(protox::Error::new)?;
        File::from_source(name, &source)
    }
}

/// What one of a kind is, in one line.
fn field(field: &FieldDescriptor) -> String {
    let oneof = field.containing_oneof().map(|oneof| oneof.name().to_owned());
    format!("{} = {}: {:?}, {:?}, of {oneof:?}", field.name(), field.number(), field.kind(), field.cardinality())
}

fn method(method: &MethodDescriptor) -> String {
    let (input, output) = (method.input(), method.output());
    let streams = (method.is_client_streaming(), method.is_server_streaming());
    format!("{}: {} -> {}, streams {streams:?}", method.full_name(), input.full_name(), output.full_name())
}

/// Holds what our protos have of a specification against it. All that begins with `every` must be in it.
fn check(specified: &DescriptorPool, every: Option<&str>) {
    let ours = compiled().descriptor_pool();
    let mut wrong = vec![];
    let mut seen = 0;
    let must = |name: &str| every.is_some_and(|every| name.starts_with(every));
    let mut compare = |own: String, theirs: Option<String>| {
        seen += 1;
        if theirs.as_ref() != Some(&own) {
            wrong.push(format!("{own}\n    but there {}", theirs.unwrap_or_else(|| "is none".to_owned())));
        }
    };
    for own in ours.all_messages() {
        let theirs: Option<MessageDescriptor> = specified.get_message_by_name(own.full_name());
        if theirs.is_none() && must(own.full_name()) {
            compare(own.full_name().to_owned(), None);
        }
        let Some(theirs) = theirs else { continue };
        own.fields().for_each(|one| compare(field(&one), theirs.get_field_by_name(one.name()).map(|one| field(&one))));
    }
    for own in ours.all_enums() {
        let theirs: Option<EnumDescriptor> = specified.get_enum_by_name(own.full_name());
        let Some(theirs) = theirs else { continue };
        for value in own.values() {
            let name = |number: i32| format!("{} {} = {number}", own.full_name(), value.name());
            compare(name(value.number()), theirs.get_value_by_name(value.name()).map(|value| name(value.number())));
        }
    }
    for own in ours.services().filter(|service| specified.get_service_by_name(service.full_name()).is_some()) {
        let theirs = specified.get_service_by_name(own.full_name()).expect("it is there");
        let find = |name: &str| theirs.methods().find(|method| method.name() == name);
        for one in own.methods().filter(|one| every.is_some() || find(one.name()).is_some()) {
            compare(method(&one), find(one.name()).as_ref().map(method));
        }
    }
    assert!(seen > 0, "nothing was compared");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The folder of the specifications. One that is named must be there; without a name and a folder there is nothing to hold.
fn specifications() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("MODELDEPLOY_SPECS") {
        return Some(named.into());
    }
    let folder = root().join("../shared/data/specs");
    if !folder.is_dir() {
        eprintln!("skipped: {} is not there, and MODELDEPLOY_SPECS names no other folder", folder.display());
        return None;
    }
    Some(folder)
}

fn pool(mut compiler: Compiler, file: impl AsRef<Path>) -> DescriptorPool {
    compiler.include_imports(true).open_file(file).unwrap_or_else(|error| panic!("{error:?}"));
    compiler.descriptor_pool()
}

#[test]
fn inference_is_as_triton_has_it() {
    let Some(folder) = specifications() else { return };
    let protobuf = folder.join("triton/protobuf");
    check(&pool(Compiler::new([&protobuf]).expect("a folder"), "grpc_service.proto"), Some("inference."));
    check(&pool(Compiler::new([&protobuf]).expect("a folder"), "health.proto"), None);
}

#[test]
fn inference_is_as_the_open_inference_protocol_has_it() {
    let Some(folder) = specifications() else { return };
    let compiler = Compiler::new([folder.join("oip/specification/protocol")]).expect("a folder");
    check(&pool(compiler, "open_inference_grpc.proto"), None);
}

#[test]
fn serving_is_as_tensorflow_serving_has_it() {
    let Some(folder) = specifications() else { return };
    for file in ["apis/prediction_service.proto", "apis/model_service.proto"] {
        let mut files = ChainFileResolver::new();
        files.add(Specified(folder.join("tfserving")));
        files.add(IncludeFileResolver::new(root().join("service/proto")));
        files.add(GoogleFileResolver::new());
        let compiler = Compiler::with_file_resolver(files);
        // Each file has a part of them.
        check(&pool(compiler, format!("tensorflow_serving/{file}")), None);
    }
}
