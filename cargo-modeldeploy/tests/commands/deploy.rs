//! `deploy` as its user calls it: from a locked model to manifests, to a cluster and back.

use crate::shop::Shop;
use modeldeploy_format::Digest;
use serde_json::{Value, json};
use std::fs;

// It runs on `tokio` and reads what is applied by `serde_saphyr`.
#[path = "../../../deploy/tests/cluster/server/mod.rs"]
#[allow(dead_code, reason = "deploy's own tests ask more of it")]
mod server;

const IMAGE: &str = "r.example/shop@sha256:1111111111111111111111111111111111111111111111111111111111111111";
const OPEN: &str = "[auth]\nopen = true\n";

/// A locked shop that everybody may ask.
fn shop() -> Shop {
    let shop = Shop::locked("");
    shop.write("deploy.toml", OPEN);
    shop
}

#[test]
fn manifests_come_from_what_is_locked() {
    let shop = shop();
    let kubernetes = ["deploy", "render", "--target", "kubernetes", "--image", IMAGE];
    let said = shop.run(&kubernetes).code(0).errs(&["Planned", "arenas of 2 workers"]);
    let pack = Digest::of(&fs::read(shop.stored("pack")).expect("the pack"));
    for part in [
        "kind: Deployment",
        "kind: Service",
        "kind: NetworkPolicy",
        "kind: PodDisruptionBudget",
        IMAGE,
        &pack.to_string(),
    ] {
        assert!(said.out.contains(part), "{part} is not in\n{}", said.out);
    }
    assert_eq!(shop.run(&kubernetes).code(0).out, said.out);

    let facts = shop.run(&[&kubernetes[..], &["--format", "json"]].concat()).code(0).json();
    let plan = |tokens: &str| {
        shop.run(&["inspect", "encoder", "--tokens", tokens, "--texts", "128", "--format", "json"]).code(0).json()
    };
    assert_eq!(facts["memory"]["arenas"], 2 * plan("128")["pack"]["arena"]["bytes"].as_u64().expect("bytes"));
    assert_eq!(facts["memory"]["program"], fs::metadata(shop.stored("pack")).expect("the pack").len());

    let folder = shop.path("out");
    let said = shop.run(&[&kubernetes[..], &["--output", "out"]].concat()).code(0);
    assert_eq!(said.out.lines().count(), 4, "{}", said.out);
    fs::write(folder.join("old.yaml"), "").expect("written");
    shop.run(&[&kubernetes[..], &["--output", "out"]].concat()).code(0).errs(&["old.yaml is none of these"]);
    for (target, kind) in [("kserve", "kind: InferenceService"), ("compose", "services:")] {
        shop.run(&["deploy", "render", "--target", target, "--image", IMAGE]).code(0).says(&[kind, IMAGE]);
    }
}

#[test]
fn a_unit_is_of_a_program_that_is_proved() {
    let shop = shop();
    let own = env!("CARGO_BIN_EXE_cargo-modeldeploy");
    let digest = Digest::of(&fs::read(own).expect("this program"));
    shop.run(&["deploy", "render", "--target", "systemd"]).code(1).errs(&["MD1307", "--program"]);
    let said = shop.run(&["deploy", "render", "--target", "systemd", "--program", own]).code(0);
    assert!(said.out.contains(&format!("StandardInputText={}  /usr/local/bin/shop", digest.hex())), "{}", said.out);
    shop.run(&["deploy", "render", "--target", "systemd", "--program", "Cargo.toml"]).code(1).errs(&["MD1001"]);
}

