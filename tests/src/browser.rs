//! A browser window, driven by the WebDriver protocol (W3C): the pages of services and examples are tested in it.

use crate::client::agent;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A window of Chromium without a screen; it ends with this value.
#[derive(Debug)]
pub struct Browser {
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
    ///
    /// # Panics
    ///
    /// If there is one and it does not open.
    pub fn open(width: u32, height: u32, mobile: bool) -> Option<Browser> {
        Browser::open_in("en", width, height, mobile)
    }

    /// The same of somebody who reads this language.
    ///
    /// # Panics
    ///
    /// As there.
    pub fn open_in(language: &str, width: u32, height: u32, mobile: bool) -> Option<Browser> {
        let driver =
            Command::new("chromedriver").args(["--port=0", "--log-level=SEVERE"]).stdout(Stdio::piped()).spawn();
        let Ok(mut driver) = driver else {
            crate::skipped("there is no chromedriver (Debian: apt-get install chromium chromium-driver)");
            return None;
        };
        let lines = BufReader::new(driver.stdout.as_mut().expect("a pipe")).lines();
        let port = |line: String| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok();
        let port: u16 = lines.map_while(Result::ok).find_map(port).expect("chromedriver says its port");
        let mut arguments = ARGUMENTS.map(String::from).to_vec();
        arguments.push(format!("--window-size={width},{height}"));
        arguments.push(format!("--accept-lang={language}"));
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
        let answer: Value = response.body_mut().with_config().limit(64 << 20).read_json().expect("JSON");
        answer["value"].clone()
    }

    /// Loads a page.
    pub fn load(&self, url: &str) {
        self.ask("/url", json!({ "url": url }));
    }

    /// Loads a page that says when it is ready, and waits until it does.
    pub fn visit(&self, url: &str) {
        self.load(url);
        self.until("document.documentElement.dataset.ready === 'true'");
    }

    /// The value of an expression in the page.
    pub fn value(&self, expression: &str) -> Value {
        self.ask("/execute/sync", json!({ "script": format!("return {expression}"), "args": [] }))
    }

    /// The text of an expression in the page.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn text(&self, expression: &str) -> String {
        let value = self.value(expression);
        value.as_str().unwrap_or_else(|| panic!("`{expression}` is {value}")).to_owned()
    }

    /// Runs statements in the page.
    pub fn run(&self, statements: &str) {
        self.value(&format!("(() => {{ {statements} }})()"));
    }

    /// Waits until an expression is true, for as long as a slow machine may take.
    ///
    /// # Panics
    ///
    /// If it does not come true.
    pub fn until(&self, expression: &str) {
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

    /// Types into what has the focus.
    pub fn press(&self, keys: &str) {
        let actions =
            keys.chars().flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })));
        let actions: Vec<Value> = actions.collect();
        self.ask("/actions", json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] }));
    }

    /// Has the page seen as by someone who prefers this, such as `prefers-color-scheme: dark`.
    pub fn prefer(&self, name: &str, value: &str) {
        let parameters = json!({ "features": [{ "name": name, "value": value }] });
        self.ask("/goog/cdp/execute", json!({ "cmd": "Emulation.setEmulatedMedia", "params": parameters }));
    }

    /// The page's picture is written to that folder, if the environment names one: `MODELDEPLOY_PICTURES`.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    pub fn picture(&self, name: &str) {
        use base64::Engine as _;
        let Some(folder) = std::env::var_os("MODELDEPLOY_PICTURES") else { return };
        let parameters = json!({ "format": "png", "captureBeyondViewport": true });
        let taken = self.ask("/goog/cdp/execute", json!({ "cmd": "Page.captureScreenshot", "params": parameters }));
        let bytes = base64::engine::general_purpose::STANDARD.decode(taken["data"].as_str().expect("a picture"));
        std::fs::write(std::path::Path::new(&folder).join(name), bytes.expect("base64")).expect("it is written");
    }

    /// Fails if the page said anything to the console or asked anybody but `origin` for anything.
    ///
    /// # Panics
    ///
    /// If it did.
    pub fn kept_quiet(&self, origin: &str) {
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
