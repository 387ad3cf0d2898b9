"""Writes the shop's items and shoppers; the same bytes on any machine.

    python3 generate.py                  writes items.jsonl and users.jsonl
    python3 generate.py --check          says whether the committed files are what this program makes
    python3 generate.py --log FILE       writes the whole log, a session a line, to look at

Python 3.9 or newer and its standard library are all it needs. Items, brands and shoppers are invented.
"""

import argparse
import json
import sys
from pathlib import Path

import items
import shopfile
import shopping
import users

HERE = Path(__file__).resolve().parent
FIRST = 63
"""Days of the log's first part: `popularity` counts its clicks, and no later ones."""


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def make(count=users.USERS):
    """The shop, its items, that many of its shoppers, and their sessions."""
    shop = shopfile.read(HERE / "shop.txt")
    goods = items.make(shop)
    people = users.make(shop, count)
    sessions = shopping.make(shop, goods, people)
    by_id = {item.id: item for item in goods}
    for session in sessions:
        if session.day < FIRST:
            for item in session.clicks():
                by_id[item].popularity += 1
    return shop, goods, people, sessions


def files(goods, people):
    """Every file that the generator owns, as (path, text)."""
    yield HERE / "items.jsonl", lines(item.row() for item in goods)
    yield HERE / "users.jsonl", lines(user.row() for user in people)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file differs")
    parser.add_argument("--log", type=Path, help="write the log there, and nothing else")
    options = parser.parse_args()
    _, goods, people, sessions = make()
    if options.log:
        options.log.write_text(lines(session.row() for session in sessions), encoding="utf-8", newline="\n")
        return
    stale = 0
    for path, text in files(goods, people):
        data = text.encode("utf-8")
        if not options.check:
            path.write_bytes(data)
        elif not path.is_file() or path.read_bytes() != data:
            stale += 1
            print(f"{path.name} is not what the generator makes; `python3 {Path(__file__).name}` writes it anew")
    if options.check and not stale:
        print("all files are what the generator makes")
    sys.exit(1 if stale else 0)


if __name__ == "__main__":
    main()
