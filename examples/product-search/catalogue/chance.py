"""Chance that is the same on every machine: SplitMix64, seeded by the SHA-256 of a text."""

import hashlib

MASK = (1 << 64) - 1


def digest(text):
    """The first 64 bits of the SHA-256 of `text`, as a number."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "big")


class Chance:
    """A stream of numbers that depends on its name alone."""

    def __init__(self, name):
        self.state = digest(name)

    def bits(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, n):
        """A whole number from 0 to n - 1."""
        return self.bits() % n

    def hit(self, percent):
        """True in `percent` cases of a hundred."""
        return self.below(100) < percent

    def pick(self, items):
        return items[self.below(len(items))]

    def shuffled(self, items):
        items = list(items)
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
        return items
