//! The page in headless Chromium, wide and on a phone. Skips, and says so, where there is no `chromedriver`.

use crate::process;
use modeldeploy_house::browser::Browser;

const CARDS: &str = "document.querySelectorAll('.card').length";
/// How many clicks the page shows.
const CLICKS: &str = "document.querySelectorAll('#session li').length";

/// Whether the feed is the answer to the last question: none is under way.
const ANSWERED: &str = "document.getElementById('cards').ariaBusy === 'false'";

/// Clicks the card in a place of the feed, and waits for the feed after it.
fn click(browser: &Browser, place: usize) -> String {
    browser.until(ANSWERED);
    let item = browser.value(&format!("document.querySelectorAll('.card')[{place}].dataset.item"));
    let item = item.as_str().expect("a number").to_owned();
    browser.run(&format!("document.querySelectorAll('.card button')[{place}].click()"));
    browser.until(&format!("{ANSWERED} && {CARDS} === 24 && !document.querySelector('.card[data-item=\"{item}\"]')"));
    item
}

#[test]
fn a_click_joins_the_visit_and_the_feed_follows() {
    let Some(browser) = Browser::open(1280, 900, false) else { return };
    let shop = process::open();
    browser.load(&shop.url);
    browser.until(&format!("{CARDS} === 24 && document.querySelectorAll('.shopper').length === 7"));
    browser.run("document.querySelectorAll('.shopper')[2].click()");
    browser.until("location.search.includes('id=u') && document.querySelectorAll('.stage').length === 4");
    let clicked = click(&browser, 9);
    for (what, expression) in [
        ("the click in the visit", format!("{CLICKS} === 1")),
        ("its title, not its number", "!document.querySelector('#session li').textContent.includes('item ')".to_owned()),
        ("the click in the address", format!("new URLSearchParams(location.search).get('session') === '{clicked}'")),
        ("places from 1", "document.querySelector('.card .place').textContent === '1'".to_owned()),
        ("a price", "document.querySelector('.card .price').textContent.includes('$')".to_owned()),
        ("the places of four models", "document.querySelectorAll('.card')[0].querySelectorAll('.places span').length === 4".to_owned()),
        (
            "what climbed, with the model that sent it",
            r"[...document.querySelectorAll('.card[data-moved=up] .moved')].some((it) => /^↑\d+ · (Two-tower|SASRec|DCN ranker|LightGBM)$/.test(it.textContent))".to_owned(),
        ),
        (
            "what is new, with the model that found it",
            "[...document.querySelectorAll('.card[data-moved=new] .moved')].some((it) => /^new · (Two-tower|SASRec)$/.test(it.textContent))".to_owned(),
        ),
        ("how many moved", "/^\\d+ of 24 moved up$/.test(document.getElementById('status').textContent)".to_owned()),
        (
            "what goes into each stage and comes out",
            "[...document.querySelectorAll('.stage .in')].map((it) => it.textContent)[0] === '3,000' && document.querySelectorAll('.stage .out')[2].textContent === '50'".to_owned(),
        ),
        (
            "how long each took",
            r"[...document.querySelectorAll('.stage .time')].every((it) => /^[\d,]+ µs$/.test(it.textContent))".to_owned(),
        ),
        (
            "the models with their digests",
            "document.querySelectorAll('#models code').length === 4 && /^sha256:[0-9a-f]{64}$/.test(document.querySelector('#models code').textContent)".to_owned(),
        ),
        ("nothing wider than the window", "document.documentElement.scrollWidth <= innerWidth".to_owned()),
    ] {
        assert_eq!(browser.value(&expression), true, "{what}");
    }
    click(&browser, 3);
    assert_eq!(browser.value(CLICKS), 2);
    browser.run("document.getElementById('undo').click()");
    browser.until(&format!("{CLICKS} === 1"));
    // The browser's own way back leads through the same visits.
    browser.run("history.back()");
    browser.until(&format!("{CLICKS} === 2"));
    browser.run("document.getElementById('again').click()");
    browser.until(&format!("{CLICKS} === 0 && !document.getElementById('invite').hidden"));
    browser.kept_quiet(&shop.url);
}

