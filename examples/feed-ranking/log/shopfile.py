"""Reads `shop.txt`: the shop's shelves, what is bought with what, and the brands."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Shelf:
    """A subcategory."""

    name: str
    category: str
    things: tuple
    """What its items are called."""
    low: int
    high: int
    """Dollars."""
    beside: tuple
    """Names of the shelves that are bought with it."""


@dataclass(frozen=True)
class Brand:
    name: str
    place: float
    """Between the cheap and the dear, 0 to 1."""


@dataclass(frozen=True)
class Shop:
    shelves: tuple
    brands: dict
    """Category → its brands."""

    @property
    def categories(self):
        return list(self.brands)


SHELF = re.compile(r"(?P<name>[^:]+): (?P<things>[^|]+) \| (?P<low>\d+)-(?P<high>\d+) \| \+ (?P<beside>.+)")


def read(path):
    """The shop of a file; a line that is none of its forms is an error that names it."""
    shelves, brands, category = [], {}, None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            category = line.strip("[]")
        elif line.startswith("brands: "):
            words = [word.rsplit(" ", 1) for word in line.removeprefix("brands: ").split(", ")]
            brands[category] = tuple(Brand(name, int(place) / 100) for name, place in words)
        elif found := SHELF.fullmatch(line):
            shelves.append(Shelf(found["name"], category, tuple(found["things"].split(", ")), int(found["low"]),
                                 int(found["high"]), tuple(found["beside"].split(", "))))
        else:
            raise ValueError(f"{path.name}:{number}: neither a category, nor a shelf, nor brands: {line}")
    return Shop(tuple(shelves), brands)