#[test]
fn what_is_wrong_has_its_number_and_its_help() {
    let shop = shop();
    let render = |more: &[&str]| shop.run(&[&["deploy", "render", "--target", "kubernetes"], more].concat());
    render(&[]).code(1).errs(&["MD1307", "no image is named"]);
    render(&["--image", "r.example/shop:1"]).code(1).errs(&["MD1303", "has no digest", "--image-layout"]);
    render(&["--image", IMAGE, "--name", "Shop"]).code(1).errs(&["MD1302"]);
    render(&["--image", IMAGE, "--canary-image", IMAGE]).code(1).errs(&["MD1307", "--canary-weight 10"]);
    render(&["--image", "shop", "--image-layout", "nothing"]).code(1).errs(&["MD1304", "index.json"]);
    render(&["--image", IMAGE, "--templates", "nothing"]).code(1).errs(&["MD1305", "deploy templates --write"]);
    render(&["--image", IMAGE, "--output", "Cargo.toml"]).code(1).errs(&["MD1308"]);
    render(&["--image", IMAGE, "--config", "nothing"]).code(1).errs(&["MD1301"]);
    shop.write("deploy.toml", "imag = 1\n");
    render(&["--image", IMAGE]).code(1).errs(&["MD1301", "deploy.toml:1", "did you mean `image`?"]);
    shop.write("deploy.toml", &format!("memory = \"1MiB\"\n{OPEN}"));
    render(&["--image", IMAGE]).code(1).errs(&["MD1306", "leave `memory` out"]);
    shop.write("deploy.toml", OPEN);
    let weights = ["--canary-image", IMAGE, "--canary-weight", "50"];
    render(&[&["--image", IMAGE], &weights[..]].concat()).code(0).says(&["name: \"shop-canary\""]);
    fs::remove_file(shop.stored("pack")).expect("removed");
    render(&["--image", IMAGE]).code(1).errs(&["MD0801", "`cargo modeldeploy build` makes it"]);
}

#[test]
fn the_digest_of_an_image_comes_from_its_folder() {
    let shop = shop();
    let blob = |text: &str| {
        let digest = Digest::of(text.as_bytes());
        shop.write(&format!("image/blobs/sha256/{}", digest.hex()), text);
        json!({"digest": digest, "size": text.len()})
    };
    // As `cargo modeldeploy image` labels it.
    let image = |pack: &str| {
        let labels =
            json!({"org.modeldeploy.model.encoder.pack": pack, "org.modeldeploy.model.encoder.version": "0.1.0"});
        let config = blob(&json!({"config": {"Labels": labels}}).to_string());
        let manifest = blob(&json!({"schemaVersion": 2, "config": config, "layers": []}).to_string());
        shop.write("image/index.json", &json!({"schemaVersion": 2, "manifests": [manifest]}).to_string());
        manifest["digest"].as_str().expect("a digest").to_owned()
    };
    let pack = Digest::of(&fs::read(shop.stored("pack")).expect("the pack")).to_string();
    image(&format!("sha256:{}", "0".repeat(64)));
    let said = shop
        .run(&["deploy", "render", "-t", "kubernetes", "--image", "r.example/shop:1", "--image-layout", "image"])
        .code(1);
    said.errs(&["MD1314", "the model `encoder` in the image is sha256:0000", &pack]);
    let digest = image(&pack);
    let said = shop
        .run(&["deploy", "render", "-t", "kubernetes", "--image", "r.example/shop:1", "--image-layout", "image"])
        .code(0);
    assert!(said.out.contains(&format!("r.example/shop:1@{digest}")), "{}", said.out);
    shop.run(&["deploy", "render", "-t", "kubernetes", "--image-layout", "image"])
        .code(1)
        .errs(&["MD1307", "name the repository"]);
    shop.run(&["deploy", "render", "-t", "kubernetes", "--image", IMAGE, "--image-layout", "image"])
        .code(1)
        .errs(&["MD1303", "the layout holds"]);
}

#[test]
fn templates_of_ones_own_are_begun_from_those_inside() {
    let shop = shop();
    let names = shop.run(&["deploy", "templates"]).code(0).out;
    assert!(names.lines().count() == 10 && names.contains("kubernetes/deployment.yaml"), "{names}");
    assert_eq!(shop.run(&["deploy", "templates", "--write", "deploy/templates"]).code(0).out, names);
    shop.run(&["deploy", "templates", "--write", "deploy/templates"]).code(1).errs(&["MD1308", "there already"]);
    shop.edit("deploy/templates/kubernetes/service.yaml", "type: ClusterIP", "type: LoadBalancer");
    let render = ["deploy", "render", "-t", "kubernetes", "--image", IMAGE];
    shop.run(&render).code(0).says(&["type: LoadBalancer"]).errs(&["Using the templates of"]);
    shop.edit("deploy/templates/kubernetes/service.yaml", "{{ track.object if track else name }}", "{{ nam }}");
    shop.run(&render).code(1).errs(&["MD1305", "kubernetes/service.yaml:4"]);
}

