//! Clients on raw sockets that are slow, greedy or silent.

mod http2;

use super::*;
use crate::Service;
use axum::routing::{get, post};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;
use tokio::sync::Notify;

/// What no client waits for: it only keeps a failing test from hanging.
const FAR: Duration = Duration::from_secs(60);
/// A limit that is met at once.
const SHORT: Duration = Duration::from_millis(200);

/// Nothing is cut off in the time of a test.
const WIDE: Limits = Limits {
    connections: 64,
    peer_connections: 64,
    head: FAR,
    headers: 100,
    head_bytes: 64 << 10,
    streams: 128,
    ping: FAR,
    body: FAR,
    body_bytes: 1000,
    bodies_bytes: 1 << 20,
    texts: 100,
    tokens: 1000,
    candidates: 1,
    deadline: FAR,
    write: FAR,
    age: FAR,
    grace: FAR,
};

/// A service in a thread of its own.
struct Running {
    address: SocketAddr,
    stop: Arc<Notify>,
    ended: mpsc::Receiver<()>,
}

impl Running {
    fn with(limits: Limits) -> Running {
        let routes = Router::new()
            .route("/length", post(async |body: String| body.len().to_string()))
            .route("/large", get(async || vec![b'x'; 32 << 20]));
        Running::serving(routes, limits)
    }

    fn serving(routes: Router, limits: Limits) -> Running {
        let router = Service::new("shop", "1.2.3").routes(routes).limits(limits).into_router().expect("a router");
        let stop = Arc::new(Notify::new());
        let (told, (say, heard), (end, ended)) = (stop.clone(), mpsc::channel(), mpsc::channel());
        thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                say.send(listener.local_addr().expect("an address")).expect("the test listens");
                let metrics = Metrics::new("shop", "1.2.3", &[]);
                serve(listener, (router, metrics), (limits, None), told.notified()).await;
            });
            let _unheard = end.send(());
        });
        Running { address: heard.recv_timeout(FAR).expect("it listens"), stop, ended }
    }

    fn connect(&self) -> Client {
        let stream = std::net::TcpStream::connect(self.address).expect("connected");
        stream.set_read_timeout(Some(FAR)).expect("a time-out");
        Client(stream)
    }
}

/// Says when it is dropped.
struct Dropped(mpsc::Sender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _unheard = self.0.send(());
    }
}

struct Client(std::net::TcpStream);

impl Client {
    fn send(mut self, text: impl AsRef<[u8]>) -> Client {
        self.0.write_all(text.as_ref()).expect("sent");
        self
    }

    /// All that comes until the service closes the connection.
    #[track_caller]
    fn rest(mut self) -> String {
        let mut all = vec![];
        match self.0.read_to_end(&mut all) {
            Ok(_) => {}
            // What the service did not read makes its system reset the connection.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection is still open: {error}; {}", String::from_utf8_lossy(&all)),
        }
        String::from_utf8(all).expect("UTF-8")
    }

    /// What comes until `end` does.
    #[track_caller]
    fn until(&mut self, end: &str) -> String {
        let mut all = String::new();
        let mut buffer = [0; 1024];
        while !all.ends_with(end) {
            let read = self.0.read(&mut buffer).expect("more");
            assert!(read > 0, "{end:?} did not come: {all}");
            all.push_str(std::str::from_utf8(&buffer[..read]).expect("ASCII"));
        }
        all
    }
}

#[track_caller]
fn refused(answer: &str, status: &str, message: &str) {
    let head = format!("HTTP/1.1 {status} ");
    assert!(answer.starts_with(&head) && answer.contains("connection: close"), "{answer}");
    assert!(answer.contains("\r\n\r\n{\"error\":\"") && answer.contains(message), "{answer}");
}

#[test]
fn a_client_that_does_not_end_its_head_is_cut_off() {
    let service = Running::with(Limits { head: SHORT, ..WIDE });
    for begin in ["", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        assert_eq!(service.connect().send(begin).rest(), "", "{begin:?}");
    }
    // Nor does a head that grows byte by byte last longer, nor an idle connection.
    let mut slow = service.connect();
    let begun = Instant::now();
    while slow.0.write_all(b"G").is_ok() && slow.0.set_read_timeout(Some(Duration::from_millis(20))).is_ok() {
        if slow.0.read(&mut [0; 100]).is_ok_and(|read| read == 0) {
            break;
        }
        assert!(begun.elapsed() < FAR, "it is still open");
    }
    let answer = service.connect().send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").rest();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n"), "{answer}");
}

