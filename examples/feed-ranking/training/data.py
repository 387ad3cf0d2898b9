"""The items, the shoppers and the log, and which part of the log which model may see."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

FEED = Path(__file__).resolve().parent.parent
MODELS = FEED / "models"
EVAL = FEED / "eval"
sys.path.append(str(FEED / "log"))

import generate  # noqa: E402  the generator stands in another folder

MOST = 50
"""Clicks of a session that a model sees: the last ones."""
PARTS = {"first": (0, generate.FIRST), "second": (generate.FIRST, 77), "third": (77, 84), "heldout": (84, 91)}
"""Days, the last one excluded. The two-tower model and SASRec learn from the first part, the ranker from the second, the re-ranker
from the third, so that each sees the scores of those before it on sessions that they have not learned from; the held-out part
measures all."""


@dataclass(frozen=True)
class Session:
    user: dict
    """A row of `users.jsonl`."""
    day: int
    pages: list
    clicks: list
    """Numbers of items."""


@dataclass(frozen=True)
class Moment:
    """A page of ten items as a shopper meets it."""

    session: Session
    before: list
    """Numbers of the items clicked before it."""
    shown: list
    clicked: int
    """A place, or -1."""
    bought: bool

    @property
    def grades(self):
        """0, 1 for the click, 2 for the purchase."""
        return [int(place == self.clicked) * (1 + self.bought) for place in range(len(self.shown))]


@dataclass(frozen=True)
class Log:
    items: list
    """Rows of `items.jsonl`; the one with number n stands at n, and none at 0."""
    users: list
    sessions: list

    def part(self, name):
        first, end = PARTS[name]
        return [session for session in self.sessions if first <= session.day < end]

    def moments(self, name):
        """All pages of a part."""
        return [moment for session in self.part(name) for moment in moments(session)]


def moments(session):
    before, found = [], []
    for page in session.pages:
        found.append(Moment(session, list(before), page.shown, page.clicked, page.bought))
        if page.clicked >= 0:
            before.append(page.shown[page.clicked])
    return found


def recent(clicks):
    """The last clicks as the models read them; where there are none, the one item that is not known."""
    return clicks[-MOST:] or [0]


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read(count=None):
    """The log, made anew by its generator; with `count`, that of the first shoppers alone, with the committed items."""
    _, _, people, sessions = generate.make(*([count] if count else []))
    items = [None] + rows(FEED / "log" / "items.jsonl")
    users = rows(FEED / "log" / "users.jsonl")[:len(people)]
    by_id = {user["id"]: user for user in users}
    return Log(items, users, [Session(by_id[it.user], it.day, it.pages, it.clicks()) for it in sessions])
