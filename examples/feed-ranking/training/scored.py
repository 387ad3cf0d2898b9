"""Pages with what the earlier models say of their items: what the later models learn from and are measured by."""

from dataclasses import dataclass

import numpy

import facts
import sasrec
import two_tower
from data import recent


@dataclass(frozen=True)
class Request:
    """A page as the service meets it, by the names of the features."""

    user: dict
    """One value a request: facts of the shopper and of the session."""
    session: list
    """Numbers of items, of the last clicks."""
    candidates: list
    """Facts and scores of each item."""
    grades: list


class Scorer:
    """The two models of sequences and towers over any page."""

    def __init__(self, log, columns, towers, sequence):
        self.log, self.columns, self.towers, self.sequence = log, columns, towers, sequence
        self.facts = [None] + [facts.of_item(item) for item in log.items[1:]]

    def vectors(self, moments):
        """Of each moment the shopper's vector and the session's state, and both models' vectors of the items."""
        sessions = [moment.before for moment in moments]
        shoppers, goods = two_tower.vectors(self.towers, self.columns, [it.session.user["id"] for it in moments], sessions)
        return shoppers, goods, sasrec.vectors(self.sequence, sessions), self.sequence.item.weight.detach()

    def requests(self, moments, lists=None):
        """Each moment with the items that it showed, or with those of `lists`."""
        shoppers, goods, states, items = self.vectors(moments)
        found = []
        for at, moment in enumerate(moments):
            shown = moment.shown if lists is None else lists[at]
            seen = facts.Seen([self.log.items[item] for item in moment.before])
            towers = (goods[shown] @ shoppers[at]).tolist()
            sequence = (items[shown] @ states[at]).tolist()
            candidates = [{**self.facts[item], **seen.of_candidate(self.log.items[item]), "two_tower_score": score,
                           "sasrec_score": other} for item, score, other in zip(shown, towers, sequence)]
            user = {**facts.of_user(moment.session.user), **seen.of_session()}
            grades = moment.grades if lists is None else []
            found.append(Request(user, recent(moment.before), candidates, grades))
        return found


def columns_of(features, requests, prefix, kind):
    """One row a candidate: the columns `prefix[0]`, `prefix[1]` … of all requests."""
    chosen = [feature for feature in features if feature.column.startswith(f"{prefix}[")]
    count = sum(len(request.candidates) for request in requests)
    found = numpy.empty((count, len(chosen)), dtype=kind)
    for at, feature in enumerate(chosen):
        number, name = feature.rule.number, feature.name
        if feature.of == "user":
            values = [number(request.user[name]) for request in requests for _ in request.candidates]
        else:
            values = [number(row[name]) for request in requests for row in request.candidates]
        found[:, at] = values
    return found


def grades(requests):
    return numpy.array([grade for request in requests for grade in request.grades])
