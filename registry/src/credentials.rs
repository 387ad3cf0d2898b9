//! Who may ask: what `docker login` wrote, and what `login` writes, in Docker's own file, so that either serves the other.
//!
//! Reading is `docker_credential`'s: `DOCKER_CONFIG`, `auths`, `credHelpers`, `credsStore`. Writing goes to the helper where the file
//! names one, else into `auths`, as Docker does.

use crate::error::{Error, Kind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use serde_json::{Map, Value, json};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A name and a password, or what a registry takes for one.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// A token.
    Token(String),
}

impl std::fmt::Debug for Credentials {
    /// Without the secret, which must not get into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Credentials::Password { user, .. } => write!(f, "Password {{ user: {user:?}, .. }}"),
            Credentials::Token(_) => f.write_str("Token(..)"),
        }
    }
}

/// Docker's file: `DOCKER_CONFIG`, else `~/.docker`.
fn file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("DOCKER_CONFIG")
        .or_else(|| set("HOME").map(|home| home.join(".docker")))
        .map(|folder| folder.join("config.json"))
}

/// The host as Docker's file has it: its own hub under an address of its first version.
fn key(host: &str) -> &str {
    match host {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => "https://index.docker.io/v1/",
        host => host,
    }
}

/// What there is for a host, if there is anything.
pub(crate) fn of(host: &str) -> Result<Option<Credentials>, Error> {
    match file() {
        Some(path) => in_file(&path, host),
        None => Ok(None),
    }
}

/// What a file has for a host.
///
/// # Errors
///
/// If it cannot be read, or a helper that it names fails.
pub fn in_file(path: &Path, host: &str) -> Result<Option<Credentials>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("Docker's configuration cannot be read", path, &error)),
    };
    match get_credential_from_reader(&bytes[..], key(host)) {
        Ok(DockerCredential::UsernamePassword(user, password)) => Ok(Some(Credentials::Password { user, password })),
        Ok(DockerCredential::IdentityToken(token)) => Ok(Some(Credentials::Token(token))),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
        // What a helper says of hosts that it does not know.
        Err(CredentialRetrievalError::HelperFailure { stdout, .. }) if stdout.contains("credentials not found") => {
            Ok(None)
        }
        Err(error) => {
            let help = format!("mend the file, or `cargo modeldeploy login {host}`");
            Err(Error::new(Kind::Credentials, format!("no credentials can be read for {host}: {error}"))
                .at(path.display())
                .help(help))
        }
    }
}

/// Keeps credentials for a host, and says where.
///
/// # Errors
///
/// If they cannot be kept.
pub fn keep(host: &str, user: &str, password: &str) -> Result<String, Error> {
    let path = file().ok_or_else(|| {
        Error::new(Kind::Io, "there is no folder to keep credentials in").help("set HOME or DOCKER_CONFIG")
    })?;
    keep_in(&path, host, user, password)
}

/// Keeps credentials in a file, or where it says, and says where.
///
/// # Errors
///
/// If the file cannot be read or written, or its helper fails.
pub fn keep_in(path: &Path, host: &str, user: &str, password: &str) -> Result<String, Error> {
    let unreadable = |what: String| {
        Error::new(Kind::Io, format!("Docker's configuration cannot be read: {what}"))
            .at(path.display())
            .help("mend the file")
    };
    let mut config: Map<String, Value> = match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?,
        Err(error) if error.kind() == ErrorKind::NotFound => Map::new(),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    let own = config.get("credHelpers").and_then(|helpers| helpers.get(host)).and_then(Value::as_str);
    let helper = own.or_else(|| config.get("credsStore").and_then(Value::as_str)).filter(|helper| !helper.is_empty());
    if let Some(helper) = helper {
        give(helper, host, user, password)?;
        return Ok(format!("docker-credential-{helper}"));
    }
    let auths = config.entry("auths").or_insert_with(|| json!({}));
    let auths = auths.as_object_mut().ok_or_else(|| unreadable("`auths` is no object".into()))?;
    auths.insert(key(host).into(), json!({"auth": STANDARD.encode(format!("{user}:{password}"))}));
    write(path, &serde_json::to_vec_pretty(&config).expect("it was JSON"))?;
    Ok(path.display().to_string())
}

/// Hands credentials to Docker's helper of that name.
fn give(helper: &str, host: &str, user: &str, password: &str) -> Result<(), Error> {
    let program = format!("docker-credential-{helper}");
    let failed = |what: String| {
        let help = "install it, or take it out of Docker's config.json";
        Error::new(Kind::Credentials, format!("`{program}` does not keep the credentials: {what}")).help(help)
    };
    let spawn =
        Command::new(&program).arg("store").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawn.map_err(|error| failed(error.to_string()))?;
    let text = json!({"ServerURL": key(host), "Username": user, "Secret": password}).to_string();
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes()).map_err(|error| failed(error.to_string()))?;
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    }
}

/// Writes the file whole, for its owner alone.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let done = || {
        fs::create_dir_all(folder)?;
        // A temporary file is its owner's alone.
        let mut draft = tempfile::NamedTempFile::new_in(folder)?;
        draft.write_all(bytes)?;
        draft.as_file().sync_all()?;
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        draft.persist(target).map_err(|error| error.error)?;
        Ok(())
    };
    done().map_err(|error: std::io::Error| Error::io("the credentials cannot be kept", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_all_else_in_the_file_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("docker/config.json");
        assert_eq!(in_file(&path, "example.com"), Ok(None));
        keep_in(&path, "example.com:5000", "ada", "pass:word").expect("kept");
        let text = fs::read_to_string(&path).expect("a file").replacen('{', "{\"proxies\": {\"a\": 1},", 1);
        fs::write(&path, text).expect("written");
        keep_in(&path, "docker.io", "bob", "x").expect("kept");
        for (host, user, password) in [("example.com:5000", "ada", "pass:word"), ("docker.io", "bob", "x")] {
            let expected = Credentials::Password { user: user.into(), password: password.into() };
            assert_eq!(in_file(&path, host), Ok(Some(expected)), "{host}");
        }
        assert_eq!(in_file(&path, "example.com"), Ok(None));
        let config: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        assert_eq!(config["proxies"]["a"], 1);
        // As `docker login` writes them.
        assert_eq!(config["auths"]["example.com:5000"]["auth"], "YWRhOnBhc3M6d29yZA==");
        assert!(config["auths"]["https://index.docker.io/v1/"]["auth"].is_string());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o077, 0);
        }
    }

    #[test]
    fn a_file_that_is_none_is_an_error_and_no_secret_is_shown() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("config.json");
        fs::write(&path, "{\"auths\": {\"a\": {\"auth\": \"!\"}}}").expect("written");
        assert_eq!(in_file(&path, "a").expect_err("no base64").kind, Kind::Credentials);
        fs::write(&path, "[]").expect("written");
        assert_eq!(in_file(&path, "a").expect_err("no object").kind, Kind::Credentials);
        assert_eq!(keep_in(&path, "a", "b", "c").expect_err("no object").kind, Kind::Io);
        let shown = format!("{:?}", Credentials::Password { user: "ada".into(), password: "secret".into() });
        assert!(shown.contains("ada") && !shown.contains("secret"));
    }
}
