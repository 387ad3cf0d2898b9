//! The other ways of weights into a program than the linker's: files beside it, and a segment that is attached.

use crate::shop::{Said, Shop};
use modeldeploy_format::Digest;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program says where all is well, and what it was called with.
fn started(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env_remove("MODELDEPLOY_PACKS");
    command
}

#[track_caller]
fn starts(program: &Path) {
    assert_eq!(Said::of(&mut started(program)).code(0).out, "1\n");
}

/// The shop's program is linked; afterwards it is so again.
pub(crate) fn every_way(shop: &Shop, program: &Path, single_bytes_are_noticed: impl Fn(&[u8], &[&str])) {
    let linked = fs::read(program).expect("the program");
    let pack = fs::read(shop.stored("pack")).expect("the pack");
    beside(shop, program, &pack);
    attached(shop, program, single_bytes_are_noticed);
    shop.run(&["build", "--release"]).code(0);
    assert!(fs::read(program).expect("the program") == linked, "the same, whatever was built between");
    for flag in ["--attach", "--detached"] {
        shop.run(&["build", flag]).code(1).errs(&["MD1401", "--release"]);
    }
    shop.run(&["build", "--release", "--attach", "--detached"]).code(2);
}

fn beside(shop: &Shop, program: &Path, pack: &[u8]) {
    shop.run(&["build", "--release", "--detached"]).code(0);
    let folder = program.with_added_extension("packs");
    let file = folder.join(format!("{}.pack", Digest::of(pack).hex()));
    assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 1);
    assert!(fs::read(&file).expect("the pack") == pack);
    let whole = fs::read(program).expect("the program");
    assert!(!whole.windows(64).any(|window| window == &pack[1024..1088]), "the program has none of it");
    starts(program);
    // Built again it stays as it is; cargo finds it fresh.
    shop.run(&["build", "--release", "--detached"]).code(0);
    assert!(fs::read(program).expect("the program") == whole);

    let shown = program.display().to_string();
    let digest = Digest::of(pack).to_string();
    shop.run(&["audit", &shown]).code(0).says(&[
        "encoder 0.1.0",
        "products (index)",
        &format!("outside: the pack {digest}"),
        "shop.packs with these digests",
        "every byte of its models is as locked",
    ]);
    let facts = shop.run(&["audit", &shown, "--format", "json"]).code(0).json();
    assert_eq!(facts["outside"]["packs"][0]["digest"], digest);
    assert_eq!((&facts["unnamed"], &facts["models"][0]["name"]), (&serde_json::json!([]), &"encoder".into()));
    shop.run(&["sbom", &shown]).code(0).says(&[&Digest::of(pack).hex()]);

    // Elsewhere, by the variable.
    let elsewhere = shop.path("elsewhere");
    fs::rename(&folder, &elsewhere).expect("moved");
    let absent = Said::of(&mut started(program)).code(1);
    absent.errs(&["model `encoder` is not here", &file.display().to_string(), "MODELDEPLOY_PACKS"]);
    assert_eq!(Said::of(started(program).env("MODELDEPLOY_PACKS", &elsewhere)).code(0).out, "1\n");
    shop.run(&["audit", &shown])
        .code(0)
        .says(&["were not looked at: `--packs FOLDER` proves them", "every byte inside is as locked"]);
    shop.run(&["audit", &shown, "--packs", "elsewhere"]).code(0).says(&["outside lie in elsewhere with these digests"]);
    shop.run(&["audit", &shown, "--packs", "src"]).code(1).errs(&["MD1404", "is not beside it"]);
    // By a link, too: the folder lies beside what it leads to.
    fs::rename(&elsewhere, &folder).expect("moved back");
    #[cfg(unix)]
    {
        let link = shop.path("link");
        std::os::unix::fs::symlink(program, &link).expect("a link");
        starts(&link);
    }

    let changed = |at: usize| {
        let mut changed = pack.to_vec();
        changed[at] ^= 1;
        changed
    };
    let cut = pack[..pack.len() - 1].to_vec();
    for (bytes, said) in [(changed(0), "was altered"), (changed(pack.len() - 1), "was altered"), (cut, "was cut")] {
        fs::write(&file, bytes).expect("written");
        Said::of(&mut started(program)).code(1).errs(&["model `encoder`", said, "copy it again"]);
        shop.run(&["audit", &shown]).code(1).errs(&["MD1404", &file.display().to_string()]);
    }
    // Cargo has nothing to do; the folder is made right.
    shop.run(&["build", "--release", "--detached"]).code(0);
    starts(program);
    shop.run(&["build", "--release"]).code(0);
    assert!(!folder.exists(), "what a program does not read does not lie beside it");
}

fn attached(shop: &Shop, program: &Path, single_bytes_are_noticed: impl Fn(&[u8], &[&str])) {
    shop.run(&["build", "--release", "--attach"]).code(0).errs(&["Attached"]);
    starts(program);
    let whole = fs::read(program).expect("the program");
    let sections = [".modeldeploy-attached", ".modeldeploy-places", ".modeldeploy-bill", ".dep-v0"];
    single_bytes_are_noticed(&whole, &sections);
    let shown = program.display().to_string();
    shop.run(&["audit", &shown]).code(0).says(&["encoder 0.1.0", "every byte of its models is as locked"]);

    // What cargo linked awaits its weights, and says so.
    let linked = cargos_own(shop);
    Said::of(&mut started(&linked)).code(1).errs(&["is not in the program", "`cargo modeldeploy build --release`"]);
    let own = linked.display().to_string();
    shop.run(&["audit", &own]).code(1).errs(&["MD1002", "is not in it yet"]);

    // Cargo puts its own back, and it is attached to again; also where the environment asks.
    shop.run(&["build", "--release", "--attach"]).code(0).errs(&["Attached"]);
    assert!(fs::read(program).expect("the program") == whole, "the same again");
    let mut run = shop.command(&["run", "--release"]);
    let said = Said::of(run.env("MODELDEPLOY_PLACE", "attached")).code(0);
    assert_eq!(said.out, "1\n");
    for strip in ["strip", "llvm-strip"] {
        let copy = shop.path(&format!("attached-{strip}"));
        fs::copy(program, &copy).expect("a copy");
        if Command::new(strip).arg("--strip-all").arg(&copy).status().is_ok() {
            starts(&copy);
            shop.run(&["audit", &copy.display().to_string()]).code(0).says(&["encoder 0.1.0"]);
        }
    }
}

/// The file that cargo linked and keeps for itself.
fn cargos_own(shop: &Shop) -> PathBuf {
    let files = shop.files("target/release/deps").into_iter();
    let mut files: Vec<PathBuf> = files
        .filter(|path| path.extension().is_none())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("shop-")))
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}
