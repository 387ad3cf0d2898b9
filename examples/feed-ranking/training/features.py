"""The rules of `features.toml`: from a value that a service gives to the number that a model sees, as `docs/rank.md` has them.

A missing number is NaN, or `null` where it comes from JSON.
"""

import json
import math
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Number:
    """`(value - mean) / std`; what is missing is `default`, or stays missing."""

    mean: float = 0.0
    std: float = 1.0
    default: float | None = None

    def number(self, value):
        if value is None or math.isnan(value):
            return math.nan if self.default is None else self.default
        return (value - self.mean) / self.std

    def toml(self):
        scale = [] if (self.mean, self.std) == (0.0, 1.0) else [f"mean = {self.mean!r}", f"std = {self.std!r}"]
        return ['type = "number"', *scale, *([] if self.default is None else [f"default = {self.default!r}"])]


@dataclass(frozen=True)
class Bucket:
    """How many of the boundaries are at most the value."""

    boundaries: tuple

    @property
    def size(self):
        return len(self.boundaries) + 1

    def number(self, value):
        return sum(boundary <= value for boundary in self.boundaries)

    def toml(self):
        return ['type = "bucket"', f"boundaries = {list(self.boundaries)}"]


@dataclass(frozen=True)
class Category:
    """The place of a text in the vocabulary. For networks its first word is the empty text: what is not known is 0, as it is. For
    trees what is not known is missing."""

    vocabulary: tuple
    known: bool = False
    """Whether what is not in the vocabulary is missing, not 0."""

    @property
    def size(self):
        return len(self.vocabulary)

    def number(self, value):
        return places(self.vocabulary).get(value, math.nan if self.known else 0)

    def toml(self):
        words = ", ".join(json.dumps(word, ensure_ascii=False) for word in self.vocabulary)
        return ['type = "category"', f"vocabulary = [{words}]", 'unknown = "missing"' if self.known else "unknown-id = 0"]


@dataclass(frozen=True)
class Hash:
    """FNV-1a, 64 bit, of the seed's eight bytes and the text's, modulo `buckets`."""

    buckets: int
    seed: int

    @property
    def size(self):
        return self.buckets

    def number(self, value):
        return fnv1a(self.seed.to_bytes(8, "little") + value.encode("utf-8")) % self.buckets

    def toml(self):
        return ['type = "hash"', f"buckets = {self.buckets}", f"seed = {self.seed}"]


@dataclass(frozen=True)
class Id:
    """A whole number below `size`; what is missing is 0, the item that is not known."""

    size: int

    def number(self, value):
        if value is None:
            return 0
        if not 0 <= value < self.size:
            raise ValueError(f"{value} is not below {self.size}")
        return value

    def toml(self):
        return ['type = "id"', f"size = {self.size}", "unknown-id = 0"]


@dataclass(frozen=True)
class Feature:
    name: str
    """What the service calls it."""
    of: str
    """`user` (once a request), `session` (a list), or `candidate`."""
    column: str
    """What the model calls it."""
    rule: object


@cache
def places(vocabulary):
    return {word: place for place, word in enumerate(vocabulary)}


@cache
def fnv1a(data):
    found = 0xCBF29CE484222325
    for byte in data:
        found = (found ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return found


def toml(head, features, trees=False):
    """The text of a `features.toml`. That of trees has candidates alone, and does not say so."""
    blocks = [head]
    for feature in features:
        lines = [f"[feature.{feature.name}]"]
        if feature.column != feature.name:
            lines.append(f'column = "{feature.column}"')
        if not trees:
            lines.append(f'of = "{feature.of}"')
        blocks.append("\n".join([*lines, *feature.rule.toml()]) + "\n")
    return "\n".join(blocks)
