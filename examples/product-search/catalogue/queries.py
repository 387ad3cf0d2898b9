"""Makes the queries and their judgments, and says which of them are held out.

A query is a need: names of what is wanted, attributes, a brand. Its judgments follow from the facts that the products
were made from, never from a model:

    3  the thing itself with all that was asked for        2  the thing with some of it
    1  the thing with none of it, or a substitute for it    0  everything else (not listed)

Held out, decided by SHA-256 and never by order:
- `name`         one in three of the names by which a type is asked for, as a query on its own; never the first noun nor
                 the commonest search word (the first after `~`), which any shop finds in its own logs
- `combination`  three in eight pairs of type and attribute: no training query in any language has the pair
- `phrasing`     sentences around a need that training never shows
- `mixed`        combinations in two languages at once, by the same pairs
- `typo`, `brand`, `category`  a third of each
- `intent`       the texts after `~` in the intents' file
- `unseen-word`  any of these whose name for the thing stands in no training query at all: only the titles know it
"""

from dataclasses import dataclass

from chance import Chance, digest
from products import plain

SAID = {
    "train": {"en": ["buy {}", "{} for sale", "cheap {}", "good {}", "{} online"],
              "zh": ["买{}", "{}哪个好", "好用的{}", "{} 便宜"]},
    "heldout": {"en": ["looking for a {}", "do you have {}", "i need a new {}", "best {} to buy"],
                "zh": ["想要一个{}", "有没有{}", "{}推荐", "求推荐{}"]},
}


@dataclass
class Need:
    names: tuple
    attributes: tuple = ()
    brand: str = ""


@dataclass
class Query:
    text: str
    lang: str
    kind: str
    heldout: bool
    grades: dict
    name: str = ""
    id: str = ""

    def row(self):
        return {"id": self.id, "text": self.text, "lang": self.lang, "kind": self.kind}


class Maker:
    def __init__(self, shop, products):
        self.shop, self.products = shop, products
        self.by_type = {key: [p for p in products if p.type == key] for key in shop.types}
        self.meaning = {}
        for type_ in shop.types.values():
            for name in type_.names:
                self.meaning.setdefault(name.text.lower(), set()).add((type_.key, name.kind))
        self.queries, self.texts = [], {}

    def grade(self, need):
        """The grade of every product that is not 0 for the need."""
        wanted = set()
        for name in need.names:
            wanted |= self.meaning[name.lower()]
        types = {key for key, _ in wanted}
        near = {other for key in types for other in self.shop.types[key].like} - types
        asked = len(need.attributes) + bool(need.brand)
        grades = {}
        for key in sorted(types | near):
            for product in self.by_type[key]:
                met = sum(a in product.attributes for a in need.attributes) + (product.brand.en[0] == need.brand)
                if (key, None) in wanted or (key, product.kind) in wanted:
                    grade = 3 if met == asked else 2 if met else 1
                else:
                    grade = 1 if met == asked else 0
                if grade:
                    grades[product.id] = grade
        return grades

    def add(self, text, lang, kind, heldout, grades, name=""):
        """Takes a query unless the same text stands already or nothing in the shop answers it well."""
        text = " ".join(text.split())
        if plain(text) in self.texts or not any(grade > 1 for grade in grades.values()):
            return
        self.texts[plain(text)] = True
        self.queries.append(Query(text, lang, kind, heldout, grades, name.lower()))

    def ask(self, text, lang, kind, heldout, need):
        self.add(text, lang, kind, heldout, self.grade(need), need.names[0])


def third(text):
    return digest("third " + text) % 3 == 0


def pair_is_heldout(type_, attribute):
    return digest(f"pair {type_.key}+{attribute}") % 8 < 3


def worded(lang, words, name):
    """Attribute words and a name as one would type them: `for …` follows the name, the rest precedes it."""
    if lang == "zh":
        return "".join(words) + name if all(not word.isascii() for word in words) else " ".join([*words, name])
    before = [word for word in words if not word.startswith(("for ", "with "))]
    after = [word for word in words if word.startswith(("for ", "with "))]
    return " ".join([*before, name, *after])


def attributes_of(maker, type_):
    """The attributes that can be asked of a type: (role, key, English words, Chinese words), each on two products or more."""
    found = {}
    for axis in type_.axes:
        if axis.role != "has":
            for value in axis.values:
                found.setdefault(value.key, (axis.role, value.key, value.en, value.zh))
    for colour, words in maker.shop.colours[type_.colours]:
        found.setdefault(colour, ("colour", colour, (words[0][0],), (words[0][1], words[0][1].removesuffix("色"))))
    mine = maker.by_type[type_.key]
    return [found[key] for key in found if sum(key in p.attributes for p in mine) > 1]


def bare_names(maker, type_):
    for lang in ("en", "zh"):
        common = {type_.nouns(lang)[0]} | set([n for n in type_.names if n.lang == lang and not n.in_titles][:1])
        for name in (n for n in type_.names if n.lang == lang):
            heldout = name not in common and digest(f"name {name.text}") % 3 == 0
            text = name.text.lower() if lang == "en" else name.text
            maker.ask(text, lang, "name", heldout, Need((name.text,)))


def words_for(chance, attribute, lang):
    role, _, en, zh = attribute
    if lang == "zh":
        return chance.pick(zh)
    word = chance.pick(en).lower()
    return f"with {word}" if role == "with" and chance.hit(40) else word


