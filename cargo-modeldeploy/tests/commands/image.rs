//! Images of a small static program: built, written the same twice, read, refused where they were altered, and pushed.

use crate::shop::{Said, Shop};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const MAIN: &str = "fn main() {\n    println!(\"{:?}\", std::env::args().skip(1).collect::<Vec<_>>());\n}\n";

/// A package with a program and no model.
fn shop() -> Shop {
    let shop = Shop::empty();
    shop.write("src/main.rs", MAIN);
    shop.edit(
        "Cargo.toml",
        "edition = \"2024\"\n",
        "edition = \"2024\"\ndescription = \"Sells tea\"\nlicense = \"MIT\"\n",
    );
    shop
}

/// The command, with a clock that builds are not told of.
fn run(shop: &Shop, args: &[&str]) -> Said {
    Said::of(shop.command(args).env_remove("SOURCE_DATE_EPOCH"))
}

#[test]
fn an_image_is_built_the_same_twice_and_read_back() {
    let shop = shop();
    let said = run(&shop, &["image", "-p", "shop", "--docker-archive", "shop.tar", "--", "--no-auth"]).code(0);
    let said =
        said.errs(&["linked statically", "Writing shop:0.1.0 to"]).says(&["shop:0.1.0 (linux/", "the program shop"]);
    let digest =
        said.out.lines().find_map(|line| line.trim().strip_prefix("digest")).expect("a digest").trim().to_owned();
    let folder = shop.path("target/image/shop").display().to_string();
    for image in [folder.as_str(), "shop.tar"] {
        let found = run(&shop, &["audit", image]).code(0);
        let found = found.says(&["which runs /shop as 65534:65534", "holds no model", &digest]);
        assert!(!found.out.contains("MODELDEPLOY_"), "{}", found.out);
        let facts = run(&shop, &["audit", image, "--format", "json"]).code(0).json();
        assert_eq!(facts["image"]["digest"], digest);
        assert_eq!(facts["image"]["labels"]["org.opencontainers.image.description"], "Sells tea");
        let crates = run(&shop, &["sbom", image]).code(0).json();
        assert_eq!(crates["bomFormat"], "CycloneDX");
    }
    // Another folder, by another way, is the same image.
    let program = static_program(&shop);
    let again =
        run(&shop, &["image", "-p", "shop", "--output", "again", "--format", "json", "--", "--no-auth"]).code(0).json();
    assert_eq!(again["digest"], digest);
    // Static means that it runs where nothing is.
    let output = Command::new(&program).arg("tea").output().expect("it starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[\"tea\"]\n");
    // What it says of its time is told to it, and changes the image and no layer of it.
    let mut later = shop.command(&["image", "-p", "shop", "--output", "later", "--format", "json"]);
    let later = Said::of(later.env("SOURCE_DATE_EPOCH", "1700000000")).code(0).json();
    assert_ne!(later["digest"], digest);
    assert_eq!(later["layers"][0]["digest"], again["layers"][0]["digest"]);
    altered_images_are_refused(&shop, &program);
}

/// Where `image` has built the program.
fn static_program(shop: &Shop) -> PathBuf {
    let mut programs = shop.files("target").into_iter().filter(|path| path.ends_with("release/shop"));
    programs.next_back().expect("a program")
}

fn altered_images_are_refused(shop: &Shop, program: &Path) {
    let program = program.display().to_string();
    let label = "org.modeldeploy.model.encoder.pack=sha256:0";
    run(shop, &["image", "--program", &program, "--label", label])
        .code(1)
        .errs(&["MD1202", "is set by this command alone"]);
    for (args, said) in [
        (&["image", "--program", "Cargo.toml"][..], "MD1001"),
        (&["image", "--program", &program, "--tag", "Shop"], "MD1202"),
        (&["image", "--program", &program, "--output", "src"], "MD1202"),
        (&["image", "--program", &program, "-p", "shop"], "MD1206"),
        (&["image", "-p", "shop", "--profile", "dev"], "MD1201"),
        (&["image", "-p", "shop", "--lib"], "MD1206"),
        (&["audit", "src"], "MD1203"),
        (&["image", "--program", &program, "--push", "127.0.0.1:1/shop"], "MD1205"),
    ] {
        run(shop, args).code(1).errs(&[said]);
    }
    // A program that is linked as usual.
    let own = env!("CARGO_BIN_EXE_cargo-modeldeploy");
    run(shop, &["image", "--program", own]).code(1).errs(&["MD1201", "asks for the loader"]);
    let [blob, ..] = &shop.files("again/blobs")[..] else { panic!("no blobs") };
    let mut bytes = fs::read(blob).expect("a blob");
    bytes[30] ^= 1;
    fs::write(blob, bytes).expect("a blob");
    run(shop, &["audit", "again"]).code(1).errs(&["MD1204"]);
}

