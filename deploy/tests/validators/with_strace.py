"""Holds the system calls that a service makes, from its start to its end, against what a unit lets through, by systemd's own sets.

    python with_strace.py UNIT TRACE
"""

import re
import subprocess
import sys


def expand(filters):
    """The calls of a filter's words."""
    calls = set()
    for word in filters.split():
        if not word.startswith("@"):
            calls.add(word)
            continue
        text = subprocess.run(["systemd-analyze", "syscall-filter", word], check=True, capture_output=True, text=True).stdout
        lines = [line.strip() for line in text.splitlines()[1:]]
        calls |= expand(" ".join(line for line in lines if line and not line.startswith("#")))
    return calls


def main(unit, trace):
    with open(unit, encoding="utf-8") as file:
        filters = re.findall(r"^SystemCallFilter=(.*)$", file.read(), re.MULTILINE)
    allowed = set()
    for filter in filters:
        allowed = allowed - expand(filter[1:]) if filter.startswith("~") else allowed | expand(filter)
    with open(trace, encoding="utf-8") as file:
        made = set(re.findall(r"^(?:\d+ +)?(\w+)\(", file.read(), re.MULTILINE))
    assert {"execve", "socket", "listen", "seccomp"} <= made, made
    # The trace begins with strace's own start of the program; systemd's is before its filter, too.
    assert made <= allowed, f"the unit forbids {sorted(made - allowed)}"
    print(f"  {len(made)} system calls, all of them let through")


main(*sys.argv[1:])
