//! Who started the process is told that it is ready and that it stops: systemd's protocol, one datagram a state, to the socket that
//! `NOTIFY_SOCKET` names.
//!
//! Specification: <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>.

use std::ffi::OsStr;
use std::io;

/// Who wants to be told; the socket is opened before a sandbox forbids it.
#[derive(Debug)]
pub(crate) struct Supervisor {
    #[cfg(unix)]
    socket: Option<std::os::unix::net::UnixDatagram>,
}

impl Supervisor {
    /// That of the variable's value.
    ///
    /// # Errors
    ///
    /// If it names a socket that cannot be reached.
    #[cfg(unix)]
    pub(crate) fn of(name: Option<&OsStr>) -> io::Result<Supervisor> {
        use std::os::unix::net::UnixDatagram;
        let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(Supervisor { socket: None }) };
        let socket = UnixDatagram::unbound()?;
        match name.as_encoded_bytes().strip_prefix(b"@") {
            #[cfg(target_os = "linux")]
            Some(name) => {
                use std::os::linux::net::SocketAddrExt;
                socket.connect_addr(&std::os::unix::net::SocketAddr::from_abstract_name(name)?)?;
            }
            _ => socket.connect(name)?,
        }
        Ok(Supervisor { socket: Some(socket) })
    }

    #[cfg(not(unix))]
    pub(crate) fn of(_: Option<&OsStr>) -> io::Result<Supervisor> {
        Ok(Supervisor {})
    }

    pub(crate) fn ready(&self) {
        self.tell("READY=1");
    }

    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, state: &str) {
        #[cfg(unix)]
        if let Some(socket) = &self.socket {
            // Who has gone need not be told.
            let _unheard = socket.send(state.as_bytes());
        }
        #[cfg(not(unix))]
        let _ = state;
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    #[track_caller]
    fn check(socket: &UnixDatagram, name: &str) {
        let supervisor = Supervisor::of(Some(OsStr::new(name))).expect(name);
        supervisor.ready();
        supervisor.stopping();
        for state in ["READY=1", "STOPPING=1"] {
            let mut heard = [0; 64];
            let length = socket.recv(&mut heard).expect("a state");
            assert_eq!(std::str::from_utf8(&heard[..length]), Ok(state), "{name}");
        }
    }

    #[test]
    fn a_supervisor_is_told_by_path_and_by_abstract_name() {
        let path = std::env::temp_dir().join(format!("modeldeploy-notify-{}", std::process::id()));
        check(&UnixDatagram::bind(&path).expect("a socket"), path.to_str().expect("UTF-8"));
        std::fs::remove_file(&path).expect("it is there");
        let name = format!("modeldeploy-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        check(&UnixDatagram::bind_addr(&address).expect("a socket"), &format!("@{name}"));
        Supervisor::of(None).expect("nobody wants to be told").ready();
        assert!(Supervisor::of(Some(OsStr::new("no/such/socket"))).is_err());
    }
}
