"""Reads the `.shop` files: what the shop sells, in whose brands and colours, and what shoppers call it.

    # Department = 部门                          a department
    ## key: Leaf Category = 分类                 a leaf of it
    [type] key n=40 price=19-199 brands=pool model=tech|code|line|none colours=set [kinds]
    en: Title Noun, Title Noun ~ query word, query word
    zh: 标题词, 标题词 ~ 搜索词
    is!: Shown/also asked as = 中文/别称 @1.2 | …   an attribute before the noun; `@` scales the price
    with?: … | …                                   a feature after the noun
    spec: … | …                                    a size or count
    has: …                                         true of every product of the type
    name!: Title/topic = 书名/主题                  the title of a book
    like: other-type, other-type                   what a shopper would take instead (grade 1)

`!` gives every product a value of the axis, `?` two in five, neither four in five. With `kinds` the nth nouns of both
languages are one kind of thing, and `word@n` among the query words means the nth kind alone.
"""

import re
from dataclasses import dataclass, field

SHARE = {"!": 100, "": 80, "?": 40}


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower().replace("'", "").replace("+", " plus")).strip("-")


@dataclass(frozen=True)
class Value:
    """One value of an attribute: the first words go into titles, all of them into queries."""

    key: str
    en: tuple
    zh: tuple
    factor: float


@dataclass(frozen=True)
class Axis:
    role: str
    share: int
    values: tuple


@dataclass(frozen=True)
class Name:
    """What shoppers call a type. `kind` is the number of the noun it stands for, None for all of them."""

    text: str
    lang: str
    kind: object
    in_titles: bool


@dataclass
class Type:
    key: str
    leaf: str
    weight: int
    price: tuple
    brands: str
    model: str
    colours: str
    kinds: bool
    names: list = field(default_factory=list)
    axes: list = field(default_factory=list)
    like: list = field(default_factory=list)

    def nouns(self, lang):
        return [name for name in self.names if name.lang == lang and name.in_titles]


@dataclass(frozen=True)
class Leaf:
    key: str
    department: tuple
    en: str
    zh: str


@dataclass
class Shop:
    leaves: dict
    types: dict
    brands: dict
    colours: dict
    intents: list


def sides(text):
    en, zh = text.split("=", 1)
    return en.strip(), zh.strip()


def value(text):
    factor = 1.0
    found = re.search(r"@([0-9.]+)\s*$", text)
    if found:
        factor, text = float(found.group(1)), text[: found.start()]
    en, zh = sides(text)
    en = tuple(word.strip() for word in en.split("/"))
    zh = tuple(word.strip() for word in zh.split("/"))
    return Value(slug(en[0]), en, zh, factor)


def names(lang, text, kinds):
    titles, _, others = text.partition("~")
    found = []
    for number, word in enumerate(titles.split(","), 1):
        found.append(Name(word.strip(), lang, number if kinds else None, True))
    for word in filter(None, (word.strip() for word in others.split(","))):
        word, _, kind = word.partition("@")
        found.append(Name(word, lang, int(kind) if kind else None, False))
    return found


def read_types(lines, leaves, types):
    department, current = None, None
    for line in lines:
        if line.startswith("## "):
            key, text = line[3:].split(":", 1)
            leaves[key] = Leaf(key, department, *sides(text))
        elif line.startswith("# "):
            department = sides(line[2:])
        elif line.startswith("["):
            key, rest = line[1:].split("]")
            words = rest.split()
            options = dict(word.split("=") for word in words[1:] if "=" in word)
            low, high = options["price"].split("-")
            current = Type(key, words[0], int(options["n"]), (float(low), float(high)), options["brands"],
                           options["model"], options["colours"], "kinds" in words)
            if key in types or current.leaf not in leaves:
                raise ValueError(f"[{key}]: twice, or its category `{current.leaf}` is unknown")
            types[key] = current
        elif line:
            head, text = line.split(":", 1)
            role, mark = (head[:-1], head[-1]) if head[-1] in "!?" else (head, "")
            if role in ("en", "zh"):
                current.names += names(role, text, current.kinds)
            elif role == "like":
                current.like = [word.strip() for word in text.split(",")]
            elif role in ("is", "with", "spec", "has", "name"):
                values = tuple(value(part) for part in text.split("|"))
                current.axes.append(Axis(role, SHARE[mark], values))
            else:
                raise ValueError(f"[{current.key}]: unknown line `{head}`")


def read_brands(lines):
    pools, pool = {}, None
    for line in filter(None, lines):
        if line.startswith("["):
            pool = pools.setdefault(line[1:-1], [])
        elif not line.startswith("#"):
            pool.append(value(line))
    return pools


def read_colours(lines):
    """Sets of colours, each with the wordings that titles use, the plain one first."""
    section, words, sets = None, {}, {"none": []}
    for line in filter(None, lines):
        if line.startswith("["):
            section = line[1:-1]
        elif not line.startswith("#"):
            key, text = line.split(":", 1)
            if section == "sets":
                sets[key] = [(colour, words[colour]) for colour in text.split()]
            else:
                words.setdefault(key, []).append(sides(text))
    return sets


def read_intents(lines):
    intents = []
    for line in filter(None, lines):
        if line.startswith("["):
            key, text = line[1:].split("]")
            wants = []
            for word in text.split():
                what, grade = word.split("=")
                what, _, attribute = what.partition("+")
                wants.append((what, attribute, int(grade)))
            intents.append((key, wants, {}))
        elif not line.startswith("#"):
            lang, text = line.split(":", 1)
            seen, _, unseen = text.partition("~")
            intents[-1][2][lang] = tuple([w.strip() for w in part.split(",") if w.strip()] for part in (seen, unseen))
    return intents


def read(folder):
    """The whole shop from its folder of `.shop` files, in the order of their names."""
    shop = Shop({}, {}, {}, {}, [])
    for path in sorted(folder.glob("*.shop")):
        lines = [line.strip() for line in path.read_text(encoding="utf-8").split("\n")]
        stem = path.stem.split("-", 1)[1]
        if stem == "brands":
            shop.brands = read_brands(lines)
        elif stem == "colours":
            shop.colours = read_colours(lines)
        elif stem == "intents":
            shop.intents = read_intents(lines)
        else:
            read_types(lines, shop.leaves, shop.types)
    return shop
