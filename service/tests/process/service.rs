//! A service in a process of its own, and what it says.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// The variable that makes this program a service.
pub(crate) const ROLE: &str = "BE_THE_SERVICE";

/// What nothing takes: it only keeps a failing test from hanging.
pub(crate) const FAR: Duration = Duration::from_secs(120);

/// A service that runs, and is killed when it is dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    told: Receiver<String>,
}

/// The program as a service with these flags, on a free port unless they say where.
pub(crate) fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    own(&mut command);
    if !flags.iter().any(|flag| flag.starts_with("--listen")) {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command.args(flags);
    command
}

/// Makes what a command runs the service, heard by nobody else.
pub(crate) fn own(command: &mut Command) {
    command
        .env(ROLE, "1")
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
}

impl Service {
    #[track_caller]
    pub(crate) fn start(flags: &[&str]) -> Service {
        Service::of(&mut command(flags))
    }

    #[track_caller]
    pub(crate) fn of(command: &mut Command) -> Service {
        let mut child = command.spawn().expect("a process");
        let told = lines(child.stderr.take().expect("a pipe"));
        let said = lines(child.stdout.take().expect("a pipe"));
        let Ok(line) = said.recv_timeout(FAR) else {
            panic!("it does not listen: {:?}", told.iter().collect::<Vec<_>>());
        };
        let url = line.rsplit_once(" listens on ").expect("an address").1.to_owned();
        let address = url.split_once("://").expect("a scheme").1.parse().expect("an address");
        Service { child, url, address, told }
    }

    /// The next line on stderr that has these words.
    #[track_caller]
    pub(crate) fn tells(&self, words: &str) -> String {
        let mut others = vec![];
        loop {
            match self.told.recv_timeout(FAR) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => others.push(line),
                Err(_) => panic!("it does not tell {words:?}, but {others:?}"),
            }
        }
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id();
        let sent = Command::new("sh").args(["-c", &format!("kill -s {name} {id}")]).status().expect("a shell runs");
        assert!(sent.success(), "{name}");
    }

    /// Its end, and all that it told on stderr.
    #[track_caller]
    pub(crate) fn ends(mut self) -> (ExitStatus, Vec<String>) {
        // Its stderr ends with it.
        let mut told = vec![];
        loop {
            match self.told.recv_timeout(FAR) {
                Ok(line) => told.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it does not end: {told:?}"),
            }
        }
        (self.child.wait().expect("its status"), told)
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).expect("connected");
        stream.set_read_timeout(Some(FAR)).expect("a time-out");
        Client(stream)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// What a service that does not start says on stderr.
#[track_caller]
pub(crate) fn fails(flags: &[&str]) -> String {
    let output = command(flags).output().expect("a process");
    assert_eq!(output.status.code(), Some(1), "{flags:?}: {output:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (say, heard) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if say.send(line).is_err() {
                break;
            }
        }
    });
    heard
}

/// A client on a raw socket.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn send(mut self, text: impl AsRef<[u8]>) -> Client {
        self.0.write_all(text.as_ref()).expect("sent");
        self
    }

    /// All that comes until the service closes the connection.
    #[track_caller]
    pub(crate) fn rest(mut self) -> String {
        let mut all = vec![];
        match self.0.read_to_end(&mut all) {
            Ok(_) => {}
            // What the service did not read makes its system reset the connection.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection is still open: {error}; {}", String::from_utf8_lossy(&all)),
        }
        String::from_utf8(all).expect("UTF-8")
    }

    /// What comes until `end` does.
    #[track_caller]
    pub(crate) fn until(&mut self, end: &str) -> String {
        let (mut all, mut buffer) = (String::new(), [0; 1024]);
        while !all.contains(end) {
            let read = self.0.read(&mut buffer).expect("more");
            assert!(read > 0, "{end:?} did not come: {all}");
            all.push_str(std::str::from_utf8(&buffer[..read]).expect("ASCII"));
        }
        all
    }
}

/// A folder of its own for a test, gone with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("modeldeploy-process-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a folder");
        Folder(path)
    }

    /// Writes a file that only its owner may read, by renaming one over it; answers its path.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let (path, new) = (self.0.join(name), self.0.join("new"));
        std::fs::write(&new, text).expect("a file");
        set_mode(&new, 0o600);
        std::fs::rename(&new, &path).expect("renamed");
        path.to_str().expect("UTF-8").to_owned()
    }
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("its mode");
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}
