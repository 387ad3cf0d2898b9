"""Makes the shoppers: what the shop knows of them, and the tastes that it can only guess."""

from dataclasses import dataclass

from chance import Chance

USERS = 2000
COUNTRIES = {"US": 24, "DE": 14, "GB": 12, "FR": 10, "CN": 10, "JP": 8, "IN": 7, "BR": 6, "ES": 5, "SE": 4}
DEVICES = {"ios": 34, "android": 38, "web": 22, "tablet": 6}
GROUPS = (1, 25, 35, 45, 55, 65)
"""The first age of each age group; an age under them is not known."""
DEARER = {"ios": 0.14, "android": -0.10, "web": 0.02, "tablet": 0.05}
"""What a device says about the price that its owner looks for."""


@dataclass
class User:
    id: str
    country: str
    device: str
    age: int
    taste: dict
    """Category → how much the shopper likes it, about 1 in the mean."""
    brands: dict
    """Brand → likewise."""
    level: float
    """The place between cheap and dear that the shopper looks for, 0 to 1."""
    visits: int
    """How many sessions."""

    def row(self):
        return {"id": self.id, "country": self.country, "device": self.device, "age": self.age}


def group(age):
    """The number of an age's group; 0 is not known."""
    return sum(age >= first for first in GROUPS)


def lean(kind, value, category):
    """What a whole country or age group thinks of a category: seven tenths of it like it less than the others do."""
    unit = Chance(f"lean {kind} {value} {category}").unit()
    return 0.45 + 1.8 * unit * unit


def of_number(shop, number):
    chance = Chance(f"user {number}")
    country = list(COUNTRIES)[chance.weighted(COUNTRIES.values())]
    device = list(DEVICES)[chance.weighted(DEVICES.values())]
    age = 16 + int(60 * chance.unit() * (0.5 + 0.5 * chance.unit()))
    taste, brands = {}, {}
    for category in shop.categories:
        own = chance.unit()
        taste[category] = lean("country", country, category) * lean("age", group(age), category) * (0.1 + 2.7 * own * own)
        for brand in shop.brands[category]:
            like = chance.unit()
            brands.setdefault(brand.name, 0.3 + 2.1 * like * like)
    level = min(max(0.42 + DEARER[device] + 0.05 * (group(age) - 3) + 0.13 * chance.bell(), 0.05), 0.95)
    busy = chance.unit()
    return User(f"u{number:04}", country, device, age, taste, brands, level, 4 + int(42 * busy * busy * busy))


def make(shop, count=USERS):
    return [of_number(shop, number) for number in range(1, count + 1)]
