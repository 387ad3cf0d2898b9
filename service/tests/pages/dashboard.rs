//! `/ui`.

use crate::models::{Encoder2, Mood, Ranker, rows};
use crate::packs;
use crate::served::url;
use modeldeploy::model::{Input, Model};
use modeldeploy_house::browser::Browser;
use serde_json::{Value, json};

fn visit(browser: &Browser) {
    browser.visit(&format!("{}/ui", url()));
}

/// Asks a model in the box and waits for its answer.
fn ask(browser: &Browser, model: &str, text: &str, other: &str) {
    let (model, text, other) = (json!(model), json!(text), json!(other));
    browser.run(&format!(
        "const model = document.getElementById('try-model');
         model.value = [...model.options].find((option) => option.text === {model}).value;
         model.dispatchEvent(new Event('change'));
         document.getElementById('text').value = {text};
         document.getElementById('other').value = {other};
         document.querySelector('#ask button').click();"
    ));
    browser.until("!document.getElementById('result').hidden || document.querySelector('#try-status.wrong')");
}

/// The texts of all that a selector finds.
fn texts(browser: &Browser, selector: &str) -> Vec<String> {
    let found =
        browser.value(&format!("[...document.querySelectorAll({})].map((one) => one.textContent)", json!(selector)));
    found.as_array().expect("a list").iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
}

fn row<M: Model>(text: &str, pair: Option<&str>) -> Vec<f32> {
    rows::<M>([Input { text, pair, ..Input::default() }]).concat()
}

#[test]
fn a_vector_its_tokens_and_a_cosine_are_the_engines() {
    let Some(browser) = Browser::open(1280, 900, false) else { return };
    visit(&browser);
    ask(&browser, "encoder 2.1.0", "phone", "tea");
    let (phone, tea) = (row::<Encoder2>("phone", None), row::<Encoder2>("tea", None));
    let first = phone[..6].iter().map(|value| format!("{value:.4}")).collect::<Vec<_>>().join("  ");
    assert_eq!(texts(&browser, ".first")[0], format!("{first} …"));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let cosine = dot(&phone, &tea) / (dot(&phone, &phone) * dot(&tea, &tea)).sqrt();
    assert_eq!(texts(&browser, ".answer.cosine"), [format!("{cosine:.4}")]);

    let ids: Vec<u32> = [0].into_iter().chain("phone".bytes().map(packs::token_of)).chain([1]).collect();
    let shown = texts(&browser, ".tokens:first-of-type .id");
    assert_eq!(shown[..ids.len()], ids.iter().map(u32::to_string).collect::<Vec<_>>()[..]);
    let pieces: Vec<String> = ids.iter().map(|id| format!("piece {id}")).collect();
    assert_eq!(texts(&browser, ".tokens .piece")[..ids.len()], pieces[..]);

    let painted = "[...document.querySelectorAll('canvas')].every((canvas) =>
        canvas.getContext('2d').getImageData(2, 2, 1, 1).data[3] === 255)";
    assert_eq!(browser.value(painted), true, "the pictures of vectors");
    assert_eq!(texts(&browser, ".legend li").len(), 4, "a time for each stage");
    browser.picture("ui-desktop.png");
    browser.kept_quiet(url());
}

#[test]
fn a_score_and_labels_are_the_engines() {
    let Some(browser) = Browser::open(1280, 900, false) else { return };
    visit(&browser);
    ask(&browser, "ranker 1.0.0", "ab", "cde");
    let score = row::<Ranker>("ab", Some("cde"))[0];
    assert_eq!(texts(&browser, ".answer.score"), [serde_json::to_string(&score).expect("JSON")]);
    assert_eq!(texts(&browser, "#text-name, #other-name"), ["Query", "Document"]);

    ask(&browser, "mood 1.0.0", "手机", "");
    let values = row::<Mood>("手机", None);
    let mut labels: Vec<_> = values.iter().zip(packs::means::LABELS).collect();
    labels.sort_by(|a, b| b.0.total_cmp(a.0));
    let (names, figures): (Vec<_>, Vec<_>) =
        labels.iter().map(|(value, name)| ((*name).to_owned(), format!("{value:.4}"))).unzip();
    assert_eq!((texts(&browser, ".labels dt"), texts(&browser, ".labels b")), (names, figures));
    browser.kept_quiet(url());
}

#[test]
fn a_ranker_is_shown_with_its_features_and_takes_no_text() {
    let Some(browser) = Browser::open(1280, 900, false) else { return };
    visit(&browser);
    let facts = "Object.fromEntries([...[...document.querySelectorAll('#cards > *')]
        .find((card) => card.querySelector('h3').textContent.startsWith('feed'))
        .querySelectorAll('.facts > div')].map((one) => [one.querySelector('dt').textContent, one.querySelector('dd').textContent]))";
    let facts = browser.value(facts);
    for (name, value) in [
        ("gives", "2 scores for a candidate"),
        ("takes", "4 features"),
        ("of a user", "country"),
        ("of a session", "seen"),
        ("of a candidate", "item, boost"),
    ] {
        assert_eq!(facts[name], value, "{facts}");
    }
    let options = texts(&browser, "#try-model option");
    assert_eq!(options, ["encoder 2.1.0", "encoder 1.0.0", "mood 1.0.0", "ranker 1.0.0"]);
    browser.kept_quiet(url());
}

