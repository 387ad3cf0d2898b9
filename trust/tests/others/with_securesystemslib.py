"""in-toto's own libraries read our statements and verify our envelopes, and we theirs; openssl verifies what is signed in them."""

import base64
import copy
import hashlib
import json
import pathlib
import sys
import tempfile

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from ours import openssl, refused, run
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, SSlibKey

KINDS = ("ed25519", "p256")
LOCK = pathlib.Path(sys.argv[2]).resolve()
PROGRAM = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None


def key(root, name):
    pem = (root / f"{name}.pub").read_bytes()
    spki = base64.b64decode("".join(line for line in pem.decode().splitlines() if not line.startswith("-")))
    return SSlibKey.from_crypto(load_pem_public_key(pem), keyid=hashlib.sha256(spki).hexdigest())


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def ours_for_them(root):
    lock = root / "Model.lock"
    lock.write_bytes(LOCK.read_bytes())
    for kind in KINDS:
        run(root, "keygen", kind, "--algorithm", kind)
        run(root, "sign", lock, "--key", f"{kind}.key")
    (line,) = lines(root / "Model.lock.intoto.jsonl")
    envelope = Envelope.from_dict(copy.deepcopy(line))  # it takes its argument apart
    keys = [key(root, kind) for kind in KINDS]
    assert len(envelope.verify(keys, 2)) == 2
    for at in (0, len(envelope.payload) // 2):
        payload = bytearray(envelope.payload)
        payload[at] ^= 1
        changed = Envelope(bytes(payload), envelope.payload_type, envelope.signatures)
        refused(changed.verify, keys, 1)

    statement = json_format.Parse(envelope.payload, statement_pb2.Statement())
    Statement.copy_from_pb(statement).validate()
    assert statement.subject[0].digest["sha256"] == hashlib.sha256(lock.read_bytes()).hexdigest()

    # openssl verifies each signature by itself, over DSSE's encoding.
    (root / "pae").write_bytes(envelope.pae())
    for kind, signature in zip(KINDS, line["signatures"]):
        (root / "sig").write_bytes(base64.b64decode(signature["sig"]))
        if kind == "p256":
            openssl(root, "dgst", "-sha256", "-verify", f"{kind}.pub", "-signature", "sig", "pae")
        else:
            openssl(root, "pkeyutl", "-verify", "-rawin", "-in", "pae", "-pubin", "-inkey", f"{kind}.pub", "-sigfile", "sig")


def theirs_for_us(root):
    subject = root / "theirs.lock"
    subject.write_bytes(LOCK.read_bytes())
    digest = hashlib.sha256(subject.read_bytes()).hexdigest()
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "theirs.lock", "digest": {"sha256": digest}}],
        "predicateType": "https://example.com/reviewed/v1",
        "predicate": {"by": "a person"},
    }
    for name, make in (("ed25519", CryptoSigner.generate_ed25519), ("ecdsa", CryptoSigner.generate_ecdsa)):
        signer = make()
        envelope = Envelope(json.dumps(statement).encode(), "application/vnd.in-toto+json", {})
        envelope.sign(signer)
        (root / f"their-{name}.pub").write_text(signer.public_key.keyval["public"])
        if "BEGIN" not in signer.public_key.keyval["public"]:
            # Their own form of an Ed25519 key: its 32 bytes, in hexadecimal digits.
            der = bytes.fromhex("302a300506032b6570032100" + signer.public_key.keyval["public"])
            body = base64.b64encode(der).decode()
            (root / f"their-{name}.pub").write_text(f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
        # As one text over several lines, which their tools write.
        (root / "theirs.json").write_text(json.dumps(envelope.to_dict(), indent=2))
        args = ("verify", subject, "--signature", "theirs.json")
        run(root, *args, "--key", f"their-{name}.pub", says=["https://example.com/reviewed/v1"])
        run(root, *args, "--key", "p256.pub", code=1, says=["MD1112"])
        subject.write_bytes(LOCK.read_bytes() + b"\n")
        run(root, *args, "--key", f"their-{name}.pub", code=1, says=["MD1113"])
        subject.write_bytes(LOCK.read_bytes())


def provenance(root):
    document = json.loads(run(root, "provenance", PROGRAM))
    statement = json_format.Parse(json.dumps(document), statement_pb2.Statement())
    Statement.copy_from_pb(statement).validate()
    predicate = json_format.Parse(json.dumps(document["predicate"]), provenance_pb2.Provenance())
    assert predicate.build_definition.build_type and predicate.run_details.builder.id
    names = {it.name for it in predicate.build_definition.resolved_dependencies}
    assert "Model.lock" in names and any(name.endswith(".safetensors") for name in names), names
    run(root, "sign", PROGRAM, "--key", "p256.key", "--signature", "program.jsonl")
    (line,) = lines(root / "program.jsonl")
    assert len(Envelope.from_dict(line).verify([key(root, "p256")], 1)) == 1
    run(root, "verify", PROGRAM, "--signature", "program.jsonl", "--key", "p256.pub", says=["its provenance"])


with tempfile.TemporaryDirectory() as root:
    root = pathlib.Path(root)
    ours_for_them(root)
    theirs_for_us(root)
    if PROGRAM:
        provenance(root)
print("securesystemslib, in-toto-attestation and openssl: our signatures are believed by them, and theirs by us")
