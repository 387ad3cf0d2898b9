"""A server while it runs: its start, its memory, its end."""

import os
import signal
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 180.0


@contextmanager
def running(server, text, log):
    """The server once it has answered for `text`, with the seconds that took."""
    server.prepare()
    begun = time.monotonic()
    with open(log, "ab") as out:
        process = subprocess.Popen([str(part) for part in server.command], env=server.env, stdout=out, stderr=out, start_new_session=True)
    try:
        while True:
            try:
                ask(*server.first(text))
                break
            except OSError as error:
                if process.poll() is not None or time.monotonic() - begun > PATIENCE:
                    raise RuntimeError(f"{server.name} did not answer ({error}); see {log}") from error
                time.sleep(0.001)
        yield process.pid, time.monotonic() - begun
    finally:
        tell(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            pass
        tell(process.pid, signal.SIGKILL)


def tell(group, what):
    try:
        os.killpg(group, what)
    except ProcessLookupError:
        pass


def ask(url, body):
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read()


def megabytes(leader):
    """The memory of the process and all that it started: a shared page is counted once."""
    total = 0
    for folder in Path("/proc").iterdir():
        try:
            session = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[3])
            if folder.name.isdigit() and session == leader:
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, IndexError, ValueError):
            continue
    return total / 1024