def combinations(maker, type_, attributes, chance):
    names = {lang: [n.text for n in type_.names if n.lang == lang] for lang in ("en", "zh")}
    for lang in ("en", "zh"):
        for count in (1, 1, 1, 1, 2, 2):
            chosen = chance.shuffled(attributes)[:count]
            if len(chosen) < count or len({role for role, *_ in chosen}) < count:
                continue
            name = chance.pick(names[lang])
            words = [words_for(chance, attribute, lang) for attribute in chosen]
            text = worded(lang, words, name.lower())
            if lang == "zh" and chance.hit(25):
                text = f"{name} {' '.join(words)}"
            heldout = any(pair_is_heldout(type_, key) for _, key, _, _ in chosen)
            maker.ask(text, lang, "combination", heldout, Need((name,), tuple(key for _, key, _, _ in chosen)))


def mixed(maker, type_, attributes, chance):
    en = [n.text.lower() for n in type_.names if n.lang == "en"]
    zh = [n.text for n in type_.names if n.lang == "zh"]
    attribute = chance.pick(attributes)
    heldout = pair_is_heldout(type_, attribute[1])
    if chance.hit(50):
        word, name = chance.pick(attribute[2]).lower(), chance.pick(zh)
        text = f"{name} {word}" if word.startswith("for ") else f"{word} {name}"
    else:
        word, name = chance.pick(attribute[3]), chance.pick(en)
        text = f"{word} {name}"
    if not word.isascii() or not name.isascii():
        maker.ask(text, "mixed", "mixed", heldout, Need((name,), (attribute[1],)))


def branded(maker, type_, chance):
    brand = chance.pick(maker.by_type[type_.key]).brand
    lang = chance.pick(["en", "zh"])
    name = chance.pick([n.text for n in type_.names if n.lang == lang])
    text = f"{brand.en[0].lower()} {name.lower()}" if lang == "en" else f"{brand.zh[0]}{name}"
    maker.ask(text, lang, "brand", third(f"brand {text}"), Need((name,), (), brand.en[0]))


def phrased(maker, type_, chance):
    for lang in ("en", "zh"):
        name = chance.pick([n.text for n in type_.names if n.lang == lang])
        heldout = chance.hit(50)
        said = chance.pick(SAID["heldout" if heldout else "train"][lang])
        maker.ask(said.format(name.lower()), lang, "phrasing", heldout, Need((name,)))


def misspelt(word, chance):
    """One slip of the finger: a letter lost, doubled, or swapped with the next."""
    at = 1 + chance.below(len(word) - 2)
    slip = chance.below(3)
    if slip == 0:
        return word[:at] + word[at + 1:]
    if slip == 1:
        return word[:at] + word[at] + word[at:]
    return word[:at] + word[at + 1] + word[at] + word[at + 2:]


def typos(maker, type_, chance):
    name = chance.pick([n.text.lower() for n in type_.names if n.lang == "en"])
    words = name.split()
    longest = max(range(len(words)), key=lambda i: (len(words[i]), -i))
    if len(words[longest]) < 6 or not chance.hit(60):
        return
    words[longest] = misspelt(words[longest], chance)
    text = " ".join(words)
    maker.ask(text, "en", "typo", third(f"typo {text}"), Need((name,)))


def categories(maker):
    for leaf in maker.shop.leaves.values():
        grades = {p.id: 3 for p in maker.products if p.leaf is leaf}
        maker.add(leaf.en.lower(), "en", "category", third(leaf.en), grades)
        maker.add(leaf.zh, "zh", "category", third(leaf.zh), grades)


def intents(maker):
    for key, wants, texts in maker.shop.intents:
        grades = {}
        for type_, attribute, grade in wants:
            met = [p for p in maker.by_type[type_] if not attribute or attribute in p.attributes]
            if not met:
                raise ValueError(f"intent [{key}]: nothing is `{type_}+{attribute}`")
            for product in met:
                if grade > grades.get(product.id, 0):
                    grades[product.id] = grade
        for lang, (seen, unseen) in texts.items():
            for text, heldout in [(t, False) for t in seen] + [(t, True) for t in unseen]:
                maker.add(text, lang, "intent", heldout, grades)


def asked_of(maker, type_, chance):
    """One of each kind of longer query, or a few, about a type."""
    attributes = attributes_of(maker, type_)
    combinations(maker, type_, attributes, chance)
    mixed(maker, type_, attributes, chance)
    branded(maker, type_, chance)
    phrased(maker, type_, chance)
    typos(maker, type_, chance)


def filled(shop, products):
    """A maker that has made the committed queries, and all that its training queries say."""
    maker = Maker(shop, products)
    intents(maker)
    categories(maker)
    for type_ in shop.types.values():
        bare_names(maker, type_)
    for type_ in shop.types.values():
        asked_of(maker, type_, Chance(f"queries {type_.key}"))
    return maker, "\n".join(plain(query.text) for query in maker.queries if not query.heldout)


def make(shop, products):
    """All the queries, with ids in a fixed order."""
    maker, seen = filled(shop, products)
    for number, query in enumerate(maker.queries, 1):
        query.id = f"q{number:04}"
        if query.heldout and query.name and query.name not in seen:
            query.kind = "unseen-word"
    return maker.queries


def more(shop, products, rounds):
    """Training queries beyond the committed ones, for a model that learns from more: what is held out there is held out here."""
    maker, seen = filled(shop, products)
    committed = len(maker.queries)
    for turn in range(rounds):
        for type_ in shop.types.values():
            asked_of(maker, type_, Chance(f"more {turn} {type_.key}"))
    return [query for query in maker.queries[committed:] if not query.heldout and query.name in seen]
