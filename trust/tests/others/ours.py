"""The command under test: called as a user calls it, in a folder that is then gone."""

import pathlib
import subprocess
import sys

COMMAND = pathlib.Path(sys.argv[1]).resolve()


def run(folder, *args, code=0, says=()):
    """Calls the command, and holds its exit status and words against what is expected; gives what it printed."""
    done = subprocess.run([COMMAND, *map(str, args)], cwd=folder, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == code, f"{args}: status {done.returncode}, not {code}\n{said}"
    for part in says:
        assert part in said, f"{args}: {part!r} is not in\n{said}"
    return done.stdout


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)


def refused(check, *args):
    """The other tool must refuse: whatever it raises, it raises something."""
    try:
        check(*args)
    except Exception as error:
        return error
    raise AssertionError(f"not refused: {args}")
