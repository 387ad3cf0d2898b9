//! A browser window, driven by the WebDriver protocol (W3C).

use crate::process::agent;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A window of Chromium without a screen; it ends with this value.
pub(crate) struct Browser {
    driver: Child,
    session: String,
}

const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
];

impl Browser {
    /// A window of this size in pixels, as a phone's where `mobile`; `None`, and it says so, where there is no browser.
    pub(crate) fn open(width: u32, height: u32, mobile: bool) -> Option<Browser> {
        let driver =
            Command::new("chromedriver").args(["--port=0", "--log-level=SEVERE"]).stdout(Stdio::piped()).spawn();
        let Ok(mut driver) = driver else {
            modeldeploy_house::skipped("there is no chromedriver (Debian: apt-get install chromium chromium-driver)");
            return None;
        };
        let lines = BufReader::new(driver.stdout.as_mut().expect("a pipe")).lines();
        let port = |line: String| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok();
        let port: u16 = lines.map_while(Result::ok).find_map(port).expect("chromedriver says its port");
        let mut arguments = ARGUMENTS.map(String::from).to_vec();
        arguments.push(format!("--window-size={width},{height}"));
        let mut options = json!({ "args": arguments });
        if mobile {
            options["mobileEmulation"] =
                json!({ "deviceMetrics": { "width": width, "height": height, "pixelRatio": 2.0 } });
        }
        let mut browser = Browser { driver, session: format!("http://127.0.0.1:{port}/session") };
        let logs = json!({ "browser": "ALL", "performance": "ALL" });
        let wanted = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": logs });
        let opened = browser.ask("", json!({ "capabilities": { "alwaysMatch": wanted } }));
        let session = opened["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {opened}"));
        browser.session += &format!("/{session}");
        Some(browser)
    }

    fn ask(&self, command: &str, body: Value) -> Value {
        let mut response = agent().post(format!("{}{command}", self.session)).send_json(body).expect("an answer");
        let answer: Value = response.body_mut().read_json().expect("JSON");
        answer["value"].clone()
    }

    pub(crate) fn visit(&self, url: &str) {
        self.ask("/url", json!({ "url": url }));
    }

    /// The value of an expression in the page.
    pub(crate) fn value(&self, expression: &str) -> Value {
        self.ask("/execute/sync", json!({ "script": format!("return {expression}"), "args": [] }))
    }

    /// Runs statements in the page.
    pub(crate) fn run(&self, statements: &str) {
        self.value(&format!("(() => {{ {statements} }})()"));
    }

    /// Waits until an expression is true, for as long as a slow machine may take.
    pub(crate) fn until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0];
             let turns = 0;
             const look = () => {{
                 if ({expression}) return done(true);
                 turns += 1;
                 return turns > 2000 ? done(document.body.innerText) : setTimeout(look, 10);
             }};
             look();"
        );
        let came = self.ask("/execute/async", json!({ "script": script, "args": [] }));
        assert_eq!(came, true, "`{expression}` did not come true");
    }

    /// Has the page seen as by someone who prefers this, such as `prefers-color-scheme: dark`.
    pub(crate) fn prefer(&self, name: &str, value: &str) {
        let parameters = json!({ "features": [{ "name": name, "value": value }] });
        self.ask("/goog/cdp/execute", json!({ "cmd": "Emulation.setEmulatedMedia", "params": parameters }));
    }

    /// Fails if the page said anything to the console or asked anybody but `origin` for anything.
    pub(crate) fn kept_quiet(&self, origin: &str) {
        let said = self.ask("/se/log", json!({ "type": "browser" }));
        assert_eq!(said, json!([]), "the console");
        let events = self.ask("/se/log", json!({ "type": "performance" }));
        let message = |event: &Value| serde_json::from_str::<Value>(event["message"].as_str()?).ok();
        let events: Vec<Value> = events.as_array().expect("a list").iter().filter_map(message).collect();
        let sent = events.iter().filter(|event| event["message"]["method"] == "Network.requestWillBeSent");
        let urls: Vec<&str> = sent.filter_map(|event| event["message"]["params"]["request"]["url"].as_str()).collect();
        assert!(urls.len() > 3, "no request was seen: {urls:?}");
        let others: Vec<_> = urls.iter().filter(|url| !url.starts_with(origin)).collect();
        assert!(others.is_empty(), "requests to elsewhere: {others:?}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session and the driver with this process, whatever has happened.
        let _ = agent().delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
