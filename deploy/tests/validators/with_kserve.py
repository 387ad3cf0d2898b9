"""Holds InferenceServices against the types of KServe's own SDK, and pods in them against those of Kubernetes' client: no field that
they do not have, none of another type. The SDK itself ignores what it does not know, so its tables are read here.

    python with_kserve.py FILE...
"""

import importlib
import importlib.util
import re
import sys
import types

import kubernetes.client.models
import yaml

# The SDK's package imports a server; its models are all that is wanted of it.
found = importlib.util.find_spec("kserve")
package = types.ModuleType("kserve")
package.__path__ = list(found.submodule_search_locations)
sys.modules["kserve"] = package
models = importlib.import_module("kserve.models")

PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object, "datetime": str}


def named(name):
    """The class of that name: the SDK's own, or Kubernetes'; some of those have a longer name in the SDK."""
    short = re.sub(r"^K8sIo(Api|Apimachinery)\w*?(?=V\d)", "", name)
    for place in (models, kubernetes.client.models):
        for candidate in (name, short):
            if hasattr(place, candidate):
                return getattr(place, candidate)
    raise SystemExit(f"there is no type {name}")


def check(value, kind, at):
    """All that is wrong with a value of that kind."""
    if inner := re.fullmatch(r"[lL]ist\[(.+)\]", kind):
        if not isinstance(value, list):
            return [f"{at}: {value!r} is no list"]
        return [wrong for index, one in enumerate(value) for wrong in check(one, inner[1], f"{at}[{index}]")]
    if inner := re.fullmatch(r"[dD]ict[\[(]str, (.+)[\])]", kind):
        if not isinstance(value, dict):
            return [f"{at}: {value!r} is no object"]
        return [wrong for key, one in value.items() for wrong in check(one, inner[1], f"{at}.{key}")]
    if kind in PLAIN:
        right = isinstance(value, PLAIN[kind]) and not (kind == "int" and isinstance(value, bool))
        return [] if right else [f"{at}: {value!r} is no {kind}"]
    if kind in ("IntOrString", "ResourceQuantity"):
        return [] if isinstance(value, (int, str)) else [f"{at}: {value!r} is no {kind}"]
    known = named(kind)
    if not isinstance(value, dict):
        return [f"{at}: {value!r} is no {kind}"]
    fields = {outer: known.openapi_types[inner] for inner, outer in known.attribute_map.items()}
    wrong = []
    for key, one in value.items():
        if key in fields:
            wrong += check(one, fields[key], f"{at}.{key}")
        else:
            wrong.append(f"{at}: {kind} has no field {key}")
    return wrong


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def main(paths):
    assert paths, "name the files"
    for path in paths:
        whole = read(path)
        assert (whole["apiVersion"], whole["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService"), path
        wrong = check(whole, "V1beta1InferenceService", path)
        assert not wrong, "\n".join(wrong)
        # What is held here holds something.
        whole["spec"]["predictor"]["canaryTraffic"] = 10
        whole["spec"]["predictor"]["containers"][0]["ports"][0]["containerPort"] = "8080"
        assert len(check(whole, "V1beta1InferenceService", path)) == 2, path
        print(f"  {path}")


main(sys.argv[1:])
