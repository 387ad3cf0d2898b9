//! The Hugging Face Hub: a revision becomes a commit, and the files of a model come by their ids.
//!
//! Addresses, token and the question itself are `hf-hub`'s; the bytes come as those of registries do, for its own download has no
//! limit in time or size and proves nothing. `HF_ENDPOINT` names another Hub, `HF_TOKEN` says who asks.
//!
//! Of a repository only what a model can be made of is fetched: `.json`, `.safetensors`, `.txt`, `.model`, and its README and
//! licence; not the same weights in other formats.

use crate::artifact::is_inside;
use crate::error::{Error, Kind};
use crate::fetch::Pin;
use crate::options::Options;
use crate::shelf::{Shelf, tree_digest};
use crate::transfer::{self, Proof, Wanted};
use crate::web::{Address, Ask, Reach, Web, lie};
use hf_hub::api::sync::{ApiBuilder, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use modeldeploy_format::lock::LockedFile;
use serde::Deserialize;
use std::io::Read;
use std::path::PathBuf;

const ENDPOINT: &str = "https://huggingface.co";

/// The most files of a repository that are looked at.
const FILES: usize = 10_000;

/// The Hub, and who asks it.
#[derive(Clone)]
pub struct Hub {
    endpoint: String,
    token: Option<String>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hub({})", self.endpoint)
    }
}

/// What the Hub says of a revision.
#[derive(Debug, Deserialize)]
struct Info {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Debug, Deserialize)]
struct Lfs {
    sha256: String,
    size: u64,
}

/// A file of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Remote {
    path: String,
    size: u64,
    proof: Proof,
}