/// Debian's registry on a free port of this machine; `auth` are lines of its configuration.
struct Registry {
    process: Child,
    host: String,
}

impl Registry {
    fn start(shop: &Shop, auth: &str) -> Option<Registry> {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let storage = shop.path("registry").display().to_string();
        let storage = format!("storage:\n  filesystem:\n    rootdirectory: {storage}\n");
        shop.write("registry.yml", &format!("version: 0.1\n{storage}http:\n  addr: {free}\n{auth}"));
        let mut command = Command::new("docker-registry");
        command.args(["serve", &shop.path("registry.yml").display().to_string()]);
        let Ok(mut process) = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn() else {
            eprintln!("docker-registry is not here: skipped");
            return None;
        };
        let mut said = BufReader::new(process.stderr.take().expect("its errors are piped"));
        let mut line = String::new();
        while !line.contains("listening on") {
            line.clear();
            assert_ne!(said.read_line(&mut line).expect("its words"), 0, "it has ended");
        }
        // What it says later is read, so that it never waits to be.
        std::thread::spawn(move || said.read_to_end(&mut vec![]));
        Some(Registry { process, host: free.to_string() })
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

/// Of `shop` with the password `tea`, in bcrypt.
const USER: &str = "shop:$2b$05$4AUbBP/a/hnyg1QiO0MBg.iPw0AsK.CVA4sckZNlBbPiLXSJhzG/u\n";

#[test]
fn a_registry_gets_what_it_has_not_got_from_who_may_push() {
    let shop = shop();
    shop.write("users", USER);
    let users = shop.path("users").display().to_string();
    let auth = format!("auth:\n  htpasswd:\n    realm: shop\n    path: {users}\n");
    let Some(registry) = Registry::start(&shop, &auth) else { return };
    let to = format!("{}/team/shop", registry.host);
    let push = |login: &str, args: &[&str]| {
        let all = [&["image", "-p", "shop", "--format", "json", "--push", &to], args].concat();
        let mut command = shop.command(&all);
        Said::of(command.env("DOCKER_CONFIG", shop.path(login)).env_remove("SOURCE_DATE_EPOCH"))
    };
    // Who has not logged in, or not rightly, gets an error with the registry's word.
    push("nobody", &[]).code(1).errs(&["MD1205", &registry.host]);
    let login = |folder: &str, auth: &str| {
        let config = format!("{{\"auths\": {{\"{}\": {{\"auth\": \"{auth}\"}}}}}}", registry.host);
        shop.write(&format!("{folder}/config.json"), &config);
    };
    login("wrong", "c2hvcDpjb2ZmZWU=");
    push("wrong", &[]).code(1).errs(&["MD1205"]);
    login("right", "c2hvcDp0ZWE=");
    let first = push("right", &[]).code(0).json();
    let size = first["size"].as_u64().expect("a size");
    assert_eq!((first["pushed"]["sent"].as_u64(), first["pushed"]["had"].as_u64()), (Some(size), Some(0)));
    let digest = first["digest"].as_str().expect("a digest");
    assert_eq!(first["pushed"]["reference"], format!("{to}@{digest}"));
    // The same again sends the manifest alone; other labels send documents alone.
    let again = push("right", &[]).code(0).json();
    let sent = again["pushed"]["sent"].as_u64().expect("bytes");
    assert!(sent < 3000 && again["pushed"]["had"].as_u64() == Some(size - sent), "{again}");
    let other = push("right", &["--label", "stage=test"]).code(0).json();
    assert!(other["pushed"]["sent"].as_u64().expect("bytes") < 6000, "{other}");
    assert_ne!(other["digest"], digest);
    what_others_pull_is_what_was_pushed(&shop, &to, digest);
}

/// skopeo, where it is, finds the image by its digest, and what it copies is the same.
fn what_others_pull_is_what_was_pushed(shop: &Shop, to: &str, digest: &str) {
    let from = format!("docker://{to}@{digest}");
    let mut command = Command::new("skopeo");
    command.args([
        "copy",
        "--insecure-policy",
        "--src-tls-verify=false",
        "--src-creds=shop:tea",
        &from,
        "oci:pulled:1",
    ]);
    let Ok(output) = command.current_dir(shop.path("")).output() else {
        eprintln!("skopeo is not here: skipped");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let facts = run(shop, &["audit", "pulled", "--format", "json"]).code(0).json();
    assert_eq!(facts["image"]["digest"], digest);
}
