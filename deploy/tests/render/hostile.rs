//! Settings that cannot be, and values that would like to be syntax.

use crate::variants::facts;
use modeldeploy_deploy::{Kind, Problem, Rendering, Settings, Target, Templates, render};
use serde_json::Value;

const IMAGE: &str =
    "image = \"r.example/shop@sha256:1111111111111111111111111111111111111111111111111111111111111111\"\n";

fn rendered(target: Target, text: &str) -> Result<Rendering, Vec<Problem>> {
    let settings: Settings = toml::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    render(target, &facts(), &settings, &Templates::new(None)?)
}

#[track_caller]
fn check(target: Target, text: &str, kind: Kind, said: &str) {
    let wrong = rendered(target, text).expect_err(text);
    let found = wrong.iter().find(|problem| problem.to_string().contains(said));
    let found = found.unwrap_or_else(|| panic!("{said:?} is not in {wrong:#?}"));
    assert_eq!(found.kind, kind, "{text}: {found}");
    assert!(found.help.is_some(), "{text}: {found}");
}

#[test]
fn what_cannot_be_is_refused_with_what_next() {
    let open = "[auth]\nopen = true\n";
    let canary = "image = \"r/c@sha256:2222222222222222222222222222222222222222222222222222222222222222\"\n";
    for (head, rest, kind, said) in [
        ("name = \"Shop_1\"\n", "", Kind::Name, "no service can be called"),
        ("name = \"a\\nb: c\"\n", "", Kind::Name, "no service can be called"),
        ("namespace = \"Search\"\n", "", Kind::Name, "no namespace can be called"),
        ("port = 80\n", "", Kind::Settings, "only root"),
        ("cpu = 0\n", "", Kind::Settings, "cannot have 0 cores"),
        ("memory-margin = -1.0\n", "", Kind::Settings, "margin"),
        ("memory-margin = nan\n", "", Kind::Settings, "margin"),
        ("memory = \"1MiB\"\n", "", Kind::Memory, "is given 1.0 MiB"),
        ("grace = \"2days\"\n", "", Kind::Settings, "longer than a day"),
        ("", "[replicas]\nmin = 0\n", Kind::Settings, "no replica answers nobody"),
        ("", "[replicas]\nmin = 3\nmax = 2\n", Kind::Settings, "between 3 and 2"),
        ("", "[replicas]\ncpu-percent = 0\n", Kind::Settings, "0 percent"),
        ("", "[tls]\nsecret = \"a/b\"\n", Kind::Name, "no name that an object"),
        ("", "[network]\nfrom = [\"*\"]\n", Kind::Name, "no namespace"),
        ("", "[labels]\n\"a b\" = \"c\"\n", Kind::Name, "no label"),
        ("", "[labels]\na = \"b c\"\n", Kind::Name, "no label"),
        ("", "[labels]\n\"app.kubernetes.io/name\" = \"x\"\n", Kind::Settings, "is set by what is deployed"),
        ("", "[env]\n\"A B\" = \"c\"\n", Kind::Name, "no variable"),
        ("", "[env]\nMODELDEPLOY_LISTEN = \"c\"\n", Kind::Name, "no variable"),
        ("", "[env]\nA = \"b\\nc\"\n", Kind::Settings, "on one line"),
        ("", "[options]\nmax-textes = 1\n", Kind::Settings, "has no option"),
        ("", "[options]\ntokens = \"x\"\n", Kind::Settings, "follows from the setting"),
        ("", "[gateway]\nname = \"a\"\nhosts = [\"a b\"]\n", Kind::Name, "no name that an object or a host"),
        (
            "",
            &format!("[canary]\n{canary}weights = {{ stable = 90, canary = 20 }}\n"),
            Kind::Settings,
            "are not 100 together",
        ),
        (
            "",
            &format!("[canary]\n{canary}weights = {{ stable = 4294967295, canary = 101 }}\n"),
            Kind::Settings,
            "are not 100 together",
        ),
        (
            "",
            &format!("[canary]\n{canary}weights = {{ stable = 100, canary = 0 }}\n"),
            Kind::Settings,
            "would have no replica",
        ),
        (
            "",
            &format!("[replicas]\nmin = 1\n[canary]\n{canary}weights = {{ stable = 50, canary = 50 }}\n"),
            Kind::Settings,
            "cannot be shared out",
        ),
        (
            "",
            &format!("[replicas]\nmax = 9\n[canary]\n{canary}weights = {{ stable = 50, canary = 50 }}\n"),
            Kind::Settings,
            "cannot keep the weights",
        ),
        (
            "",
            &format!("[canary]\n{canary}by = \"gateway\"\nweights = {{ stable = 50, canary = 50 }}\n"),
            Kind::Settings,
            "none is named",
        ),
        ("", "[canary]\nweights = { stable = 50, canary = 50 }\n", Kind::Absent, "the canary has no image"),
    ] {
        check(Target::Kubernetes, &format!("{IMAGE}{head}{open}{rest}"), kind, said);
    }
    check(Target::Kubernetes, open, Kind::Absent, "no image is named");
    check(Target::Kubernetes, IMAGE, Kind::Absent, "who may ask");
    check(
        Target::Kubernetes,
        &format!("{IMAGE}[auth]\nopen = true\ntokens = \"a\"\n"),
        Kind::Settings,
        "is open, and asks for tokens",
    );
    check(
        Target::Kubernetes,
        &format!("{IMAGE}[auth]\ntokens = \"a\"\n[metrics]\nmonitor = true\n"),
        Kind::Settings,
        "Prometheus has no token",
    );
    check(Target::Kubernetes, &format!("image = \"r.example/shop:1\"\n{open}"), Kind::Image, "has no digest");
    check(Target::Kubernetes, &format!("image = \"r.example/shop:1\"\n{open}"), Kind::Image, "--image-layout");
    check(
        Target::Kubernetes,
        &format!("{IMAGE}{open}[canary]\nimage = \"r/c:1\"\nweights = {{ stable = 1, canary = 99 }}\n"),
        Kind::Image,
        "has no digest",
    );
    check(Target::Kserve, &format!("{IMAGE}{open}[tls]\nsecret = \"a\"\n"), Kind::Settings, "KServe speaks TLS itself");
    check(
        Target::Kserve,
        &format!("{IMAGE}{open}[kserve]\nmode = \"raw\"\n[canary]\nweights = {{ stable = 9, canary = 91 }}\n"),
        Kind::Settings,
        "raw deployments",
    );
    check(
        Target::Compose,
        &format!("{IMAGE}{open}[canary]\nweights = {{ stable = 9, canary = 91 }}\n"),
        Kind::Absent,
        "shares no requests out",
    );
    for path in ["bin/shop", "/a/../b", "/a b", "/a\\nExecStartPre=/bin/sh", "/%h/x", "/", "/a//b", "/a$b"] {
        check(
            Target::Systemd,
            &format!("[systemd]\nprogram = \"{path}\"\n"),
            Kind::Settings,
            "no path that a unit can name",
        );
    }
    check(Target::Systemd, "[systemd]\naddress = \"0.0.0.0\"\n", Kind::Absent, "systemd.tokens");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let wrong = rendered(Target::Kubernetes, "name = \"A\"\ncpu = 0\nport = 1\n[options]\nx = 1\n").expect_err("wrong");
    assert!(wrong.len() >= 6, "{wrong:#?}");
}