#[test]
fn what_is_applied_runs_and_agrees_until_another_model_is_locked() {
    let (shop, server) = (shop(), server::Server::start());
    let kubeconfig = server.kubeconfig().display().to_string();
    let deploy = |command: &str, more: &[&str]| {
        shop.run(&[&["deploy", command, "--kubeconfig", &kubeconfig, "--image", IMAGE], more].concat())
    };
    deploy("status", &[]).code(1).errs(&["MD1314", "`shop` is not deployed in `default`"]);
    deploy("apply", &["--dry-run"]).code(0).errs(&["Tried 4 objects"]);
    assert_eq!(server.names(), Vec::<String>::new());
    deploy("apply", &[]).code(0).says(&["Deployment default/shop"]).errs(&["Applied 4 objects"]);
    deploy("status", &[]).code(1).errs(&["MD1313", "has not looked at it yet"]);
    let done = json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2});
    server.edit("Deployment", "shop", |value| value["status"] = done);
    deploy("status", &[]).code(0).says(&[
        "rolled out",
        "replicas 2, new 2, ready 2",
        IMAGE,
        "model    encoder 0.1.0",
        "as it is stated here",
    ]);
    let facts = deploy("status", &["--format", "json"]).code(0).json();
    assert_eq!(
        (&facts["running"][0]["done"], &facts["running"][0]["models"][0]["name"]),
        (&Value::Bool(true), &"encoder".into())
    );

    let weights = ["--canary-image", IMAGE, "--canary-weight", "50"];
    deploy("apply", &weights).code(0).says(&["Deployment default/shop-canary"]);
    deploy("apply", &[]).code(0).errs(&["Deployment default/shop-canary is rendered no more", "--prune"]);
    deploy("apply", &["--prune"]).code(0).says(&["Deployment default/shop-canary deleted"]);

    let other = IMAGE.replace('1', "2");
    let said = shop.run(&["deploy", "status", "--kubeconfig", &kubeconfig, "--image", &other]).code(1);
    said.errs(&["MD1314", "sha256:1111"]).says(&["differs"]);
    shop.edit("Cargo.toml", "version = \"0.1.0\"\ncalibration", "version = \"0.2.0\"\nquantize = \"f32\"\ncalibration");
    shop.run(&["lock"]).code(0);
    deploy("status", &[]).code(1).errs(&["MD1314", "the model `encoder` inside is 0.1.0", "0.2.0 sha256:"]);
}

#[test]
fn what_is_no_cluster_is_told() {
    let (shop, server) = (shop(), server::Server::start());
    shop.run(&["deploy", "apply", "-t", "compose", "--image", IMAGE]).code(1).errs(&["MD1307", "no cluster"]);
    shop.run(&["deploy", "apply", "--image", IMAGE, "--kubeconfig", "nothing"])
        .code(1)
        .errs(&["MD1309", "--context NAME"]);
    shop.run(&["deploy", "apply", "--image", IMAGE, "--wait", "soon"]).code(2).errs(&["such as 30s"]);
    server.instead(axum::http::Method::PATCH, "/deployments/", server::Instead::Refuse(403, "Forbidden"));
    server.instead(axum::http::Method::PATCH, "/services/", server::Instead::Refuse(422, "Invalid"));
    server.instead(axum::http::Method::PATCH, "/networkpolicies/", server::Instead::Refuse(409, "Conflict"));
    let kubeconfig = server.kubeconfig().display().to_string();
    let said = shop.run(&["deploy", "apply", "--image", IMAGE, "--kubeconfig", &kubeconfig]).code(1);
    said.errs(&["MD1310", "MD1311", "MD1312", "--force-conflicts"]);
}