#[test]
fn an_undone_click_gives_the_feed_before_it() {
    let Some(browser) = Browser::open(1280, 900, false) else { return };
    let shop = process::open();
    browser.load(&format!("{}/?id=u0017", shop.url));
    browser.until(&format!("{CARDS} === 24"));
    let order = "[...document.querySelectorAll('.card')].map((card) => card.dataset.item).join()";
    let first = browser.value(order);
    click(&browser, 5);
    assert_ne!(browser.value(order), first);
    browser.run("document.getElementById('undo').click()");
    browser.until(&format!("{order} === {first}"));
}

#[test]
fn a_new_visitor_says_a_little_and_gets_another_feed() {
    let Some(browser) = Browser::open(390, 800, true) else { return };
    let shop = process::open();
    browser.load(&format!("{}/?id=u0017&session=12,2560", shop.url));
    browser.until(&format!("{CARDS} === 24 && document.querySelectorAll('.shopper').length === 7 && {CLICKS} === 2"));
    // What the address names has its title too.
    browser.until("![...document.querySelectorAll('#session li')].some((it) => it.textContent.startsWith('item '))");
    browser.run("document.querySelector('.shopper[data-id=\"\"]').click()");
    browser.until(&format!("{CLICKS} === 0 && !document.getElementById('facts').hidden"));
    browser
        .run("const it = document.getElementById('country'); it.value = 'JP'; it.dispatchEvent(new Event('change'))");
    browser.until("location.search.includes('country=JP')");
    for (what, expression) in [
        ("nothing wider than the phone", "document.documentElement.scrollWidth <= 390"),
        (
            "two cards side by side",
            "(() => { const [a, b] = document.querySelectorAll('.card'); return a.getBoundingClientRect().top === b.getBoundingClientRect().top; })()",
        ),
        ("buttons large enough for a thumb", "document.getElementById('undo').getBoundingClientRect().height >= 40"),
    ] {
        assert_eq!(browser.value(expression), true, "{what}");
    }
}

#[test]
fn an_error_is_said() {
    let Some(browser) = Browser::open(1000, 800, false) else { return };
    let shop = process::open();
    browser.load(&format!("{}/?session=3001", shop.url));
    browser.until("document.getElementById('status').textContent.includes('3001')");
    assert_eq!(browser.value("document.getElementById('status').classList.contains('wrong')"), true);
    browser.load(&shop.url);
    browser.until(&format!("{CARDS} === 24"));
    drop(shop);
    browser.run("document.querySelector('.card button').click()");
    browser.until("document.getElementById('status').textContent.includes('cannot be reached')");
}

#[test]
fn both_grounds_have_letters_that_can_be_read() {
    let Some(browser) = Browser::open(1000, 800, false) else { return };
    let shop = process::open();
    for scheme in ["light", "dark"] {
        browser.prefer("prefers-color-scheme", scheme);
        browser.load(&shop.url);
        browser.until(&format!("{CARDS} === 24"));
        // WCAG's contrast, of the letters of a card on its ground.
        let contrast = browser.value(
            "(() => {
                const light = (color) => {
                    const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map((it) => it / 255).map((it) => (it <= 0.03928 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4));
                    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
                };
                const ground = light(getComputedStyle(document.querySelector('.card button')).backgroundColor);
                return ['.title', '.kind', '.price', '.places'].map((part) => {
                    const letters = light(getComputedStyle(document.querySelector(`.card ${part}`)).color);
                    return (Math.max(letters, ground) + 0.05) / (Math.min(letters, ground) + 0.05);
                }).reduce((a, b) => Math.min(a, b));
            })()",
        );
        assert!(contrast.as_f64() >= Some(4.5), "{scheme}: {contrast}");
    }
}