#[test]
fn a_body_that_does_not_come_is_answered_with_408() {
    let service = Running::with(Limits { body: SHORT, ..WIDE });
    for rest in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
        let answer = service.connect().send(format!("POST /length HTTP/1.1\r\nHost: x\r\n{rest}")).rest();
        refused(&answer, "408", "did not come to its end within 0.2 s");
    }
}

#[test]
fn a_body_that_is_too_long_is_answered_with_413_before_it_is_read() {
    let service = Running::with(WIDE);
    let post = |rest: &str| service.connect().send(format!("POST /length HTTP/1.1\r\nHost: x\r\n{rest}"));
    let chunk = format!("Transfer-Encoding: chunked\r\n\r\n3e9\r\n{}\r\n", "x".repeat(1001));
    // Who sends all before reading anything is not cut off from the answer.
    let long = format!("Content-Length: 8000000\r\n\r\n{}", "x".repeat(8_000_000));
    let clients = [
        "Content-Length: 1001\r\n\r\n",
        "Content-Length: 18446744073709551613\r\n\r\n",
        "Expect: 100-continue\r\nContent-Length: 8000000\r\n\r\n",
        &chunk,
        &long,
    ]
    .map(post);
    clients.into_iter().for_each(|client| refused(&client.rest(), "413", "longer than 1000 bytes"));
    let whole = format!("Connection: close\r\nContent-Length: 1000\r\n\r\n{}", "x".repeat(1000));
    assert!(post(&whole).rest().ends_with("\r\n\r\n1000"));
}

#[test]
fn what_a_client_waits_for_ends_when_it_goes() {
    let ((begun, begins), (end, ended)) = (mpsc::channel(), mpsc::channel());
    let waits = post(async move |_: String| {
        let _dropped = Dropped(end.clone());
        begun.send(()).expect("the test listens");
        std::future::pending::<()>().await;
    });
    let service = Running::serving(Router::new().route("/wait", waits), WIDE);
    let client = service.connect().send("POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    begins.recv_timeout(FAR).expect("it is under way");
    drop(client);
    ended.recv_timeout(FAR).expect("nobody computes for a client that has gone");
}

#[test]
fn connections_over_the_limit_wait_for_one_to_end() {
    let service = Running::with(Limits { connections: 1, ..WIDE });
    let ask = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut first = service.connect().send(ask);
    first.until("ok\n");
    let mut second = service.connect().send(ask);
    second.0.set_read_timeout(Some(SHORT)).expect("a time-out");
    let waits = second.0.read(&mut [0; 10]).expect_err("no answer yet").kind();
    assert!(matches!(waits, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{waits:?}");
    drop(first);
    second.0.set_read_timeout(Some(FAR)).expect("a time-out");
    second.until("ok\n");
}

#[test]
fn a_client_that_does_not_read_is_cut_off_by_age() {
    let service = Running::with(Limits { connections: 1, age: SHORT, grace: SHORT, ..WIDE });
    let unread = service.connect().send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    service.connect().send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").until("ok\n");
    drop(unread);
}

#[test]
fn a_stop_lets_answers_finish_and_waits_no_longer_than_its_grace() {
    let service = Running::with(WIDE);
    let begun = |service: &Running| {
        let head = "POST /length HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
        let mut client = service.connect().send(head);
        client.until("100 Continue\r\n\r\n");
        client
    };
    let half = begun(&service);
    let mut idle = service.connect().send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    idle.until("ok\n");
    service.stop.notify_one();
    assert_eq!(idle.rest(), "");
    assert!(half.send("abc").rest().ends_with("\r\n\r\n3"));
    service.ended.recv_timeout(FAR / 2).expect("it ends with its last answer");

    let service = Running::with(Limits { grace: SHORT, ..WIDE });
    let never = begun(&service);
    service.stop.notify_one();
    service.ended.recv_timeout(FAR / 2).expect("it ends after its grace");
    drop(never);
}
