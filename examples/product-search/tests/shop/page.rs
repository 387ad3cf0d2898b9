//! The page in headless Chromium, in both languages and on a phone. Skips, and says so, where there is no `chromedriver`.

use crate::process;
use modeldeploy_house::browser::Browser;

const CARDS: &str = "document.querySelectorAll('.card').length";

#[test]
fn a_search_is_shown_with_prices_scores_words_and_the_model() {
    let Some(browser) = Browser::open_in("en", 1200, 900, false) else { return };
    let shop = process::open();
    browser.load(&shop.url);
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
    let Some(browser) = Browser::open_in("zh-CN", 360, 740, true) else { return };
    let shop = process::open();
    browser.load(&format!("{}/?q=%E6%89%8B%E6%9C%BA", shop.url));
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
    let Some(browser) = Browser::open_in("en", 1000, 800, false) else { return };
    let shop = process::open();
    browser.load(&format!("{}/?q=%3Cimg%20src%3Dx%20onerror%3Ddocument.title%3D1%3E", shop.url));
    browser.until(&format!("{CARDS} === 12"));
    assert_eq!(browser.value("document.querySelectorAll('img').length"), 0, "a query is never markup");
    drop(shop);
    browser.value(
        "(() => { document.getElementById('query').value = 'desk'; document.querySelector('form button').click(); })()",
    );
    browser.until("document.getElementById('status').classList.contains('wrong')");
}