impl Hub {
    /// The Hub that the environment names.
    pub fn from_env() -> Hub {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let file = || set("HF_HOME").or_else(|| set("HOME")).and_then(|_| Cache::from_env().token());
        Hub::new(&set("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.into()), set("HF_TOKEN").or_else(file))
    }

    /// A Hub at that address.
    pub fn new(endpoint: &str, token: Option<String>) -> Hub {
        Hub { endpoint: endpoint.trim_end_matches('/').to_owned(), token }
    }

    fn address(&self, text: &str) -> Result<Address, Error> {
        let wrong = || Error::new(Kind::Reference, format!("`{text}` is no address")).help("mend HF_ENDPOINT");
        let address = Address::parse(text).ok_or_else(wrong)?;
        if self.token.is_some() && !address.is_https() && !address.is_loopback() {
            let what = "a token is not sent over plain HTTP";
            return Err(Error::new(Kind::Credentials, what)
                .at(&address)
                .help("name the Hub by https:// in HF_ENDPOINT"));
        }
        Ok(address)
    }

    fn repository(&self, repository: &str, revision: &str) -> Result<ApiRepo, Error> {
        // Nothing of its cache is used.
        let builder = ApiBuilder::from_cache(Cache::new(PathBuf::from("hub"))).with_progress(false);
        let api = builder.with_endpoint(self.endpoint.clone()).with_token(self.token.clone()).build();
        let api = api.map_err(|error| Error::new(Kind::Unreachable, format!("no client of the Hub: {error}")))?;
        Ok(api.repo(Repo::with_revision(repository.into(), RepoType::Model, revision.into())))
    }

    /// Resolves a revision to its commit and brings its files onto the shelf.
    ///
    /// # Errors
    ///
    /// If there is no such model or revision, or a file cannot be had or is not what it must be.
    pub fn fetch(
        &self,
        repository: &str,
        revision: &str,
        shelf: &Shelf,
        options: &Options,
        heard: &dyn Fn(u64, u64),
    ) -> Result<Pin, Error> {
        let info = self.info(repository, revision, options)?;
        let place = format!("hf:{repository}@{}", info.sha);
        let wanted = files(&info).map_err(|what| Error::new(Kind::Lie, what).at(&place))?;
        let api = self.repository(repository, &info.sha)?;
        let web = Web::new(*options);
        let total = wanted.iter().map(|file| file.size).sum();
        let (mut before, mut files) = (0, vec![]);
        for file in &wanted {
            let address = self.address(&api.url(&escape(&file.path)))?;
            let known = match file.proof {
                Proof::Sha256(digest) => Some(LockedFile { path: file.path.clone(), size: file.size, digest }),
                Proof::Git(_) => None,
            };
            let locked = match known.filter(|known| shelf.has(known)) {
                Some(known) => known,
                None => {
                    let wanted = Wanted { path: &file.path, size: file.size, proof: file.proof.clone() };
                    let heard = |there: u64| heard(before + there, total);
                    let mut open = |from: u64| {
                        let mut ask = Ask::get(address.clone());
                        ask.authorization = self.token.as_ref().map(|token| format!("Bearer {token}"));
                        if from > 0 {
                            ask.headers.push(("range", format!("bytes={from}-")));
                        }
                        crate::remote::coming(web.ask(&ask, Reach::Anywhere)?, file.size, from, *options)
                    };
                    let fetched = transfer::fetch(shelf, &wanted, options, &heard, &mut open);
                    let digest = fetched.map_err(|error| error.at(&place))?;
                    LockedFile { path: file.path.clone(), size: file.size, digest }
                }
            };
            files.push(locked);
            before += file.size;
            heard(before, total);
        }
        shelf.lay(&files)?;
        Ok(Pin { version: None, revision: info.sha, tree: tree_digest(&files), license: None })
    }

    fn info(&self, repository: &str, revision: &str, options: &Options) -> Result<Info, Error> {
        let api = self.repository(repository, revision)?;
        let place = self.address(&format!(
            "{}/api/models/{repository}/revision/{}",
            self.endpoint,
            revision.replace('/', "%2F")
        ))?;
        let ask = api.info_request().query("blobs", "true").config();
        let ask = ask.max_redirects(0).max_redirects_will_error(false).http_status_as_error(false);
        let ask = ask.timeout_connect(Some(options.connect)).timeout_global(Some(options.answer)).build();
        let mut response = ask.call().map_err(|error| {
            let help = "check the network; HF_ENDPOINT names another Hub";
            Error::new(Kind::Unreachable, format!("the Hub cannot be reached: {error}")).at(&place).help(help)
        })?;
        let status = response.status().as_u16();
        if status != 200 {
            let error = if (300..400).contains(&status) {
                lie("the Hub redirects to another name", &place).help("name the model as the Hub calls it now")
            } else {
                crate::remote::refused(status, &place)
            };
            // The Hub says so of what there is not, too.
            return Err(match error.kind {
                Kind::Credentials => {
                    Error { help: Some("check the name; a private model needs HF_TOKEN".into()), ..error }
                }
                _ => error,
            });
        }
        // A repository has more files than a manifest.
        let limit = 4 * options.document;
        let mut bytes = vec![];
        let read = response.body_mut().as_reader().take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| Error::new(Kind::Unreachable, format!("the Hub broke off: {error}")).at(&place))?;
        if bytes.len() as u64 > limit {
            return Err(lie("the Hub sends more than a description of a model can be", &place));
        }
        parse(&bytes).map_err(|what| lie(&what, &place))
    }
}

fn parse(bytes: &[u8]) -> Result<Info, String> {
    let info: Info =
        serde_json::from_slice(bytes).map_err(|error| format!("the Hub's answer cannot be read: {error}"))?;
    if info.sha.len() != 40 || !info.sha.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("the Hub's answer names no commit".into());
    }
    if info.siblings.len() > FILES {
        return Err(format!("the repository has more than {FILES} files"));
    }
    Ok(info)
}

