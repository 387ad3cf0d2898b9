"""Trains the WordPiece vocabulary on the titles and the training queries, the same way each time.

Pieces grow by merging the commonest pair of neighbours (ties go to the pair that sorts first), as in byte-pair encoding;
`##` marks a piece inside a word. Every letter and digit stands alone and with `##`, so that any Latin text can be spelt, and
every Chinese character of the shop stands alone, as BERT splits them.
"""

import heapq
import string
from collections import Counter, defaultdict

from tokenizers import normalizers, pre_tokenizers

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = string.ascii_lowercase + string.digits + "ßæøđłþðœı"
MARKS = string.punctuation + "·–—‘’“”…、。《》「」【】！（），：；？￥°²×€£"


def words_of(texts):
    """How often each word occurs, split as BERT splits."""
    normal = normalizers.BertNormalizer(lowercase=True)
    split = pre_tokenizers.BertPreTokenizer()
    counts = Counter()
    for text in texts:
        counts.update(word for word, _ in split.pre_tokenize_str(normal.normalize_str(text)))
    return counts


def merged(a, b):
    return a + b.removeprefix("##")


def train(texts, size):
    """At most `size` tokens, the special ones first."""
    counts = words_of(texts)
    singles = {word for word in counts if len(word) == 1}
    base = SPECIAL + sorted(set(LETTERS) | set(MARKS) | singles) + sorted("##" + letter for letter in LETTERS)
    known = set(base)
    words = []
    for word, count in sorted(counts.items()):
        pieces = [word[0]] + ["##" + letter for letter in word[1:]]
        if len(word) > 1 and known.issuperset(pieces):
            words.append((pieces, count))
    pairs, where = Counter(), defaultdict(set)
    for number, (pieces, count) in enumerate(words):
        for pair in zip(pieces, pieces[1:]):
            pairs[pair] += count
            where[pair].add(number)
    # Each change of a count is pushed; an entry whose count is no longer true is passed over.
    queue = [(-count, pair) for pair, count in pairs.items()]
    heapq.heapify(queue)
    grown = []
    while len(base) + len(grown) < size and queue:
        count, best = heapq.heappop(queue)
        if -count != pairs.get(best):
            continue
        if count > -2:
            break
        piece = merged(*best)
        if piece not in known:
            known.add(piece)
            grown.append(piece)
        changed = set()
        for number in sorted(where.pop(best)):
            pieces, count = words[number]
            changed.update(zip(pieces, pieces[1:]))
            for pair in zip(pieces, pieces[1:]):
                pairs[pair] -= count
                if pairs[pair] <= 0:
                    del pairs[pair]
            joined, at = [], 0
            while at < len(pieces):
                if at + 1 < len(pieces) and (pieces[at], pieces[at + 1]) == best:
                    joined.append(piece)
                    at += 2
                else:
                    joined.append(pieces[at])
                    at += 1
            words[number] = (joined, count)
            for pair in zip(joined, joined[1:]):
                pairs[pair] += count
                where[pair].add(number)
                changed.add(pair)
        for pair in changed:
            if pair in pairs:
                heapq.heappush(queue, (-pairs[pair], pair))
    return base + grown
