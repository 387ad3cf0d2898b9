//! The page in headless Chromium, in both languages and on a phone. Skips, and says so, where there is no `chromedriver`.

use crate::process::{Shop, agent};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A browser window, driven by the WebDriver protocol (W3C).
struct Browser {
    driver: Child,
    session: String,
}

impl Browser {
    /// A window of this size in pixels, as a phone's where `mobile`; `None` where there is no browser.
    fn open(width: u32, height: u32, mobile: bool, language: &str) -> Option<Browser> {
        let driver =
            Command::new("chromedriver").args(["--port=0", "--log-level=SEVERE"]).stdout(Stdio::piped()).spawn();
        let Ok(mut driver) = driver else {
            modeldeploy_house::skipped("there is no chromedriver (Debian: apt-get install chromium chromium-driver)");
            return None;
        };
        let stdout = BufReader::new(driver.stdout.as_mut().expect("a pipe"));
        let port: u16 = stdout
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok())
            .expect("chromedriver says its port");
        let mut args: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-sync",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-dev-shm-usage",
        ]
        .map(String::from)
        .into();
        args.push(format!("--window-size={width},{height}"));
        args.push(format!("--accept-lang={language}"));
        let mut options = json!({"args": args});
        if mobile {
            options["mobileEmulation"] =
                json!({"deviceMetrics": {"width": width, "height": height, "pixelRatio": 2.0}});
        }
        let mut browser = Browser { driver, session: format!("http://127.0.0.1:{port}/session") };
        let opened = browser.ask("", json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}));
        browser.session +=
            &format!("/{}", opened["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {opened}")));
        Some(browser)
    }

    fn ask(&self, command: &str, body: Value) -> Value {
        let mut response = agent().post(format!("{}{command}", self.session)).send_json(body).expect("an answer");
        let answer: Value = response.body_mut().read_json().expect("JSON");
        answer["value"].clone()
    }

    fn visit(&self, url: &str) {
        self.ask("/url", json!({"url": url}));
    }

    /// The value of an expression in the page.
    fn value(&self, expression: &str) -> Value {
        self.ask("/execute/sync", json!({"script": format!("return {expression}"), "args": []}))
    }

    /// Waits until an expression is true, for as long as a slow machine may take.
    fn until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0]; let turns = 0;
             const look = () => ({expression}) ? done(true) : ++turns > 2000 ? done(document.body.innerText) : setTimeout(look, 10); look();"
        );
        let came = self.ask("/execute/async", json!({"script": script, "args": []}));
        assert_eq!(came, true, "`{expression}` did not come true");
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

const CARDS: &str = "document.querySelectorAll('.card').length";

#[test]
fn a_search_is_shown_with_prices_scores_words_and_the_model() {
    let Some(browser) = Browser::open(1200, 900, false, "en") else { return };
    let shop = Shop::open();
    browser.visit(&shop.url);
    assert_eq!(browser.value("document.documentElement.lang"), "en");
    browser.value("(() => { document.getElementById('query').value = 'wireless headphones'; document.querySelector('form button').click(); })()");
    browser.until(&format!("{CARDS} === 12"));
    for (what, expression) in [
        ("a price", "document.querySelector('.card .price').textContent.includes('$')"),
        ("a score", "Number(document.querySelector('.card .score .number').textContent) > 0.3"),
        ("that it was re-ranked", "document.querySelector('#status .reranked').textContent.length > 0"),
        (
            "a place that the re-ranker changed",
            r"[...document.querySelectorAll('.card .moved')].some((moved) => /^[↑↓]\d+$/.test(moved.textContent))",
        ),
        ("a marked word of the query", "document.querySelectorAll('.card .why-words mark').length > 0"),
        ("a marked word of a title", "document.querySelectorAll('.card .title mark').length > 0"),
        ("the query in the address", "location.search.includes('wireless')"),
        ("the model", "document.getElementById('model-name').textContent === 'query-encoder'"),
        ("the re-ranker", "document.getElementById('re-ranker-name').textContent === 're-ranker'"),
        ("its digest", "/^sha256:[0-9a-f]{64}$/.test(document.getElementById('model-digest').textContent)"),
        ("nothing wider than the window", "document.documentElement.scrollWidth <= innerWidth"),
    ] {
        assert_eq!(browser.value(expression), true, "{what}");
    }
}

#[test]
fn the_page_speaks_chinese_and_fits_a_phone() {
    let Some(browser) = Browser::open(360, 740, true, "zh-CN") else { return };
    let shop = Shop::open();
    browser.visit(&format!("{}/?q=%E6%89%8B%E6%9C%BA", shop.url));
    browser.until(&format!("{CARDS} === 12"));
    for (what, expression) in [
        ("Chinese", "document.documentElement.lang === 'zh-CN'"),
        ("a Chinese title first", r"/[\u4e00-\u9fff]/.test(document.querySelector('.card .title').textContent)"),
        ("the query in its box", "document.getElementById('query').value === '手机'"),
        ("nothing wider than the phone", "document.documentElement.scrollWidth <= 360"),
        (
            "buttons large enough for a thumb",
            "document.querySelector('form button').getBoundingClientRect().height >= 40",
        ),
    ] {
        assert_eq!(browser.value(expression), true, "{what}");
    }
    browser.value("document.querySelector('[data-language=en]').click()");
    assert_eq!(browser.value("document.querySelector('form button').textContent"), "Search");
}

#[test]
fn an_error_is_said_and_a_title_is_text() {
    let Some(browser) = Browser::open(1000, 800, false, "en") else { return };
    let shop = Shop::open();
    browser.visit(&format!("{}/?q=%3Cimg%20src%3Dx%20onerror%3Ddocument.title%3D1%3E", shop.url));
    browser.until(&format!("{CARDS} === 12"));
    assert_eq!(browser.value("document.querySelectorAll('img').length"), 0, "a query is never markup");
    drop(shop);
    browser.value(
        "(() => { document.getElementById('query').value = 'desk'; document.querySelector('form button').click(); })()",
    );
    browser.until("document.getElementById('status').classList.contains('wrong')");
}
