"""OpenSSF's reference implementation and ours sign models for each other: whole files and shards, by key and by certificate."""

import pathlib
import shutil
import tempfile

from model_signing import hashing, signing, verifying
from ours import openssl, refused, run

FILES = {"config.json": b"{}", "model.safetensors": bytes(range(256)) * 40, "1_Pooling/config.json": b"{ }\n", "empty": b""}


def model(folder):
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / ".git").mkdir()
    (folder / ".git/HEAD").write_text("ref: refs/heads/main\n")


def theirs(public, folder, signature):
    verifying.Config().use_elliptic_key_verifier(public_key=public).verify(folder, signature)


def changed(folder, check):
    """Each way in which a folder can be another, as `check` must notice."""
    weights = folder / "model.safetensors"
    before = weights.read_bytes()
    weights.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    check("`model.safetensors` has other bytes")
    weights.write_bytes(before + b"\0")
    check("`model.safetensors` has other bytes")
    weights.unlink()
    check("`model.safetensors` is missing")
    weights.write_bytes(before)
    (folder / "more.bin").write_bytes(b"more")
    check("`more.bin` was not there")
    (folder / "more.bin").unlink()


def ours_for_them(root):
    folder = root / "ours"
    model(folder)
    run(root, "keygen", "ours-key")
    run(root, "sign", folder, "--key", "ours-key.key")
    signature = folder / "model.sig"
    theirs(root / "ours-key.pub", folder, signature)
    run(root, "keygen", "another")
    refused(theirs, root / "another.pub", folder, signature)
    changed(folder, lambda _: refused(theirs, root / "ours-key.pub", folder, signature))
    theirs(root / "ours-key.pub", folder, signature)


def theirs_for_us(root, curve, config, name):
    folder = root / name
    model(folder)
    openssl(root, "genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-out", f"{name}.key")
    openssl(root, "pkey", "-in", f"{name}.key", "-pubout", "-out", f"{name}.pub")
    signature = folder / "model.sig"
    config = config.set_ignored_paths(paths=[signature])
    signer = signing.Config().use_elliptic_key_signer(private_key=root / f"{name}.key").set_hashing_config(config)
    signer.sign(folder, signature)
    key = ("--key", f"{name}.pub")
    run(root, "verify", folder, *key, says=["every file is as it was signed"])
    changed(folder, lambda said: run(root, "verify", folder, *key, code=1, says=["MD1115", said]))
    run(root, "verify", folder, *key)
    run(root, "verify", folder, "--key", "another.pub", code=1, says=["MD1112"])
    # What they list is what they sign.
    text = signature.read_text()
    at = text.index('"payload"') + 40
    signature.write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
    run(root, "verify", folder, *key, code=1, says=["MD11"])


def by_certificate(root):
    folder = root / "certified"
    model(folder)
    ca = "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
    leaf = "[leaf]\nbasicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n"
    (root / "extensions").write_text(ca + leaf)
    for name in ("root", "middle", "leaf"):
        # The authorities have RSA keys, as companies' do.
        kind = ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if name != "leaf" else ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"]
        openssl(root, "genpkey", "-algorithm", *kind, "-out", f"{name}.key")
        openssl(root, "req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
    for name, issuer, section in (("root", None, "ca"), ("middle", "root", "ca"), ("leaf", "middle", "leaf")):
        by = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial"] if issuer else ["-signkey", f"{name}.key"]
        extensions = ["-extfile", "extensions", "-extensions", section, "-days", "30"]
        openssl(root, "x509", "-req", "-in", f"{name}.csr", *by, *extensions, "-out", f"{name}.pem")
    signature = folder / "model.sig"
    signer = signing.Config().use_certificate_signer(
        private_key=root / "leaf.key", signing_certificate=root / "leaf.pem", certificate_chain=[root / "middle.pem"]
    )
    signer.set_hashing_config(hashing.Config().set_ignored_paths(paths=[signature])).sign(folder, signature)
    verifying.Config().use_certificate_verifier(certificate_chain=[root / "root.pem"]).verify(folder, signature)
    run(root, "verify", folder, "--certificate", "root.pem", says=["certified by root"])
    run(root, "verify", folder, "--key", "another.pub", code=1, says=["no root of certificates is trusted"])
    changed(folder, lambda said: run(root, "verify", folder, "--certificate", "root.pem", code=1, says=["MD1115", said]))
    shutil.copy(root / "leaf.pem", root / "other.pem")
    run(root, "verify", folder, "--certificate", "other.pem", code=1, says=["MD11"])


def unsupported(root):
    folder = root / "blake"
    model(folder)
    signature = folder / "model.sig"
    config = hashing.Config().use_file_serialization(hashing_algorithm="blake2").set_ignored_paths(paths=[signature])
    signer = signing.Config().use_elliptic_key_signer(private_key=root / "ours-key.key").set_hashing_config(config)
    signer.sign(folder, signature)
    run(root, "verify", folder, "--key", "ours-key.pub", code=1, says=["MD1110", "blake2", "sign with sha256"])


with tempfile.TemporaryDirectory() as root:
    root = pathlib.Path(root)
    ours_for_them(root)
    theirs_for_us(root, "P-256", hashing.Config(), "files-p256")
    theirs_for_us(root, "P-384", hashing.Config(), "files-p384")
    theirs_for_us(root, "P-256", hashing.Config().use_shard_serialization(shard_size=1000), "shards")
    by_certificate(root)
    unsupported(root)
print("model-signing: our signatures are believed by it, and its by us")
