//! TLS, by curl: certificates that hold, that change and that cannot be used; clients with certificates and without.

use crate::curl::{self, REQUESTS, ask, post};
use crate::service::{Folder, Service, fails};
use crate::{Test, tests};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

pub(crate) const ALL: &[Test] = tests![
    every_protocol_is_answered_over_tls,
    a_new_certificate_holds_without_a_restart_and_a_broken_one_does_not,
    clients_without_a_certificate_are_refused_where_one_is_asked_for,
    files_that_cannot_be_used_are_named_with_what_is_wrong,
    who_does_not_shake_hands_is_cut_off,
];

/// One who signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
pub(crate) struct Pair {
    certificate: String,
    key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(vec![]).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// For 127.0.0.1.
    pub(crate) fn signs(&self) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// The flags of a service with this certificate.
pub(crate) fn flags(folder: &Folder, pair: &Pair) -> [String; 4] {
    let (certificate, key) = (folder.write("cert.pem", &pair.certificate), folder.write("key.pem", &pair.key));
    ["--tls-cert".to_owned(), certificate, "--tls-key".to_owned(), key]
}

#[track_caller]
fn start(flags: &[String], more: &[&str]) -> Service {
    let flags: Vec<&str> = flags.iter().map(String::as_str).chain(more.iter().copied()).collect();
    Service::start(&flags)
}

/// Whether curl trusts the service by this file.
fn trusts(service: &Service, root: &str) -> bool {
    curl::run(&["--cacert", root, &format!("{}/healthz", service.url)]).status.success()
}

fn every_protocol_is_answered_over_tls() {
    let (folder, authority) = (Folder::new(), Authority::new("first"));
    let root = folder.write("root.pem", authority.pem());
    let service = start(&flags(&folder, &authority.signs()), &["--sandbox", "require"]);
    assert!(service.url.starts_with("https://"), "{}", service.url);
    for version in ["--tlsv1.3", "--tls-max=1.2"] {
        let version: Vec<&str> = version.split('=').collect();
        for request in REQUESTS {
            let answer = post(&service.url, request, &[&["--cacert", &root], &version[..]].concat());
            assert_eq!(answer.status, 200, "{request:?} {answer:?}");
        }
    }
    for (wants, gets) in [("--http1.1", "1.1"), ("--http2", "2"), ("--no-alpn", "1.1")] {
        let url = format!("{}/healthz", service.url);
        let output =
            curl::run(&["--cacert", &root, wants, "--output", "/dev/null", "--write-out", "%{http_version}", &url]);
        assert_eq!(String::from_utf8_lossy(&output.stdout), gets, "{wants}");
    }
    // Larger than a record, and than what a socket holds.
    let large = curl::run(&["--cacert", &root, &format!("{}/large", service.url)]);
    assert_eq!(large.stdout.len(), 64 << 20);
    // Who trusts another, and who speaks no TLS, gets nothing.
    assert!(!trusts(&service, &folder.write("other.pem", Authority::new("other").pem())));
    let plain = service.connect().send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut answer = vec![];
    let _reset = std::io::Read::read_to_end(&mut { plain.0 }, &mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("ok"), "{answer:?}");
}

fn a_new_certificate_holds_without_a_restart_and_a_broken_one_does_not() {
    let (folder, first, second) = (Folder::new(), Authority::new("first"), Authority::new("second"));
    let roots = [folder.write("first.pem", first.pem()), folder.write("second.pem", second.pem())];
    let service = start(&flags(&folder, &first.signs()), &[]);
    let trusted = |service: &Service| [trusts(service, &roots[0]), trusts(service, &roots[1])];
    assert_eq!(trusted(&service), [true, false]);
    // One file after the other: between them they do not go together, and the old ones hold.
    let pair = second.signs();
    folder.write("cert.pem", &pair.certificate);
    let told = service.tells("cannot be used");
    assert!(told.contains("cert.pem") && told.contains("key.pem") && told.contains("go together"), "{told}");
    assert_eq!(trusted(&service), [true, false]);
    folder.write("key.pem", &pair.key);
    service.tells("the certificates are read again");
    assert_eq!(trusted(&service), [false, true]);
    folder.write("cert.pem", "nothing");
    service.tells("there is no certificate in it");
    assert_eq!(trusted(&service), [false, true]);
    folder.write("cert.pem", &pair.certificate);
    service.tells("the certificates are read again");
    service.signal("HUP");
    service.tells("the certificates are read again");
    assert_eq!(trusted(&service), [false, true]);
}

fn clients_without_a_certificate_are_refused_where_one_is_asked_for() {
    let (folder, servers, clients) = (Folder::new(), Authority::new("servers"), Authority::new("clients"));
    let root = folder.write("servers.pem", servers.pem());
    let service =
        start(&flags(&folder, &servers.signs()), &["--tls-client-ca", &folder.write("clients.pem", clients.pem())]);
    let url = format!("{}/models", service.url);
    let asks = |authority: &Authority| {
        let pair = authority.signs();
        let (certificate, key) =
            (folder.write("client.pem", &pair.certificate), folder.write("client-key.pem", &pair.key));
        curl::run(&["--cacert", &root, "--cert", &certificate, "--key", &key, &url]).status.success()
    };
    assert!(asks(&clients));
    assert!(!asks(&servers), "signed by another");
    assert!(!trusts(&service, &root), "without one");
}

fn files_that_cannot_be_used_are_named_with_what_is_wrong() {
    let (folder, authority) = (Folder::new(), Authority::new("first"));
    let (own, other) = (authority.signs(), authority.signs());
    let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (certificate, key, file, message) in [
        ("", &*own.key, "cert.pem", "there is no certificate in it"),
        (&own.key, &own.key, "cert.pem", "there is no certificate in it"),
        (broken, &own.key, "cert.pem", "base64"),
        (empty, &own.key, "cert.pem", "go together"),
        (&own.certificate, "", "key.pem", "there is no private key in it"),
        (&own.certificate, &own.certificate, "key.pem", "there is no private key in it"),
        (&own.certificate, &other.key, "key.pem", "go together"),
    ] {
        let flags = flags(&folder, &Pair { certificate: certificate.to_owned(), key: key.to_owned() });
        let error = fails(&flags.each_ref().map(String::as_str));
        assert!(error.contains(file) && error.contains(message), "{message}: {error}");
    }
    let flags = flags(&folder, &own);
    let [_, certificate, _, key] = flags.each_ref().map(String::as_str);
    let clients = folder.write("clients.pem", "x");
    for (flags, message) in [
        (&["--tls-cert", certificate][..], "`--tls-key FILE`"),
        (&["--tls-key", key], "`--tls-cert FILE`"),
        (&["--tls-client-ca", &clients], "`--tls-cert FILE`"),
        (&["--tls-cert", "no/such.pem", "--tls-key", key], "no/such.pem: No such file"),
        (&["--tls-cert", certificate, "--tls-key", "no/such.pem"], "no/such.pem: No such file"),
        (
            &["--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", &clients],
            "clients.pem: there is no certificate",
        ),
    ] {
        let error = fails(flags);
        assert!(error.contains(message), "{message}: {error}");
    }
}

fn who_does_not_shake_hands_is_cut_off() {
    let (folder, authority) = (Folder::new(), Authority::new("first"));
    let root = folder.write("root.pem", authority.pem());
    let service = start(&flags(&folder, &authority.signs()), &["--header-timeout", "200ms"]);
    // Silent, and with the begin of a record that does not come to its end.
    for begin in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        assert_eq!(service.connect().send(begin).rest(), "", "{begin:?}");
    }
    assert_eq!(ask(&["--cacert", &root, &format!("{}/healthz", service.url)]).status, 200);
}
