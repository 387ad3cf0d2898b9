"""The two-tower model: a shopper with a session, and an item, as vectors of one space; their cosine is the score."""

import torch
from torch import nn
from torch.nn import functional as F

import facts
from data import recent

SEED = 21
EPOCHS, BATCH, RATE = 5, 512, 3e-3
TEMPERATURE = 0.06
WIDTH = 32
UNKNOWN = 0.03
"""How often training hides a value, so that what is not known has learned, too."""

USER = ("user", "user_country", "user_device", "user_age")
ITEM = ("item", "category", "subcategory", "brand", "age")
NUMBERS = ("price", "popularity")
WIDTHS = {"user": 16, "item": WIDTH, "subcategory": 8, "brand": 8}


class TwoTower(nn.Module):
    def __init__(self, sizes):
        """`sizes`: how many values each column of `USER` and `ITEM` has."""
        super().__init__()
        self.tables = nn.ModuleDict({name: nn.Embedding(sizes[name], WIDTHS.get(name, 4)) for name in (*USER, *ITEM)})
        for table in self.tables.values():
            nn.init.normal_(table.weight, std=0.1)
        of_user = sum(WIDTHS.get(name, 4) for name in USER) + WIDTH
        of_item = sum(WIDTHS.get(name, 4) for name in ITEM) + len(NUMBERS)
        self.user = nn.Sequential(nn.Linear(of_user, 64), nn.ReLU(), nn.Linear(64, WIDTH))
        self.item = nn.Sequential(nn.Linear(of_item, 64), nn.ReLU(), nn.Linear(64, WIDTH))

    def shopper(self, columns, mean):
        """Vectors `[n, 32]` of columns `[n]` and the session's mean `[n, 32]`."""
        found = [self.tables[name](column) for name, column in zip(USER, columns)]
        return F.normalize(self.user(torch.cat([*found, mean], 1)), dim=1)

    def goods(self, columns, numbers):
        """Vectors `[n, 32]` of columns `[n]` and numbers `[n, 1]`."""
        found = [self.tables[name](column) for name, column in zip(ITEM, columns)]
        return F.normalize(self.item(torch.cat([*found, *numbers], 1)), dim=1)

    def mean(self, sessions, lengths):
        """The mean of each row's first items: as `forward`'s, of many sessions at once."""
        inside = torch.arange(sessions.shape[1])[None] < lengths[:, None]
        return (self.tables["item"](sessions) * inside[:, :, None]).sum(1) / lengths[:, None]

    def forward(self, user, user_country, user_device, user_age, session, item, category, subcategory, brand, age, price,
                popularity):
        """`score[candidates]` of one shopper."""
        mean = self.tables["item"](session).mean(1)
        shopper = self.shopper((user, user_country, user_device, user_age), mean)
        goods = self.goods((item, category, subcategory, brand, age), (price, popularity))
        return (goods @ shopper.t()).squeeze(1)


class Columns:
    """What the towers see of every shopper and every item; of item 0 nothing is known."""

    def __init__(self, log, features):
        rules = {feature.column: feature for feature in features}
        self.sizes = {name: rules[name].rule.size for name in (*USER, *ITEM)}

        def column(name, rows, kind):
            return torch.tensor([rules[name].rule.number(row[rules[name].name]) for row in rows], dtype=kind)

        users = [facts.of_user(user) for user in log.users]
        items = [facts.of_item(item) for item in log.items[1:]]
        self.place = {user["id"]: at for at, user in enumerate(log.users)}
        self.user = [column(name, users, torch.int64) for name in USER]
        self.item = [F.pad(column(name, items, torch.int64), (1, 0)) for name in ITEM]
        self.numbers = [F.pad(column(name, items, torch.float32), (1, 0))[:, None] for name in NUMBERS]


def padded(sessions):
    """Rows of one length, filled up behind, and the length of each."""
    lengths = torch.tensor([len(session) for session in sessions])
    rows = torch.zeros(len(sessions), int(lengths.max()), dtype=torch.int64)
    for row, session in zip(rows, sessions):
        row[:len(session)] = torch.tensor(session)
    return rows, lengths


def hidden(columns, generator):
    """Columns with some values made unknown."""
    return [torch.where(torch.rand(column.shape, generator=generator) < UNKNOWN, 0, column) for column in columns]


def learn(log, columns, epochs=EPOCHS):
    """Every click of the first part against all items."""
    torch.manual_seed(SEED)
    model = TwoTower(columns.sizes)
    examples = [(columns.place[session.user["id"]], recent(session.clicks[:at]), item)
                for session in log.part("first") for at, item in enumerate(session.clicks)]
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    steps = epochs * (len(examples) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, RATE / 30)
    chance = torch.Generator().manual_seed(SEED)
    for epoch in range(1, epochs + 1):
        order, shown = torch.randperm(len(examples), generator=chance).tolist(), 0.0
        for first in range(0, len(order) - BATCH + 1, BATCH):
            batch = [examples[at] for at in order[first:first + BATCH]]
            who = torch.tensor([user for user, _, _ in batch])
            sessions, lengths = padded([session for _, session, _ in batch])
            shopper = model.shopper([column[who] for column in hidden(columns.user, chance)],
                                    model.mean(*hidden([sessions], chance), lengths))
            goods = model.goods(hidden(columns.item, chance), columns.numbers)
            loss = F.cross_entropy(shopper @ goods.t() / TEMPERATURE, torch.tensor([item for _, _, item in batch]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            shown += loss.item()
        print(f"two-tower epoch {epoch} loss {shown / (len(order) // BATCH):.4f}", flush=True)
    return model.eval()


@torch.no_grad()
def vectors(model, columns, users, sessions):
    """Those of shoppers with their sessions, and those of all items."""
    found = []
    for first in range(0, len(users), 4096):
        who = torch.tensor([columns.place[user] for user in users[first:first + 4096]])
        rows, lengths = padded([recent(session) for session in sessions[first:first + 4096]])
        found.append(model.shopper([column[who] for column in columns.user], model.mean(rows, lengths)))
    return torch.cat(found), model.goods(columns.item, columns.numbers)
