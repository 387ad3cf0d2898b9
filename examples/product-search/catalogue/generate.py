"""Writes the shop's catalogue, its queries and their judgments; the same bytes on any machine.

    python3 generate.py            writes the files
    python3 generate.py --check    says whether the committed files are what this program makes

Python 3.9 or newer and its standard library are all it needs. Products and brands are invented.
"""

import argparse
import json
import sys
from pathlib import Path

import products
import queries
import shopfile

HERE = Path(__file__).resolve().parent
EVAL = HERE.parent / "eval"


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def files():
    """Every file that the generator owns, as (path, text)."""
    shop = shopfile.read(HERE / "shop")
    goods = products.make(shop)
    asked = queries.make(shop, goods)
    yield HERE / "products.jsonl", lines(product.row() for product in goods)
    for split, heldout in (("train", False), ("heldout", True)):
        part = [query for query in asked if query.heldout == heldout]
        yield EVAL / f"queries.{split}.jsonl", lines(query.row() for query in part)
        yield EVAL / f"judgments.{split}.tsv", "".join(
            f"{query.id}\t{product}\t{grade}\n" for query in part for product, grade in sorted(query.grades.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file differs")
    check = parser.parse_args().check
    stale = 0
    for path, text in files():
        data = text.encode("utf-8")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        elif not path.is_file() or path.read_bytes() != data:
            stale += 1
            print(f"{path.name} is not what the generator makes; `python3 {Path(__file__).name}` writes it anew")
    if check and not stale:
        print("all files are what the generator makes")
    sys.exit(1 if stale else 0)


if __name__ == "__main__":
    main()