#[test]
fn a_long_text_is_said_to_be_cut_and_a_fault_is_said() {
    let Some(browser) = Browser::open(1280, 900, false) else { return };
    visit(&browser);
    ask(&browser, "encoder 2.1.0", "abcdefghijklmnop", "");
    let said = texts(&browser, ".part .quiet");
    assert!(said[0].contains("9 tokens of 18: the rest was cut"), "{said:?}");
    // Markup in a text is a text.
    ask(&browser, "encoder 2.1.0", "<img src=x onerror=document.title=1>", "");
    assert_eq!(browser.value("document.querySelectorAll('img').length"), 0);
    // What the form would not let through.
    browser.run("document.getElementById('ask').noValidate = true");
    ask(&browser, "ranker 1.0.0", "ab", "");
    let said = browser.text("document.getElementById('try-status').textContent");
    assert!(said.contains("the model scores a query and a document"), "{said}");
}

#[test]
fn the_models_are_shown_with_what_their_gates_measured() {
    let Some(browser) = Browser::open(1280, 900, false) else { return };
    visit(&browser);
    let names = texts(&browser, ".card h3");
    assert_eq!(
        names,
        ["encoder 2.1.0", "encoder 1.0.0", "feed 1.0.0", "mood 1.0.0", "nearby 1.0.0", "ranker 1.0.0", "shelf 1.0.0"]
    );
    let card = texts(&browser, ".card").swap_remove(0);
    let gate = Encoder2::FACTS.gate.expect("a gate");
    for (what, word) in
        [("its digest", Encoder2::DIGEST), ("the metric", gate.metric), ("f32", gate.base), ("here", gate.got)]
    {
        assert!(card.contains(word), "{what}, {word}: {card}");
    }
    for (name, figure) in gate.thresholds.iter().chain(gate.figures) {
        assert!(card.contains(figure), "{name}, {figure}: {card}");
    }
    assert!(texts(&browser, ".card").pop().expect("a card").contains("asks for no gate"));
}

#[test]
fn figures_move_with_the_requests() {
    let Some(browser) = Browser::open(1280, 900, false) else { return };
    visit(&browser);
    for _ in 0..5 {
        ask(&browser, "mood 1.0.0", "ab", "");
    }
    browser.until("Number(document.querySelector('[data-tile=rate] .figure').textContent) > 0");
    browser.until("document.querySelectorAll('#stage-rows tr').length === 5");
    let infer = "[...document.querySelectorAll('#stage-rows .stage-infer td')]
        .every((cell) => /[1-9].* (µs|ms|s)$/.test(cell.textContent))";
    browser.until(infer);
    let state: Value = browser.value("fetch('/ui/state').then((answer) => answer.json())");
    let mood = state["models"].as_array().expect("models").iter().find(|model| model["name"] == "mood").expect("mood");
    assert!(mood["requests"]["total"].as_u64() >= Some(5), "{mood}");
    browser.picture("ui-figures.png");
}

#[test]
fn the_page_fits_a_phone_in_light_and_dark() {
    let Some(browser) = Browser::open(360, 740, true) else { return };
    for scheme in ["light", "dark"] {
        browser.prefer("prefers-color-scheme", scheme);
        visit(&browser);
        ask(&browser, "encoder 2.1.0", "phone", "tea");
        browser.picture(&format!("ui-phone-{scheme}.png"));
        for (what, expression) in [
            ("nothing wider than the phone", "document.documentElement.scrollWidth <= 360"),
            ("a button for a thumb", "document.querySelector('#ask button').getBoundingClientRect().height >= 44"),
            (
                "no text too small",
                "[...document.querySelectorAll('body *')]
                    .every((one) => parseFloat(getComputedStyle(one).fontSize) >= 12)",
            ),
        ] {
            assert_eq!(browser.value(expression), true, "{scheme}: {what}");
        }
    }
    browser.kept_quiet(url());
}

/// The contrast of two colours of the page by WCAG 2.2, section 1.4.3.
const CONTRAST: &str = "const colour = (name) => {
      const pen = document.createElement('canvas').getContext('2d');
      pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
      pen.fillRect(0, 0, 1, 1);
      return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    };
    const light = (name) => { const [r, g, b] = colour(name); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const contrast = ([a, b]) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);";

#[test]
fn the_page_can_be_read_and_used_by_everybody() {
    let Some(browser) = Browser::open(1280, 900, false) else { return };
    let pairs = [
        "ink paper",
        "ink sheet",
        "soft paper",
        "soft sheet",
        "soft wash",
        "accent sheet",
        "accent paper",
        "accent-ink accent",
        "warm sheet",
    ];
    for scheme in ["light", "dark"] {
        browser.prefer("prefers-color-scheme", scheme);
        visit(&browser);
        for pair in pairs {
            let names: Vec<String> = pair.split(' ').map(|name| format!("--{name}")).collect();
            let contrast = browser.value(&format!("(() => {{ {CONTRAST} return contrast({}); }})()", json!(names)));
            assert!(contrast.as_f64().expect("a number") >= 4.5, "{scheme}, {pair}: {contrast}");
        }
    }
    browser.prefer("prefers-reduced-motion", "reduce");
    for (what, expression) in [
        (
            "every box has a label",
            "[...document.querySelectorAll('input, select, textarea')].every((box) => box.labels.length > 0)",
        ),
        ("a language", "document.documentElement.lang === 'en'"),
        ("one first heading", "document.querySelectorAll('h1').length === 1"),
        ("nothing moves for those who want no motion", "document.getAnimations().length === 0"),
    ] {
        assert_eq!(browser.value(expression), true, "{what}");
    }
    // By the keyboard alone.
    browser.run("document.getElementById('text').focus()");
    browser.press("phone\u{E007}");
    browser.until("!document.getElementById('result').hidden");
    assert_eq!(browser.text("document.getElementById('text').value"), "phone");
}
