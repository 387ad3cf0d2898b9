//! A package in a temporary folder, and the program called there.

use modeldeploy_format::lock::Lock;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The small models, as the Hugging Face libraries wrote them.
pub(crate) const EMBED: &str = "bert-embed";
pub(crate) const SCORE: &str = "bert-score";
pub(crate) const CLASSIFY: &str = "bert-classify";

const MANIFEST: &str = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";

/// A suite of four products and three queries.
const SUITE: &str = "metrics = [\"ndcg@10\", \"recall@10\", \"mrr\"]\n[corpus]\nfile = \"products.jsonl\"\n\
                     text = \"{title}\"\n[queries]\nfile = \"queries.tsv\"\n[judgments]\nfile = \"judgments.tsv\"\n";
const PRODUCTS: &str = "{\"id\": \"p1\", \"title\": \"Wireless headphones\"}\n{\"id\": \"p2\", \"title\": \"Frying pan, 28 cm\"}\n\
                        {\"id\": \"p3\", \"title\": \"A red cotton shirt\"}\n{\"id\": \"p4\", \"title\": \"Tea pot of glass\"}\n";
const QUERIES: &str = "q1\theadphones\nq2\tpan\nq3\tred shirt\n";
const JUDGMENTS: &str = "q1\tp1\t3\nq1\tp2\t0\nq2\tp2\t2\nq2\tp4\t1\nq3\tp3\t3\nq3\tp1\t0\n";

/// A package with models, a suite and a store of its own.
pub(crate) struct Shop {
    folder: TempDir,
}

/// What the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Shop {
    /// An empty package, with a suite in `eval/`.
    pub(crate) fn empty() -> Shop {
        let shop = Shop { folder: tempfile::tempdir().expect("a temporary folder") };
        shop.write("Cargo.toml", MANIFEST);
        shop.write("src/lib.rs", "");
        shop.write("eval/suite.toml", SUITE);
        shop.write("eval/products.jsonl", PRODUCTS);
        shop.write("eval/queries.tsv", QUERIES);
        shop.write("eval/judgments.tsv", JUDGMENTS);
        shop.write("eval/texts.txt", "tea pot\na shirt of red cotton\nWhich headphones are wireless?\n");
        shop
    }

    /// A package with an `embed` model called `encoder`, calibrated on few texts and not yet locked. `more` are lines of its entry.
    pub(crate) fn with_encoder(more: &str) -> Shop {
        Shop::with_usual_encoder(&format!("calibration = \"eval/texts.txt\"\n{more}"))
    }

    /// The same, calibrated as it is where nobody says on what.
    pub(crate) fn with_usual_encoder(more: &str) -> Shop {
        let shop = Shop::empty();
        shop.has(EMBED);
        shop.append(
            "Cargo.toml",
            &format!(
                "\n[package.metadata.modeldeploy.model.encoder]\nsource = \"models/{EMBED}\"\ntask = \"embed\"\nversion = \"0.1.0\"\n{more}"
            ),
        );
        shop
    }

    /// The same, locked.
    pub(crate) fn locked(more: &str) -> Shop {
        let shop = Shop::with_encoder(more);
        shop.run(&["lock"]).code(0);
        shop
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn append(&self, path: &str, text: &str) {
        self.write(path, &(self.read(path) + text));
    }

    /// Puts `new` in the place of `old`, which must be there.
    pub(crate) fn edit(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "{old} is not in {path}:\n{text}");
        self.write(path, &text.replacen(old, new, 1));
    }

    /// Changes `Model.lock` as no hand can: its blocks have the digests of what is in them then.
    pub(crate) fn forge(&self, change: impl FnOnce(&mut Lock)) {
        let mut lock = Lock::parse(&self.read("Model.lock")).expect("a lock");
        change(&mut lock);
        self.write("Model.lock", &lock.to_text());
    }

    /// Copies one of the compiler's small models to `models/`.
    pub(crate) fn has(&self, model: &str) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests/data/models").join(model);
        copy(&from, &self.path("models").join(model));
    }

    /// All files under `path`, sorted.
    pub(crate) fn files(&self, path: &str) -> Vec<PathBuf> {
        let mut found = vec![];
        walk(&self.path(path), &mut found);
        found.sort();
        found
    }

    /// The store's only file of that ending.
    pub(crate) fn stored(&self, ending: &str) -> PathBuf {
        let files = self.files(".modeldeploy").into_iter();
        let mut files = files.filter(|path| path.extension().is_some_and(|it| it == ending));
        let found = files.next().unwrap_or_else(|| panic!("the store has no {ending}"));
        assert_eq!(files.next(), None, "the store has several");
        found
    }

    /// The program, to be started in the package's folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-modeldeploy"));
        self.prepare(&mut command);
        command.arg("modeldeploy").args(args);
        command
    }

    /// Sets folder and environment as a user's shell has them.
    pub(crate) fn prepare(&self, command: &mut Command) {
        command.current_dir(self.folder.path()).env("NO_COLOR", "1").env("CARGO_NET_OFFLINE", "true");
        command
            .env("CARGO_TARGET_DIR", self.path("target"))
            .env_remove("MODELDEPLOY_STORE")
            .env_remove("MODELDEPLOY_LINK")
            .env_remove("MODELDEPLOY_PLACE")
            .env("MODELDEPLOY_REGISTRY", self.path("models-registry"))
            .env("DOCKER_CONFIG", self.path("docker"))
            // Nobody listens there.
            .env("HF_ENDPOINT", "http://127.0.0.1:9")
            .env_remove("HF_TOKEN")
            .stdin(Stdio::null());
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        Said::of(&mut self.command(args))
    }
}

impl Said {
    pub(crate) fn of(command: &mut Command) -> Said {
        let output = command.output().expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Asserts the exit status.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Said {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    /// Asserts that all of these stand in what it said to people.
    #[track_caller]
    pub(crate) fn errs(self, parts: &[&str]) -> Said {
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not in\n{}", self.err);
        }
        self
    }

    /// The same of its results.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Said {
        for part in parts {
            assert!(self.out.contains(part), "{part:?} is not in\n{}", self.out);
        }
        self
    }

    /// Its result as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry")) {
        if entry.path().is_dir() { walk(&entry.path(), found) } else { found.push(entry.path()) }
    }
}
