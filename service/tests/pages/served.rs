//! The hand-made service on a free port, in this process.

use crate::models::service;
use std::sync::OnceLock;
use std::sync::mpsc::channel;

/// Its address, `http://127.0.0.1:…`; it serves until the process ends.
pub(crate) fn url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        let (say, hear) = channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
                say.send(listener.local_addr().expect("an address")).expect("somebody hears");
                axum::serve(listener, service().into_router().expect("a router")).await.expect("it serves");
            });
        });
        format!("http://{}", hear.recv().expect("an address"))
    })
}
