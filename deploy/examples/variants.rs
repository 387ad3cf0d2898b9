//! Writes deployments of every kind, a folder each, for validators: `cargo run -p modeldeploy-deploy --example variants -- FOLDER`.

#[path = "../tests/variants/mod.rs"]
mod variants;

fn main() {
    let folder = std::path::PathBuf::from(std::env::args().nth(1).expect("a folder to write to"));
    for (name, target, settings) in variants::all() {
        let rendering = variants::rendered(target, &settings);
        modeldeploy_deploy::write(&rendering, &folder.join(name)).expect("written");
    }
}
