"""Reads bills of materials with the libraries of those who specify them: SPDX's bindings and CycloneDX's validator.

read.py CYCLONEDX SPDX
"""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_python_model import v3_0_1 as spdx


def cyclonedx(path):
    text = open(path, encoding="utf-8").read()
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert wrong is None, wrong
    models = [it for it in json.loads(text)["components"] if it["type"] == "machine-learning-model"]
    assert models, "it has no model"
    return [it["name"] for it in models]


def spdx3(path):
    found = spdx.SHACLObjectSet()
    with open(path, "rb") as file:
        spdx.JSONLDDeserializer().read(file, found)
    # A name that is no element's would be left a text.
    missing = found.link()
    assert not missing, missing
    documents = list(found.foreach_type(spdx.SpdxDocument))
    assert len(documents) == 1, documents
    models = list(found.foreach_type(spdx.ai_AIPackage))
    assert models, "it has no model"
    datasets = list(found.foreach_type(spdx.dataset_DatasetPackage))
    relations = list(found.foreach_type(spdx.Relationship))
    # Writing checks that all that must be there is.
    with open("/dev/null", "wb") as nowhere:
        spdx.JSONLDSerializer().write(found, nowhere)
    print(f"SPDX: {len(models)} models, {len(datasets)} datasets, {len(relations)} relationships")
    return [it.name for it in models]


one, two = cyclonedx(sys.argv[1]), spdx3(sys.argv[2])
assert sorted(one) == sorted(two), (one, two)
print(f"both bills have {', '.join(sorted(one))}")
