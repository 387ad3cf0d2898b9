//! Clients that send too much, too slowly, or read nothing; each is told in its protocol's form where it can be told.

use crate::curl::{REQUESTS, ask, is_an_error_of, post};
use crate::service::{FAR, Folder, Service};
use crate::{Test, tests};
use std::io::Read;

pub(crate) const ALL: &[Test] = tests![
    too_many_headers_and_too_long_ones_are_answered_with_431,
    a_header_of_a_megabyte_is_refused_before_it_is_read_to_its_end,
    a_body_that_is_too_long_is_answered_with_413_in_each_form,
    bodies_that_are_too_long_together_are_answered_with_429_in_each_form,
    a_body_that_does_not_come_is_answered_with_408_in_each_form,
    a_client_that_reads_nothing_is_cut_off_and_one_that_reads_slowly_is_not,
    a_peer_has_no_more_than_its_connections,
    half_closed_and_reset_connections_hurt_nobody_else,
    texts_and_tokens_over_the_limit_are_refused,
];

fn too_many_headers_and_too_long_ones_are_answered_with_431() {
    let service = Service::start(&["--max-headers", "20", "--max-header-bytes", "8KiB"]);
    let many: Vec<String> = (0..25).flat_map(|at| ["--header".to_owned(), format!("X-{at}: 1")]).collect();
    let long = ["--header".to_owned(), format!("X-Long: {}", "x".repeat(8192))];
    for (headers, words) in [(&many[..], "at most 20 are taken"), (&long, "longer than 8192 bytes")] {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        for request in REQUESTS {
            let answer = post(&service.url, request, &headers);
            assert_eq!((answer.status, answer.header("connection")), (431, Some("close")), "{request:?} {answer:?}");
            is_an_error_of(request.0, &answer, words);
        }
    }
    let path = format!("{}/healthz?{}", service.url, "x".repeat(8192));
    assert_eq!(ask(&[&path]).status, 431);
    let most: Vec<String> = (0..15).flat_map(|at| ["--header".to_owned(), format!("X-{at}: 1")]).collect();
    let most: Vec<&str> = most.iter().map(String::as_str).collect();
    assert_eq!(post(&service.url, REQUESTS[0], &most).status, 200);
    // More are taken where more are allowed.
    let service = Service::start(&["--max-headers", "300", "--max-header-bytes", "1MiB"]);
    let many: Vec<String> = (0..290).flat_map(|at| ["--header".to_owned(), format!("X-{at}: 1")]).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(post(&service.url, REQUESTS[0], &many).status, 200);
    let long = format!("X-Long: {}", "x".repeat(1_000_000));
    let answer =
        service.connect().send(format!("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{long}\r\n\r\n"));
    assert!(answer.rest().starts_with("HTTP/1.1 200 "));
}

fn a_header_of_a_megabyte_is_refused_before_it_is_read_to_its_end() {
    let service = Service::start(&[]);
    let mut client = service.connect().send("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ");
    // It never ends; what the sockets hold is sent, and then the connection is reset.
    let piece = [b'x'; 1 << 16];
    let is_cut_off = (0..1 << 10).any(|_| std::io::Write::write_all(&mut client.0, &piece).is_err());
    assert!(is_cut_off, "64 MB of a header are read");
    let (mut answer, mut stream) = (vec![], client.0);
    let _reset = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert_eq!(ask(&[&format!("{}/healthz", service.url)]).status, 200);
}

fn a_body_that_is_too_long_is_answered_with_413_in_each_form() {
    let service = Service::start(&["--max-body-bytes", "200"]);
    let long = "x".repeat(201);
    for (path, body) in REQUESTS {
        let answer = post(&service.url, (path, &long), &[]);
        assert_eq!((answer.status, answer.header("connection")), (413, Some("close")), "{path} {answer:?}");
        is_an_error_of(path, &answer, "longer than 200 bytes");
        assert_eq!(post(&service.url, (path, body), &[]).status, 200, "{path}");
    }
    // A message is its length and then its bytes.
    let folder = Folder::new();
    let message = folder.write("message", [&b"\0\0\0\0\xc9"[..], long.as_bytes()].concat());
    let data = format!("@{message}");
    let grpc = ["--header", "Content-Type: application/grpc", "--data-binary", &data];
    let answer =
        ask(&[&grpc[..], &[&format!("{}/tensorflow.serving.PredictionService/Predict", service.url)]].concat());
    assert_eq!((answer.status, answer.header("grpc-status")), (200, Some("8")), "{answer:?}");
}