/// The files that a model can be made of.
fn files(info: &Info) -> Result<Vec<Remote>, String> {
    let mut files = vec![];
    for sibling in info.siblings.iter().filter(|sibling| is_wanted(&sibling.rfilename)) {
        let path = &sibling.rfilename;
        if !is_inside(path) {
            return Err(format!("its path {path:?} is not within a model's folder"));
        }
        let (size, proof) = match (&sibling.lfs, sibling.size, &sibling.blob_id) {
            (Some(lfs), ..) => (lfs.size, format!("sha256:{}", lfs.sha256).parse().ok().map(Proof::Sha256)),
            (None, Some(size), Some(id)) => (size, git_id(id).map(Proof::Git)),
            _ => (0, None),
        };
        let proof = proof.ok_or_else(|| format!("the Hub says of `{path}` no digest by which it could be proved"))?;
        files.push(Remote { path: path.clone(), size, proof });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    if files.windows(2).any(|pair| pair[0].path == pair[1].path) {
        return Err("it names a path twice".into());
    }
    files.iter().try_fold(0_u64, |sum, file| sum.checked_add(file.size)).ok_or("its sizes are impossible")?;
    if files.is_empty() { Err("it has no file that a model can be made of".into()) } else { Ok(files) }
}

fn is_wanted(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let other = ["onnx", "openvino", "coreml", ".git"].iter().any(|other| folder.split('/').any(|part| part == *other));
    let ends = [".json", ".safetensors", ".txt", ".model"].iter().any(|ending| name.ends_with(ending));
    let document = folder.is_empty() && (name == "README.md" || name.starts_with("LICENSE"));
    (ends || document) && !other
}

fn git_id(hex: &str) -> Option<[u8; 20]> {
    if hex.len() != 40 || !hex.is_ascii() {
        return None;
    }
    let mut id = [0; 20];
    for (at, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(id)
}

/// A path as an address has it.
fn escape(path: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    path.bytes().map(byte).collect()
}

/// Reads what the Hub says of a revision, as a fuzz target wants it: how many files would be fetched.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_info(bytes: &[u8]) -> Result<usize, String> {
    files(&parse(bytes)?).map(|files| files.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_model_is_made_of_is_wanted() {
        for (path, wanted) in [
            ("config.json", true),
            ("1_Pooling/config.json", true),
            ("model.safetensors", true),
            ("vocab.txt", true),
            ("sentencepiece.bpe.model", true),
            ("README.md", true),
            ("LICENSE.txt", true),
            ("pytorch_model.bin", false),
            ("tf_model.h5", false),
            ("onnx/config.json", false),
            ("onnx/model.onnx", false),
            ("data/README.md", false),
            (".gitattributes", false),
        ] {
            assert_eq!(is_wanted(path), wanted, "{path}");
        }
    }

    #[test]
    fn what_the_hub_says_is_not_believed() {
        let sha = "0123456789abcdef0123456789abcdef01234567";
        let with = |sibling: &str| format!("{{\"sha\": \"{sha}\", \"siblings\": [{sibling}]}}");
        let id = "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0";
        let right = format!("{{\"rfilename\": \"config.json\", \"size\": 5, \"blobId\": \"{id}\"}}");
        assert_eq!(check_info(with(&right).as_bytes()), Ok(1));
        for (text, said) in [
            (with(""), "no file that a model can be made of"),
            (with(&format!("{right}, {right}")), "twice"),
            (with(&right.replace("config", "../config")), "not within"),
            (with(&right.replace(id, "b6")), "no digest"),
            (with(&right.replace("5,", "-5,")), "cannot be read"),
            (with("{\"rfilename\": \"config.json\"}"), "no digest"),
            (with("{\"rfilename\": \"a.safetensors\", \"lfs\": {\"sha256\": \"zz\", \"size\": 1}}"), "no digest"),
            (with(&right).replace(sha, "main"), "no commit"),
            ("[]".into(), "cannot be read"),
        ] {
            let error = check_info(text.as_bytes()).expect_err(&text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
