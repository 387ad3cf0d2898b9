//! The table of what a service uses: its system calls, each with what it is for, its files and its connections.

use crate::config::Config;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

/// What a service's own routes need of the system while they answer, beside what every service does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// To read files of this folder, or this file.
    Read(PathBuf),
    /// To write files of this folder, or this file.
    Write(PathBuf),
    /// To connect to other services: a database, a collector of traces. It brings the files by which names are looked up.
    Connect,
}

/// What a process uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uses {
    /// Folders and files that are read, and for what.
    pub(crate) reads: Vec<(PathBuf, &'static str)>,
    /// Folders and files that are written.
    pub(crate) writes: Vec<(PathBuf, &'static str)>,
    /// Whether it connects to others.
    pub(crate) connects: bool,
}

/// A condition on an argument of a call: by its place, the bits that are looked at and what they are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Only {
    pub(crate) place: u8,
    pub(crate) mask: u64,
    pub(crate) value: u64,
    pub(crate) words: &'static str,
}

/// A system call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux holds calls"))]
    pub(crate) number: i64,
    pub(crate) only: Option<Only>,
}

/// What looking up a name reads.
const NAMES: [&str; 6] =
    ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/ssl"];

impl Uses {
    /// Of a service with this configuration and these needs of its routes.
    pub(crate) fn of(config: &Config, needs: &[Need]) -> Uses {
        let mut uses = Uses { reads: vec![], writes: vec![], connects: needs.contains(&Need::Connect) };
        // A file that is replaced is another one: what is held is its folder.
        let folder = |file: &Path| match file.parent() {
            Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
            Some(folder) => folder.to_owned(),
            None => file.to_owned(),
        };
        let files = [
            (config.auth.tokens.as_deref(), "tokens, read again when they change"),
            (config.tls.certificate.as_deref(), "the certificate, read again when it changes"),
            (config.tls.key.as_deref(), "the key, read again when it changes"),
            (config.tls.clients.as_deref(), "whose certificates clients have, read again when it changes"),
        ];
        if cfg!(target_os = "linux") {
            uses.reads.push((PathBuf::from("/proc/self"), "what the process takes, for its metrics"));
        }
        uses.reads.extend(files.into_iter().filter_map(|(file, why)| Some((folder(file?), why))));
        if uses.connects {
            uses.reads.extend(NAMES.map(|file| (PathBuf::from(file), "names and certificates of other services")));
        }
        for need in needs {
            match need {
                Need::Read(path) => uses.reads.push((path.clone(), "the service's own routes")),
                Need::Write(path) => uses.writes.push((path.clone(), "the service's own routes")),
                Need::Connect => {}
            }
        }
        uses
    }

    /// The system calls, by what they are for.
    pub(crate) fn calls(&self) -> Vec<(&'static str, Vec<Call>)> {
        let reads = !self.reads.is_empty() || !self.writes.is_empty();
        let parts = [
            (true, "to answer sockets", table::SOCKETS),
            (true, "to wait, and to tell the time", table::WAITING),
            (true, "memory, none of it to be executed", table::MEMORY),
            (true, "threads of its own, on their cores", table::THREADS),
            (true, "signals, and to end", table::SIGNALS),
            (true, "randomness, and what the C library asks", table::SYSTEM),
            (reads && self.writes.is_empty(), "to read files", table::READING),
            (!self.writes.is_empty(), "to read and write files", table::WRITING),
            (self.connects, "to connect to other services", table::CONNECTING),
        ];
        parts.into_iter().filter(|(used, ..)| *used).map(|(_, why, calls)| (why, calls.to_vec())).collect()
    }
}

impl Display for Uses {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "System calls, once the service listens; all others fail with EPERM (clone3 with ENOSYS):")?;
        for (why, calls) in self.calls() {
            let names: Vec<String> = calls.iter().map(Call::to_string).collect();
            writeln!(f, "  {why}\n      {}", names.join(", "))?;
        }
        writeln!(f, "\nFiles:")?;
        let modes = [(&self.reads, "read"), (&self.writes, "read and written")];
        for (path, why, mode) in
            modes.iter().flat_map(|(files, mode)| files.iter().map(move |(path, why)| (path, why, mode)))
        {
            writeln!(f, "  {}  {mode}: {why}", path.display())?;
        }
        if self.reads.is_empty() && self.writes.is_empty() {
            writeln!(f, "  none")?;
        }
        writeln!(f, "\nNetwork:\n  connections that come to its port, which is bound before")?;
        if self.connects {
            writeln!(f, "  connections to other services, over TCP and UDP")?;
        }
        Ok(())
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        self.only.map_or(Ok(()), |only| write!(f, " ({})", only.words))
    }
}

/// The calls themselves.
#[cfg(target_os = "linux")]
mod table;

/// Elsewhere nobody holds them, and nobody knows them.
#[cfg(not(target_os = "linux"))]
mod table {
    use super::Call;

    pub(super) const SOCKETS: &[Call] = &[];
    pub(super) use SOCKETS as WAITING;
    pub(super) use SOCKETS as MEMORY;
    pub(super) use SOCKETS as THREADS;
    pub(super) use SOCKETS as SIGNALS;
    pub(super) use SOCKETS as SYSTEM;
    pub(super) use SOCKETS as READING;
    pub(super) use SOCKETS as WRITING;
    pub(super) use SOCKETS as CONNECTING;
}