fn bodies_that_are_too_long_together_are_answered_with_429_in_each_form() {
    let error = crate::service::fails(&["--max-body-bytes", "4KiB", "--max-bodies-bytes", "4095"]);
    assert!(error.contains("--max-body-bytes is 4096, and --max-bodies-bytes 4095"), "{error}");
    let service = Service::start(&["--max-body-bytes", "4KiB", "--max-bodies-bytes", "4KiB"]);
    let (length, text) = (4096, "x".repeat(4090));
    let head = format!("POST /length HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    let send = || service.connect().send(format!("{head}{text}"));
    let mut slow = send();
    // The service may take a moment to read it.
    let begun = std::time::Instant::now();
    while post(&service.url, REQUESTS[0], &[]).status == 200 {
        assert!(begun.elapsed() < FAR, "it is not read");
        // Had the other the room just then, it was this one that was refused.
        slow.0.set_nonblocking(true).expect("a socket");
        let is_answered = slow.0.peek(&mut [0]).is_ok();
        slow.0.set_nonblocking(false).expect("a socket");
        if is_answered {
            slow = send();
        }
    }
    for (path, body) in REQUESTS {
        let request = (path, &*format!("{body}          "));
        let answer = post(&service.url, request, &[]);
        let headers = (answer.header("retry-after"), answer.header("connection"));
        assert_eq!((answer.status, headers), (429, (Some("1"), Some("close"))), "{request:?} {answer:?}");
        is_an_error_of(request.0, &answer, "the bodies of all requests together are too long");
    }
    let grpc = ["--header", "Content-Type: application/grpc", "--data", "0123456789"];
    let answer =
        ask(&[&grpc[..], &[&format!("{}/tensorflow.serving.PredictionService/Predict", service.url)]].concat());
    assert_eq!((answer.status, answer.header("grpc-status")), (200, Some("8")), "{answer:?}");
    assert_eq!(answer.header("grpc-retry-pushback-ms"), Some("1000"), "{answer:?}");
    assert!(slow.send("123456").rest().ends_with("4096"));
    for request in REQUESTS {
        assert_eq!(post(&service.url, request, &[]).status, 200, "{request:?}");
    }
}

fn a_body_that_does_not_come_is_answered_with_408_in_each_form() {
    let service = Service::start(&["--body-timeout", "200ms"]);
    for (path, _) in REQUESTS {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\nabc"
        );
        let answer = service.connect().send(head).rest();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 408 ") && head.contains("connection: close"), "{answer}");
        let answer = crate::curl::Answer { status: 408, head: head.to_owned(), body: body.to_owned() };
        is_an_error_of(path, &answer, "within 0.2 s");
    }
}

fn a_client_that_reads_nothing_is_cut_off_and_one_that_reads_slowly_is_not() {
    let service = Service::start(&["--write-timeout", "1s", "--max-connections", "1"]);
    let ask = "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let unread = service.connect().send(ask);
    // There is room for one, so this is answered once the other is cut off.
    let mut slow = service.connect().send(ask).0;
    let (mut sum, mut buffer) = (0, vec![0; 1 << 20]);
    loop {
        match slow.read(&mut buffer).expect("more") {
            0 => break,
            read => sum += read,
        }
    }
    assert!(sum > 64 << 20, "{sum}");
    drop(unread);
}

fn a_peer_has_no_more_than_its_connections() {
    let service = Service::start(&["--max-connections-per-peer", "2"]);
    let ask = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut two = [(); 2].map(|()| service.connect().send(ask));
    two.iter_mut().for_each(|client| drop(client.until("ok\n")));
    // Closed before it could ask.
    let mut third = service.connect().0;
    let closed = third.read(&mut [0; 10]);
    assert!(matches!(closed, Ok(0)) || closed.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
    // When another goes, there is room again; it may take the service a moment to see it.
    let [first, _second] = two;
    drop(first);
    let begun = std::time::Instant::now();
    loop {
        let mut again = service.connect();
        if std::io::Write::write_all(&mut again.0, ask.as_bytes()).is_ok()
            && again.0.read(&mut [0; 10]).is_ok_and(|read| read > 0)
        {
            break;
        }
        assert!(begun.elapsed() < FAR, "there is no room");
    }
}

fn half_closed_and_reset_connections_hurt_nobody_else() {
    let service = Service::start(&[]);
    let request = "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";
    // A client that sends no more looks as one that has gone, and counts as such: it has its answer if that was there before.
    let half = service.connect().send(format!("{request}abc"));
    half.0.shutdown(std::net::Shutdown::Write).expect("half closed");
    let answer = half.rest();
    assert!(answer.is_empty() || answer.ends_with("\r\n\r\n3"), "{answer}");
    // One that breaks off in its head, in its body or before its answer gets none.
    for begin in ["GET /hea", request, &format!("{request}ab"), "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let broken = service.connect().send(begin);
        broken.0.shutdown(std::net::Shutdown::Both).expect("closed");
        drop(broken);
        let half = service.connect().send(begin);
        half.0.shutdown(std::net::Shutdown::Write).expect("half closed");
        let answer = half.rest();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.1 400"),
            "{begin}"
        );
    }
    // What is no HTTP is refused.
    let answer = service.connect().send("\u{1}\u{2}\u{3}\r\n\r\n").rest();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(post(&service.url, REQUESTS[0], &[]).status, 200);
}

fn texts_and_tokens_over_the_limit_are_refused() {
    let service = Service::start(&["--max-texts", "2", "--max-tokens", "9"]);
    let ask = |inputs: &str| {
        let answer = post(&service.url, ("/v1/embeddings", &format!(r#"{{"model":"encoder","input":{inputs}}}"#)), &[]);
        (answer.status, answer.json())
    };
    let (status, answer) = ask(r#"["a a"]"#);
    assert_eq!((status, &answer["usage"]["prompt_tokens"]), (200, &5.into()), "{answer}");
    let says = |inputs: &str, words: &str| {
        let (status, answer) = ask(inputs);
        let message = answer["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert!(status == 400 && message.contains(words), "{inputs}: {answer}");
    };
    says(r#"["a a","a a"]"#, "10 tokens, and at most 9");
    says(r#"["a","a","a"]"#, "3 texts, and at most 2");
}