/// Texts that would be something else than a text if they were not quoted.
const HOSTILE: [&str; 16] = [
    "yes",
    "~",
    "1e3",
    "0x10",
    "a: b",
    "- a",
    "#",
    "' \" \\",
    "{{ 7 * 7 }}",
    "{% for x in env %}",
    "*alias &anchor !tag",
    "$(id) `id` ${HOME} $$",
    "---",
    "| >",
    "%h %%",
    "日本 🙂 é",
];

fn find<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(name, value)| (name == key).then_some(value).into_iter().chain(find(value, key)))
            .collect(),
        Value::Array(list) => list.iter().flat_map(|value| find(value, key)).collect(),
        _ => vec![],
    }
}

#[test]
fn a_value_stays_a_value() {
    for hostile in HOSTILE {
        let quoted = toml::Value::String(hostile.to_owned()).to_string();
        let text = format!("{IMAGE}[auth]\nopen = true\n[annotations]\nnote = {quoted}\n[env]\nNOTE = {quoted}\n");
        for target in [Target::Kubernetes, Target::Kserve, Target::Compose] {
            let rendering = rendered(target, &text).unwrap_or_else(|wrong| panic!("{hostile}: {wrong:#?}"));
            let plain = |text: &Value| match target {
                Target::Compose => text.as_str().expect("a text").replace("$$", "$"),
                _ => text.as_str().expect("a text").to_owned(),
            };
            let mut seen = 0;
            for object in rendering.files.iter().flat_map(|file| &file.objects) {
                let notes = find(object, "note").into_iter().chain(find(object, "NOTE"));
                let variables = find(object, "env").into_iter().filter_map(Value::as_array).flatten();
                let variables = variables.filter(|one| one["name"] == "NOTE").map(|one| &one["value"]);
                for value in notes.chain(variables) {
                    assert_eq!(plain(value), hostile, "{hostile}");
                    seen += 1;
                }
            }
            assert!(seen >= 2, "{hostile}: {seen}");
        }
        let unit = rendered(Target::Systemd, &text).unwrap_or_else(|wrong| panic!("{hostile}: {wrong:#?}"));
        let escaped = hostile.replace('%', "%%").replace('\\', "\\\\").replace('"', "\\\"");
        assert!(unit.files[0].text.lines().any(|line| line == format!("Environment=\"NOTE={escaped}\"")), "{hostile}");
    }
}
