//! A user's workspace: a folder with the versions that this workspace was tested with, and cargo in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct Workspace {
    pub(crate) folder: PathBuf,
    pub(crate) target: PathBuf,
}

pub(crate) struct Outcome {
    what: String,
    success: bool,
    stdout: String,
    all: String,
}

impl Workspace {
    /// An empty one of that name; dependencies are built once for all of them.
    pub(crate) fn new(name: &str) -> Workspace {
        let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("linking");
        let folder = base.join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the folder can be made");
        let versions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        fs::copy(versions, folder.join("Cargo.lock")).expect("the workspace's Cargo.lock");
        Workspace { folder, target: base.join("target") }
    }

    /// Writes a file; a text's `RUNTIME` is the folder of this package.
    pub(crate) fn write_text(&self, path: impl AsRef<Path>, text: &str) {
        self.write(path, text.replace("RUNTIME", env!("CARGO_MANIFEST_DIR")).as_bytes());
    }

    pub(crate) fn write(&self, path: impl AsRef<Path>, bytes: &[u8]) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        fs::write(path, bytes).expect("the file can be written");
    }

    pub(crate) fn cargo(&self, args: &[&str]) -> Outcome {
        self.cargo_with(&[], args)
    }

    /// With variables in its environment.
    pub(crate) fn cargo_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Outcome {
        let mut command = Command::new(env!("CARGO"));
        command.args(args).arg("--offline").current_dir(&self.folder);
        command.env("CARGO_TARGET_DIR", &self.target).env_remove("MODELDEPLOY_STORE").env_remove("RUSTFLAGS");
        command.env_remove("MODELDEPLOY_LINK").env_remove("MODELDEPLOY_PLACE").envs(variables.iter().copied());
        let output = command.output().expect("cargo runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let all = format!("{stdout}\n{stderr}");
        Outcome { what: format!("cargo {}", args.join(" ")), success: output.status.success(), stdout, all }
    }
}

impl Outcome {
    /// What it printed.
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        assert!(self.success, "{} failed:\n{}", self.what, self.all);
        self.stdout
    }

    /// What it printed, errors too.
    #[track_caller]
    pub(crate) fn fails(self) -> String {
        assert!(!self.success, "{} succeeded:\n{}", self.what, self.all);
        self.all
    }
}
