//! Clients that speak HTTP/2 with prior knowledge, frame by frame (RFC 9113), with headers from HPACK's static table (RFC 7541).

use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Begins with the preface and settings that are all the defaults.
fn begun(service: &Running) -> Client {
    service.connect().send(PREFACE).send(frame(SETTINGS, 0, 0, b""))
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The head of a request: of static indices 2 is GET, 3 POST, 6 the scheme, 4 a path and 1 an authority of the client's own.
fn head(method: u8, path: &str, flags: u8, stream: u32) -> Vec<u8> {
    let path_length = u8::try_from(path.len()).expect("a short path");
    let block = [&[0x80 | method, 0x86, 0x04, path_length], path.as_bytes(), &[0x01, 1, b'x']].concat();
    frame(HEADERS, flags | END_HEADERS, stream, &block)
}

impl Client {
    /// The next frame: its kind, stream and payload; none at the connection's end.
    fn next_frame(&mut self) -> Option<(u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).ok()?;
        Some((head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
    }

    /// The payload of the next frame of a kind and stream.
    #[track_caller]
    fn frame_of(&mut self, kind: u8, stream: u32) -> Vec<u8> {
        loop {
            match self.next_frame() {
                Some((got, of, payload)) if (got, of) == (kind, stream) => return payload,
                Some(_) => {}
                None => panic!("the connection ended before a frame of kind {kind}"),
            }
        }
    }
}

#[test]
fn requests_share_a_connection() {
    let service = Running::with(WIDE);
    let mut client = begun(&service).send(head(3, "/length", 0, 1)).send(head(2, "/healthz", END_STREAM, 3));
    // The second is answered while the first one's body has not come. Of static indices 8 is the status 200.
    assert_eq!(client.frame_of(HEADERS, 3)[0], 0x88);
    assert_eq!(client.frame_of(DATA, 3), b"ok\n");
    let mut client = client.send(frame(DATA, END_STREAM, 1, b"abc"));
    assert_eq!(client.frame_of(HEADERS, 1)[0], 0x88);
    assert_eq!(client.frame_of(DATA, 1), b"3");
}

#[test]
fn a_client_that_does_not_end_its_preface_is_cut_off() {
    let service = Running::with(Limits { head: SHORT, ..WIDE });
    for begin in [&PREFACE[..3], &PREFACE[..23]] {
        assert_eq!(service.connect().send(begin).rest(), "");
    }
    // One that has ended it may be idle for longer.
    let mut client = begun(&service);
    client.frame_of(SETTINGS, 0);
    client.0.set_read_timeout(Some(SHORT * 2)).expect("a time-out");
    while let Some((kind, ..)) = client.next_frame() {
        assert_ne!(kind, GOAWAY);
    }
    client.0.set_read_timeout(Some(FAR)).expect("a time-out");
    let mut client = client.send(head(2, "/healthz", END_STREAM, 1));
    assert_eq!(client.frame_of(DATA, 1), b"ok\n");
}

#[test]
fn a_client_that_answers_no_ping_is_cut_off() {
    let service = Running::with(Limits { ping: SHORT, ..WIDE });
    let mut client = begun(&service);
    client.frame_of(PING, 0);
    while client.next_frame().is_some() {}
    // Nor is one that stops in the middle of a head.
    let mut client = begun(&service).send(frame(HEADERS, END_STREAM, 1, &[0x82]));
    while client.next_frame().is_some() {}
}

#[test]
fn a_head_that_is_too_long_is_answered_with_431() {
    let service = Running::with(Limits { head_bytes: 1000, ..WIDE });
    // A header `x` of as many bytes: the length has a prefix of 7 bits, and then 7 bits a byte.
    let header = |length: u16| {
        let rest = length - 127;
        let value = [0x7f, (rest & 0x7f) as u8 | 0x80, (rest >> 7) as u8];
        [&[0x00, 1, b'x'][..], &value, &vec![b'x'; length.into()]].concat()
    };
    // 431 is a status of no static index, and its digits come in Huffman's code.
    for (length, status) in [(500, &[0x88][..]), (1000, &[0x48, 0x83, 0x69, 0x90, 0xff])] {
        let block = [&[0x82, 0x86, 0x04, 8], &b"/healthz"[..], &[0x01, 1, b'x'], &header(length)].concat();
        let mut client = begun(&service).send(frame(HEADERS, END_STREAM | END_HEADERS, 1, &block));
        let payload = client.frame_of(HEADERS, 1);
        assert!(payload.starts_with(status), "{length}: {payload:x?}");
    }
}

#[test]
fn requests_over_the_limit_are_told_to_try_again() {
    let service = Running::with(Limits { streams: 1, ..WIDE });
    let mut client = begun(&service);
    // The limit is 3 of the settings; a client that has read them does not go over it.
    let settings = client.frame_of(SETTINGS, 0);
    assert!(settings.chunks_exact(6).any(|setting| *setting == [0, 3, 0, 0, 0, 1]), "{settings:?}");
    let client = client.send(frame(SETTINGS, 1, 0, b""));
    let mut client = client.send(head(3, "/length", 0, 1)).send(head(2, "/healthz", END_STREAM, 3));
    // REFUSED_STREAM: nothing of it was processed.
    assert_eq!(client.frame_of(RST_STREAM, 3), [0, 0, 0, 7]);
    let mut client = client.send(frame(DATA, END_STREAM, 1, b"abc"));
    assert_eq!(client.frame_of(DATA, 1), b"3");
}

#[test]
fn what_a_client_waits_for_ends_when_it_resets_its_request_or_goes() {
    for goes in [false, true] {
        let ((begun_in, begins), (end, ended)) = (mpsc::channel(), mpsc::channel());
        let waits = post(async move |_: String| {
            let _dropped = Dropped(end.clone());
            begun_in.send(()).expect("the test listens");
            std::future::pending::<()>().await;
        });
        let service = Running::serving(Router::new().route("/wait", waits), WIDE);
        let client = begun(&service).send(head(3, "/wait", 0, 1)).send(frame(DATA, END_STREAM, 1, b"abc"));
        begins.recv_timeout(FAR).expect("it is under way");
        // CANCEL.
        let stays = if goes {
            drop(client);
            None
        } else {
            Some(client.send(frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])))
        };
        ended.recv_timeout(FAR).expect("nobody computes for a client that has gone");
        drop(stays);
    }
}

#[test]
fn a_stop_lets_answers_finish() {
    let service = Running::with(WIDE);
    let mut client = begun(&service).send(head(3, "/length", 0, 1)).send(head(2, "/healthz", END_STREAM, 3));
    client.frame_of(DATA, 3);
    service.stop.notify_one();
    client.frame_of(GOAWAY, 0);
    let mut client = client.send(frame(DATA, END_STREAM, 1, b"abc"));
    assert_eq!(client.frame_of(DATA, 1), b"3");
    drop(client);
    service.ended.recv_timeout(FAR / 2).expect("it ends with its last answer");
}
