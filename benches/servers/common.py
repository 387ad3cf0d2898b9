"""What the scripts here are given, and how they run the load."""

import argparse
import json
import os
import subprocess
from pathlib import Path

# As root it goes before the servers, as if it came from another machine.
BEFORE = ["nice", "-n", "-6"] if os.geteuid() == 0 else []


def path(given):
    """Servers run in folders of their own."""
    return Path(given).resolve()


def arguments(about):
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("service", type=path)
    parser.add_argument("load", type=path)
    parser.add_argument("texts", type=path, help="one text a line")
    parser.add_argument("--scratch", type=path, required=True)
    return parser


def lines(file):
    return [line for line in file.read_text().splitlines() if line]


def ask(program, url, bodies, *more, pinned=()):
    """What came of the load."""
    command = map(str, [*BEFORE, *pinned, program, url, "--bodies", bodies, *more])
    return json.loads(subprocess.run(list(command), check=True, stdout=subprocess.PIPE, text=True).stdout)
