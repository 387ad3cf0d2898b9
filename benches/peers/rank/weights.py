"""The weights and requests of `benches/src/network/`: the same numbers, from their place alone."""

import numpy as np

DENSE, SPARSE, TABLE_ROWS, WIDTH = 13, 26, 100_000, 64
ITEMS, SESSION, CANDIDATES = 50_000, 50, 200


def numbers(seed, count, size):
    """`count` numbers in ±`size` (splitmix64)."""
    with np.errstate(over="ignore"):
        z = (np.arange(count, dtype=np.uint64) + np.uint64((seed << 32) + 1)) * np.uint64(0x9E37_79B9_7F4A_7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    whole = ((z ^ (z >> np.uint64(31))) >> np.uint64(40)).astype(np.float32)
    return (whole / np.float32(8_388_608) - np.float32(1)) * np.float32(size)


class Weights:
    """Weights in the order in which the pack's builder asks for them."""

    def __init__(self):
        self.seed = 0

    def next(self, shape, size):
        self.seed += 1
        return numbers(self.seed, int(np.prod(shape)), size).reshape(shape)

    def linear(self, n, k):
        """The weights `[n, k]` and the bias."""
        return self.next((n, k), np.float32(1.7) / np.sqrt(np.float32(k))), self.next((n,), 0.1)

    def attention(self, block):
        """The weights and the bias of queries, keys and values: of the last block the pack computes but one query, by a layer of its own."""
        layers = [self.linear(n, WIDTH) for n in ([3 * WIDTH], [WIDTH, 2 * WIDTH])[block]]
        return [np.concatenate(parts) for parts in zip(*layers)]

    def table(self, rows):
        return self.next((rows, WIDTH), 0.5)


def dlrm_requests(count, batch):
    """So many requests of so many candidates: numbers and ids."""
    ids = ((numbers(90, count * batch * SPARSE, 1) + np.float32(1)) * np.float32(0.5) * np.float32(TABLE_ROWS)).astype(np.int64)
    dense = numbers(91, count * batch * DENSE, 1)
    return dense.reshape(count, batch, DENSE), np.minimum(ids, TABLE_ROWS - 1).reshape(count, batch, SPARSE)


def sasrec_request():
    """A session and candidates."""
    ids = lambda seed, count: ((numbers(seed, count, 1) + np.float32(1)) * np.float32(0.49) * np.float32(ITEMS)).astype(np.int64)
    return ids(92, SESSION), ids(93, CANDIDATES)
