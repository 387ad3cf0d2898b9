"""Makes the products: draws each type's attributes, then writes both titles and the price."""

import re
from dataclasses import dataclass

from chance import Chance

TOTAL = 5000

SERIES = "Aero Nova Pulse Vertex Orion Flux Zephyr Ridge Astra Lyra Comet Onyx Halo Breeze Summit Quartz".split()
SUFFIX = ["", "", "", " Pro", " Lite", " Max", " Plus", " SE", " Air", " S"]
LINES = [("Oslo", "奥斯陆"), ("Harper", "哈珀"), ("Juniper", "杜松"), ("Marlow", "马洛"), ("Willow", "垂柳"), ("Aria", "咏叹"),
         ("Clover", "三叶草"), ("Kyoto", "京都"), ("Sienna", "锡耶纳"), ("Ember", "余烬"), ("Haven", "港湾"), ("Lune", "月色"),
         ("Hazel", "榛树"), ("Fjord", "峡湾"), ("Drift", "漂流"), ("Piper", "风笛"), ("Sage", "鼠尾草"), ("Tide", "潮汐")]
CODES = {"Electronics": "EL", "Kitchen": "KI", "Fashion": "FA", "Home & Living": "HO", "Beauty & Health": "BE",
         "Sports & Outdoors": "SP", "Toys, Baby & Pets": "TP", "Groceries": "GR", "Garden, Tools & Auto": "GT",
         "Books, Office & Music": "BO"}


@dataclass
class Product:
    type: str
    kind: object
    brand: object
    attributes: frozenset
    title_en: str
    title_zh: str
    leaf: object
    price: str
    id: str = ""

    def row(self):
        department = self.leaf.department
        return {"id": self.id, "title_en": self.title_en, "title_zh": self.title_zh, "brand": self.brand.en[0],
                "category_en": f"{department[0]} > {self.leaf.en}", "category_zh": f"{department[1]} > {self.leaf.zh}",
                "price": float(self.price), "currency": "USD"}


def model_name(style, brand, type_key, chance):
    if style == "tech":
        series = Chance(f"series {brand} {type_key}").pick(SERIES)
        name = f"{series} {chance.below(19) + 2}{chance.pick(SUFFIX)}"
        return name, name
    if style == "code":
        seed = Chance(f"code {brand} {type_key}")
        name = f"{brand[0]}{'BCDFGHKLMPRSTVXZ'[seed.below(16)]}-{(chance.below(95) + 5) * 10}"
        return name, name
    if style == "line" and chance.hit(45):
        return chance.pick(LINES)
    return "", ""


def draw(shop, type_, chance):
    """The facts of one product: brand, kind, model, and one value of each axis that it has."""
    brand = chance.pick(shop.brands[type_.brands])
    kind = chance.below(len(type_.nouns("en")))
    facts = []
    for axis in type_.axes:
        if axis.role == "has":
            facts += [("has", value) for value in axis.values]
        elif chance.hit(axis.share):
            facts.append((axis.role, chance.pick(axis.values)))
    colour = None
    palette = shop.colours[type_.colours]
    if palette and chance.hit(85):
        colour = chance.pick(palette)
    return brand, kind, model_name(type_.model, brand.en[0], type_.key, chance), facts, colour


def shown(facts, role, lang, noun):
    """The words of the facts of one role, without those that the noun already says."""
    words = []
    for _, value in [fact for fact in facts if fact[0] == role]:
        word = getattr(value, lang)[0]
        said = word.lower() in noun.lower() if lang == "en" else word in noun
        if not said and word not in words:
            words.append(word)
    return words


def gendered(facts):
    return [("is", value) for role, value in facts if role == "has" and value.en[0].endswith("'s")]


def title_en(brand, model, noun, facts, colour, chance):
    pre = shown(facts, "is", "en", noun)
    if chance.hit(50):
        pre = shown(gendered(facts), "is", "en", noun) + pre
    features, specs = shown(facts, "with", "en", noun), shown(facts, "spec", "en", noun)
    names = shown(facts, "name", "en", "")
    if names:
        tail = "".join(f", {spec}" for spec in specs)
        return f"{names[0]}: {' '.join(pre + [noun])}{tail} ({brand})"
    tint = [colour] if colour else []
    style = chance.below(100)
    if tint and len(pre) < 2 and style % 5 == 0:
        pre, tint = tint + pre, []
    core = " ".join(pre + [noun])
    with_ = " with " + " and ".join(features) if features else ""
    if style < 40:
        return ", ".join([" ".join(filter(None, [brand, model, core])) + with_] + specs + tint)
    if style < 60:
        return ", ".join([" ".join(filter(None, [brand, core, model]))] + specs + features + tint)
    if style < 78:
        tail = ", ".join(specs + features + tint)
        return " ".join(filter(None, [brand, model, core])) + (f" – {tail}" if tail else "")
    if style < 94:
        tail = ", ".join(specs + tint)
        return " ".join(filter(None, [brand, model, core])) + with_ + (f" ({tail})" if tail else "")
    return ", ".join([core + with_ + f" by {brand}"] + specs + tint)


