"""What training leans on: the measure, the vocabulary, and a model that ignores padding."""

import math
import unittest

import torch

import evaluate
import vocabulary
from model import CONFIG, Encoder, encode
from ranker import PAIRS, Ranker, pair, score
from train_ranker import both


class Training(unittest.TestCase):
    def test_ndcg_by_hand(self):
        # Gains 1, 0, 7 against the ideal 7, 1.
        got = 1 + 7 / math.log2(4)
        ideal = 7 + 1 / math.log2(3)
        self.assertAlmostEqual(evaluate.ndcg([5, 8, 2], {2: 3, 5: 1}), got / ideal)

    def test_ndcg_is_one_in_the_best_order_and_zero_without_a_hit(self):
        grades = {number: 1 + number % 3 for number in range(30)}
        best = sorted(grades, key=lambda number: -grades[number])[:10]
        self.assertAlmostEqual(evaluate.ndcg(best, grades), 1.0)
        self.assertEqual(evaluate.ndcg(list(range(100, 110)), grades), 0.0)

    def test_mrr_by_hand(self):
        self.assertEqual(evaluate.mrr([4, 5, 8], {4: 1, 8: 2, 5: 3}), 1 / 2)
        self.assertEqual(evaluate.mrr(list(range(11)), {10: 3}), 0.0)

    def test_only_what_was_scored_changes_its_place_and_equals_do_not(self):
        self.assertEqual(evaluate.reranked([[7, 3, 9, 4]], [[0.1, 0.5, 0.1]]), [[3, 7, 9, 4]])

    def test_vocabulary_grows_the_commonest_pair_first(self):
        tokens = vocabulary.train(["abab ab abab", "保温杯"], 10_000)
        self.assertEqual(tokens[:5], vocabulary.SPECIAL)
        grown = [token for token in tokens if len(token.removeprefix("##")) > 1 and token not in vocabulary.SPECIAL]
        self.assertEqual(grown, ["ab", "##ab", "abab"])
        self.assertLessEqual({"保", "温", "杯", "z", "##z", "##9"}, set(tokens))

    def test_vocabulary_has_no_token_twice(self):
        tokens = vocabulary.train(["the tea, the Tea; a teapot · 茶壶 café"] * 3, 10_000)
        self.assertEqual(len(tokens), len(set(tokens)))

    def test_padding_and_company_do_not_move_a_vector(self):
        torch.manual_seed(1)
        model = Encoder({**CONFIG, "vocab_size": 50}).eval()
        texts = [[2, 7, 3], [2, 9, 11, 30, 31, 32, 3], [2, 3]]
        with torch.no_grad():
            together = encode(model, texts)
            alone = torch.cat([encode(model, [ids]) for ids in texts])
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)
        torch.testing.assert_close(together.norm(dim=1), torch.ones(3))


    def test_padding_and_company_do_not_move_a_score(self):
        torch.manual_seed(1)
        model = Ranker({**PAIRS, "vocab_size": 50}).eval()
        pairs = [pair([7], [9, 11]), pair([9, 11, 30], [31, 32]), pair([], [8])]
        with torch.no_grad():
            together = score(model, pairs)[0]
            alone = torch.cat([score(model, [one])[0] for one in pairs])
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)

    def test_the_longer_text_of_a_pair_is_cut(self):
        ids, types = pair([7] * 3, [9] * 20, most=12)
        self.assertEqual(ids, [2, 7, 7, 7, 3, 9, 9, 9, 9, 9, 9, 3])
        self.assertEqual(types, [0] * 5 + [1] * 7)

    def test_tokens_of_both_texts_are_told(self):
        ids, types = pair([7, 8, 7], [9, 7])
        words, same = both(torch.tensor([ids + [0]]), torch.tensor([types + [0]]))
        self.assertEqual(words[0].tolist(), [False, True, True, True, False, True, True, False, False])
        self.assertEqual([at for at, one in enumerate(same[0].tolist()) if one and words[0, at]], [1, 3, 6])


if __name__ == "__main__":
    unittest.main()
