//! Templates of a team's own: they go before those inside, and cannot do what those may not.

use crate::variants::{all, facts};
use modeldeploy_deploy::{Kind, Problem, Rendering, Target, Templates, render};
use std::fs;

/// Renders the plain deployment of that target with one template more.
fn with(target: Target, name: &str, text: &str) -> Result<Rendering, Vec<Problem>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("written");
    fs::write(folder.path().join("README.md"), "Why ours differ.").expect("written");
    let variant =
        all().into_iter().find(|(name, ..)| *name == format!("{}-plain", target.name())).expect("it is there");
    render(target, &facts(), &variant.2, &Templates::new(Some(folder.path()))?)
}

#[test]
fn a_template_of_ones_own_goes_before_the_one_inside() {
    let text = "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ name }}\n  labels: {{ labels }}\nspec: {type: LoadBalancer}\n";
    let rendering = with(Target::Kubernetes, "kubernetes/service.yaml", text).expect("rendered");
    let service = rendering.files.iter().find(|file| file.name == "service.yaml").expect("it is there");
    assert_eq!(service.objects[0]["spec"]["type"], "LoadBalancer");
    assert_eq!(service.objects[0]["metadata"]["labels"]["app.kubernetes.io/name"], "shop");
    assert!(rendering.files.iter().any(|file| file.name == "deployment.yaml"));
}

#[test]
fn what_is_exported_renders_the_same() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let names = Templates::export(folder.path()).expect("written");
    assert_eq!(names.len(), Templates::inside().count());
    let (ours, theirs) =
        (Templates::new(None).expect("inside"), Templates::new(Some(folder.path())).expect("exported"));
    for (name, target, settings) in all() {
        assert_eq!(render(target, &facts(), &settings, &ours), render(target, &facts(), &settings, &theirs), "{name}");
    }
    // What a team has changed is not written over.
    let error = Templates::export(folder.path()).expect_err("it is there already");
    assert_eq!(error.kind, Kind::File);
}

#[test]
fn a_template_that_is_wrong_is_told_with_its_line() {
    let head = "apiVersion: v1\nkind: Service\nmetadata: {name: {{ name }}}\n";
    let deep = format!("{}{}", "{% if true %}".repeat(300), "{% endif %}".repeat(300));
    for (name, text, kind, said) in [
        ("kubernetes/servise.yaml", head, Kind::Template, "did you mean `kubernetes/service.yaml`?"),
        ("service.yaml", head, Kind::Template, "no template `service.yaml`"),
        ("kubernetes/service.yaml", "{% if %}", Kind::Template, "service.yaml:1"),
        ("kubernetes/service.yaml", "a: 1\nb: {{ nothing }}", Kind::Template, "service.yaml:2"),
        ("kubernetes/service.yaml", "{% for x in range(1000000000) %}a{% endfor %}", Kind::Template, "fails"),
        (
            "kubernetes/service.yaml",
            "{% for x in range(99999) %}{% for y in range(99999) %}{% endfor %}{% endfor %}",
            Kind::Template,
            "out of fuel",
        ),
        ("kubernetes/service.yaml", "{% include \"kubernetes/service.yaml\" %}", Kind::Template, "fails"),
        ("kubernetes/service.yaml", &deep, Kind::Template, "fails"),
        ("kubernetes/service.yaml", "{% include \"/etc/passwd\" %}", Kind::Template, "fails"),
        ("kubernetes/service.yaml", "kind: Service", Kind::Template, "has no `apiVersion`"),
        ("kubernetes/service.yaml", "a: [", Kind::Template, "is no YAML"),
        ("kubernetes/service.yaml", &"a".repeat(300_000), Kind::Template, "longer than"),
        (
            "kubernetes/service.yaml",
            &format!("{head}spec: {{image: shop:latest}}\n"),
            Kind::Image,
            "`shop:latest`, which has no digest",
        ),
        ("kubernetes/networkpolicy.yaml", head, Kind::Template, "rendered twice"),
    ] {
        let wrong = with(Target::Kubernetes, name, text).expect_err(said);
        assert!(wrong[0].to_string().contains(said) && wrong[0].kind == kind, "{said}: {wrong:#?}");
    }
    let wrong = with(Target::Systemd, "systemd/unit.service", "[Service]\nExecStart={{ program.path }}\n")
        .expect_err("unchecked");
    assert!(wrong[0].message.contains("does not check the program's digest"), "{wrong:#?}");
}
