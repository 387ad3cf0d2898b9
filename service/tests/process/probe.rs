//! `--probe`, by a process of its own: what it asks a service, and what it says of one that is not ready, not there or another.

use crate::service::{FAR, Folder, Service, command, fails};
use crate::tls::{Authority, flags};
use crate::{Test, tests};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

pub(crate) const ALL: &[Test] = tests![
    a_service_is_ready_until_it_is_told_to_stop,
    over_tls_the_configured_certificate_alone_is_believed,
    who_is_not_there_or_no_service_is_not_ready,
];

/// Whether the probe, with these flags for the service at that address, ends with 0; and what it says.
fn probed(address: &str, more: &[&str]) -> (bool, String) {
    let flags = [&["--listen", address, "--probe"], more].concat();
    let output = command(&flags).output().expect("a process");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).expect("UTF-8"))
}

fn a_service_is_ready_until_it_is_told_to_stop() {
    let folder = Folder::new();
    let tokens = folder.write("tokens", "shop:0123456789abcdef0123456789abcdef\n");
    // Nobody has to say a token for it.
    let service = Service::start(&["--drain-delay", "1h", "--tokens", &tokens]);
    let address = service.address.to_string();
    assert_eq!(probed(&address, &[]), (true, format!("{address} is ready\n")));
    service.signal("TERM");
    let begun = std::time::Instant::now();
    let said = loop {
        match probed(&address, &[]) {
            (true, _) => assert!(begun.elapsed() < FAR, "it is ready still"),
            (false, said) => break said,
        }
    };
    assert!(said.contains("503") && said.contains("the service is stopping"), "{said}");
    service.signal("INT");
    service.ends();
}

fn over_tls_the_configured_certificate_alone_is_believed() {
    let (folder, another, authority) = (Folder::new(), Folder::new(), Authority::new("own"));
    let own = flags(&folder, &authority.signs());
    let others = flags(&another, &authority.signs());
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let service = Service::start(&own);
    let address = service.address.to_string();
    assert_eq!(probed(&address, &own), (true, format!("{address} is ready\n")));
    let (ready, said) = probed(&address, &others);
    assert!(!ready && said.contains("another certificate than --tls-cert names"), "{said}");
    assert!(!probed(&address, &[]).0, "without TLS");

    // Where clients need a certificate, the service's own is one.
    let root = folder.write("clients.pem", authority.pem());
    let mutual = [&own[..], &["--tls-client-ca", &root]].concat();
    let service = Service::start(&mutual);
    let address = service.address.to_string();
    assert_eq!(probed(&address, &mutual), (true, format!("{address} is ready\n")));
    assert!(!probed(&address, &own).0, "without one");
}

fn who_is_not_there_or_no_service_is_not_ready() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let answers = thread::spawn(move || {
        for answer in ["HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "220 mail.example.com\r\n", ""] {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut head = [0; 1024];
            let _read = stream.read(&mut head).expect("a request");
            stream.write_all(answer.as_bytes()).expect("an answer");
        }
    });
    let (ready, said) = probed(&address, &[]);
    assert!(!ready && said.contains("404 Not Found"), "{said}");
    for what in ["no HTTP", "closed"] {
        let (ready, said) = probed(&address, &[]);
        assert!(!ready && said.contains("is not ready: "), "{what}: {said}");
    }
    answers.join().expect("all was asked");
    let (ready, said) = probed(&address, &[]);
    assert!(!ready && said.contains("refused"), "nobody listens: {said}");
    assert!(fails(&["--listen", "127.0.0.1:0", "--probe"]).contains("needs the port"));
}
