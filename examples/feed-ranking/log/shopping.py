"""Sessions: a shopper comes with an intent, is shown pages of items, and each click moves the intent.

All weights are products and quotients and all sums are made one after the other, so that every machine makes the same log.
"""

from dataclasses import dataclass
from itertools import accumulate

from chance import Chance

DAYS = 91
PAGE = 10
MOST = 60
"""Clicks of a session at most."""
LEAVES = 1.1
"""The weight of clicking nothing on a page; an item that fits well has about 1."""


@dataclass
class Page:
    shown: list
    """Numbers of items, from the top."""
    clicked: int
    """The place of the one that was clicked; -1 where none was."""
    bought: bool


@dataclass
class Session:
    user: str
    minute: int
    """Since the log began."""
    pages: list

    @property
    def day(self):
        return self.minute // 1440

    def clicks(self):
        """Numbers of the items that were clicked, in order."""
        return [page.shown[page.clicked] for page in self.pages if page.clicked >= 0]

    def row(self):
        return {"user": self.user, "minute": self.minute,
                "pages": [{"shown": page.shown, "clicked": page.clicked, "bought": page.bought} for page in self.pages]}


class Pool:
    """Items to draw from, those that sell well oftener."""

    def __init__(self, items):
        self.items = items
        self.sums = list(accumulate(item.appeal for item in items))

    def draw(self, chance):
        return self.items[chance.of_sums(self.sums)]


class Floor:
    """The shop as the sessions walk through it."""

    def __init__(self, shop, items):
        self.shelves = {shelf.name: shelf for shelf in shop.shelves}
        self.of_category = {}
        for shelf in shop.shelves:
            self.of_category.setdefault(shelf.category, []).append(shelf)
        self.on = {shelf.name: Pool([item for item in items if item.shelf is shelf]) for shelf in shop.shelves}
        self.of = {category: Pool([item for item in items if item.shelf.category == category]) for category in shop.categories}
        self.whole = Pool(items)
        # Not all shelves are equally busy.
        self.busy = {shelf.name: 0.3 + 1.4 * Chance(f"busy {shelf.name}").unit() for shelf in shop.shelves}

    def intent(self, user, chance):
        """A shelf by the shopper's taste."""
        category = list(user.taste)[chance.weighted(user.taste.values())]
        shelves = self.of_category[category]
        return shelves[chance.weighted(self.busy[shelf.name] for shelf in shelves)]

    def page(self, user, intent, seen, chance):
        """What the shop shows, in the order of chance: of ten items about four of the intent, two that go with it, one of its
        category, one by taste, and two by how they sell in the whole shop."""
        shown = {}
        while len(shown) < PAGE:
            part = chance.below(10)
            if part < 4:
                item = self.on[intent.name].draw(chance)
            elif part < 6:
                item = self.on[chance.pick(intent.beside)].draw(chance)
            elif part < 7:
                item = self.of[intent.category].draw(chance)
            elif part < 8:
                item = self.of[list(user.taste)[chance.weighted(user.taste.values())]].draw(chance)
            else:
                item = self.whole.draw(chance)
            if item.id not in seen:
                shown[item.id] = item
        return list(shown.values())


class Visit:
    """One session's state."""

    def __init__(self, floor, user, chance):
        self.floor, self.user, self.chance = floor, user, chance
        self.intent = floor.intent(user, chance)
        self.anchor, self.brand, self.seen, self.looked = user.level, None, set(), {}

    def weight(self, item, place):
        """How likely the shopper is to click an item at that place of the page."""
        shelf, intent, user = item.shelf, self.intent, self.user
        if shelf is intent:
            fit = 1.0
        elif shelf.name in intent.beside:
            fit = 0.30
        elif shelf.category == intent.category:
            fit = 0.15
        else:
            fit = 0.04
        off = 5.0 * (item.level - self.anchor)
        like = user.brands[item.brand] * (2.2 if item.brand == self.brand else 1.0)
        taste = 0.4 + 0.6 * user.taste[shelf.category]
        seen = 1.0 / (1.0 + 0.15 * place)
        return fit * taste * like * (0.4 + 0.6 * item.appeal) * seen * (0.5 + self.chance.unit()) / (1.0 + off * off)

    def click(self, item):
        """Whether it was bought; the intent moves on."""
        chance = self.chance
        self.seen.add(item.id)
        self.brand = item.brand
        self.anchor = 0.6 * self.anchor + 0.4 * item.level
        looked = self.looked[item.shelf.name] = self.looked.get(item.shelf.name, 0) + 1
        off = 5.0 * (item.level - self.user.level)
        bought = chance.unit() < (0.05 + 0.07 * min(looked, 4)) / (1.0 + off * off)
        fate = chance.unit()
        if item.shelf is not self.intent and fate < 0.75:
            self.intent = item.shelf
        elif fate < (0.80 if bought else 0.17):
            self.intent = self.floor.shelves[chance.pick(item.shelf.beside)]
        elif fate > 0.94:
            self.intent = self.floor.intent(self.user, chance)
        return bought

    def pages(self):
        pages, idle = [], 0
        while idle < 3 and len(self.seen) < MOST:
            shown = self.floor.page(self.user, self.intent, self.seen, self.chance)
            weights = [self.weight(item, place) for place, item in enumerate(shown)]
            place = self.chance.weighted(weights + [LEAVES])
            clicked = place if place < PAGE else -1
            bought = clicked >= 0 and self.click(shown[clicked])
            pages.append(Page([item.id for item in shown], clicked, bought))
            idle = 0 if clicked >= 0 else idle + 1
            if self.chance.unit() < (0.06 if clicked >= 0 else 0.25):
                break
        return pages


def make(shop, items, users):
    """All sessions of these users, by time."""
    floor = Floor(shop, items)
    sessions = []
    for user in users:
        for number in range(user.visits):
            chance = Chance(f"session {user.id} {number}")
            minute = chance.below(DAYS * 1440)
            sessions.append(Session(user.id, minute, Visit(floor, user, chance).pages()))
    return sorted(sessions, key=lambda session: (session.minute, session.user))
