"""Chance that is the same on every machine: SplitMix64, seeded by the SHA-256 of a text; no logarithm and no exponential is taken."""

import hashlib
from bisect import bisect_right
from itertools import accumulate

MASK = (1 << 64) - 1


class Chance:
    """A stream of numbers that depends on its name alone."""

    def __init__(self, name):
        self.state = int.from_bytes(hashlib.sha256(name.encode("utf-8")).digest()[:8], "big")

    def bits(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, n):
        """A whole number from 0 to n - 1."""
        return self.bits() % n

    def unit(self):
        """A number from 0 to 1, without 1: 53 bits, each value exact."""
        return (self.bits() >> 11) * 2.0**-53

    def bell(self):
        """About the normal distribution, mean 0 and deviation 1: three uniform numbers, sums and one product, so exact anywhere."""
        return (self.unit() + self.unit() + self.unit() - 1.5) * 2.0

    def pick(self, items):
        return items[self.below(len(items))]

    def weighted(self, weights):
        """The place of one of the weights, each as likely as its share of their sum."""
        return self.of_sums(list(accumulate(weights)))

    def of_sums(self, sums):
        """As `weighted`, of running sums."""
        return min(bisect_right(sums, self.unit() * sums[-1]), len(sums) - 1)

    def shuffle(self, items):
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
