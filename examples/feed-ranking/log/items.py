"""Makes the items: a shelf's things by its brands, with a price, an age and an appeal that only the generator knows."""

from dataclasses import dataclass, field

from chance import Chance

EACH = 50
"""Items of a shelf."""

LINES = """Aero Nova Pulse Vertex Orion Flux Zephyr Ridge Astra Lyra Comet Onyx Halo Breeze Summit Quartz Oslo Harper Juniper Marlow
Willow Aria Clover Kyoto Sienna Ember Haven Lune Hazel Fjord Drift Piper""".split()
VARIANTS = """Black White Blue Green Red Grey Sand Navy Ivory Olive Plum Copper Teal Rose Amber Stone""".split()
ENDINGS = (99, 99, 99, 95, 49, 0)


@dataclass
class Item:
    title: str
    shelf: object
    brand: str
    price: float
    age: int
    """Days on sale when the log begins."""
    level: float
    """Its place between the cheap and the dear of its shelf, 0 to 1."""
    appeal: float
    """How well it sells among its shelf's, their mean 1; the log shows it, no file says it."""
    id: int = 0
    popularity: int = field(default=0)
    """Its clicks in the first part of the log."""

    def row(self):
        return {"id": self.id, "title": self.title, "category": self.shelf.category, "subcategory": self.shelf.name,
                "brand": self.brand, "price": self.price, "age_days": self.age, "popularity": self.popularity}


def priced(amount, chance):
    """An amount with a shop's ending."""
    whole = max(int(amount), 2)
    if whole >= 200:
        whole = whole // 10 * 10 + 9
    return whole + chance.pick(ENDINGS) / 100


def of_shelf(shop, shelf, taken):
    """A shelf's items, the best selling first."""
    chance = Chance(f"items {shelf.name}")
    items = []
    for rank in range(EACH):
        brand = chance.pick(shop.brands[shelf.category])
        level = min(max(0.15 + 0.55 * brand.place + 0.16 * chance.bell(), 0.0), 1.0)
        price = priced(shelf.low + (shelf.high - shelf.low) * level * level, chance)
        age = int(3 + 900 * chance.unit() * chance.unit())
        thing = chance.pick(shelf.things)
        while True:
            title = f"{brand.name} {chance.pick(LINES)} {thing}, {chance.pick(VARIANTS)}"
            if title not in taken:
                break
        taken.add(title)
        appeal = (1 + 25 / (25 + age)) / (rank + 5)
        items.append(Item(title, shelf, brand.name, price, age, level, appeal))
    total = 0.0
    for item in items:
        total += item.appeal
    for item in items:
        item.appeal *= EACH / total
    return items


def make(shop):
    """All items; their numbers begin with 1, and neither a number nor the order tells of a shelf."""
    taken = set()
    items = [item for shelf in shop.shelves for item in of_shelf(shop, shelf, taken)]
    Chance("item numbers").shuffle(items)
    for number, item in enumerate(items, 1):
        item.id = number
    return items