def title_zh(brand, model, noun, facts, colour, chance):
    pre = shown(facts, "is", "zh", noun)
    if chance.hit(50):
        pre = shown(gendered(facts), "is", "zh", noun) + pre
    features, specs = shown(facts, "with", "zh", noun), shown(facts, "spec", "zh", noun)
    names = shown(facts, "name", "zh", "")
    tint = [colour] if colour else []
    core = "".join(pre) + noun
    if names:
        return " ".join([f"《{names[0]}》{core}"] + specs + [brand.zh[0]])
    style = chance.below(100)
    latin, local = brand.en[0], brand.zh[0]
    if style < 35:
        parts = [local, model, core] + features + specs + tint
    elif style < 55:
        parts = [f"{local}（{latin}）{core}", model] + specs + tint + features
    elif style < 75:
        parts = ["".join([local] + pre + features) + noun, model] + specs + tint
    elif style < 90:
        parts = [latin, local, core, model] + features + specs + tint
    else:
        parts = [f"【{local}】{core}", model] + specs + features + tint
    return " ".join(filter(None, parts))


def price(type_, brand, facts, chance):
    """Between the type's bounds, cheap ones more often, with a shop's ending. Products and sums alone, so exact anywhere."""
    low, high = type_.price
    place = (chance.below(1000) + chance.below(1000)) / 1998
    reach = 0.15 + 0.7 * place
    amount = (low + (high - low) * reach * reach) * brand.factor
    for _, value in facts:
        amount *= value.factor
    cents = min(max(round(amount * 100), round(low * 80)), round(high * 140))
    whole = max(cents // 100, 2)
    if whole < 20:
        return f"{whole}.{chance.pick(['99', '99', '49', '95', '79'])}"
    if whole < 100:
        return f"{whole}.{chance.pick(['99', '99', '95', '00', '90'])}"
    if whole < 300:
        return f"{whole // 5 * 5 + 4}.{chance.pick(['99', '99', '00'])}"
    return f"{whole // 10 * 10 + 9}.{chance.pick(['00', '99'])}"


def make_one(shop, type_, chance):
    brand, kind, (model_en, model_zh), facts, colour = draw(shop, type_, chance)
    nouns_en, nouns_zh = type_.nouns("en"), type_.nouns("zh")
    number = nouns_en[kind].kind
    noun_zh = nouns_zh[kind] if type_.kinds else chance.pick(nouns_zh)
    attributes = {value.key for _, value in facts}
    colours = ("", "")
    if colour:
        attributes.add(colour[0])
        colours = chance.pick(colour[1])
    if chance.hit(40):
        model_zh = model_en
    return Product(type_.key, number, brand, frozenset(attributes),
                   title_en(brand.en[0], model_en, nouns_en[kind].text, facts, colours[0], chance),
                   title_zh(brand, model_zh, noun_zh.text, facts, colours[1], chance),
                   shop.leaves[type_.leaf], price(type_, brand, facts, chance))


def make(shop):
    """All the products, shuffled, with their ids. No two share a title."""
    whole = sum(type_.weight for type_ in shop.types.values())
    found, seen, owed = [], set(), 0
    for type_ in shop.types.values():
        owed += type_.weight * TOTAL
        count, owed = divmod(owed, whole)
        chance = Chance(f"products {type_.key}")
        for _ in range(count):
            for _ in range(200):
                product = make_one(shop, type_, chance)
                titles = (product.title_en.lower(), product.title_zh.lower())
                if not seen.intersection(titles):
                    break
            else:
                raise ValueError(f"[{type_.key}]: not enough different products for {count}")
            seen.update(titles)
            found.append(product)
    found = Chance("shelves").shuffled(found)
    counters = {}
    for product in found:
        code = CODES[product.leaf.department[0]]
        counters[code] = counters.get(code, 0) + 1
        product.id = f"{code}-{1000 + counters[code]}"
    return found


def plain(text):
    """Lower case with single spaces: two queries that differ in no more are one."""
    return re.sub(r"\s+", " ", text.lower()).strip()
