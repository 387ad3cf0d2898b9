// What a feed says of itself: its stages, and what moved each item since the feed before.

export const STAGES = [
  { key: "two_tower", said: "two_tower", name: "Two-tower", role: "looks at every item and keeps those near this shopper" },
  { key: "sasrec", said: "sasrec", name: "SASRec", role: "reads the clicks in their order and adds what comes next" },
  { key: "ranker", said: "click", name: "DCN ranker", role: "gives each candidate the probability of a click" },
  { key: "re_ranker", said: "rank", name: "LightGBM", role: "puts the page in order, purchases first" },
];

// What happened to an entry of a feed since the feed `before`: `new` with the stage that found it, `up` with the stage whose place it
// bettered most, `down`, or `same`. Places are compared by their ratio: from 200 to 20 is as far as from 10 to 1.
export function movement(entry, before) {
  const was = before.get(entry.item);
  if (!was) return { kind: "new", by: 0, stage: finder(entry, before.stages) };
  const by = was.places.rank - entry.places.rank;
  if (by <= 0) return { kind: by < 0 ? "down" : "same", by: -by, stage: null };
  const gain = ({ said }) => Math.log(was.places[said] / entry.places[said]);
  return { kind: "up", by, stage: STAGES.reduce((best, stage) => (gain(stage) > gain(best) ? stage : best)) };
}

// The stage in whose choice an entry stands higher.
function finder(entry, stages) {
  const [towers, sequence] = STAGES;
  const share = ({ key, said }) => entry.places[said] / stages[key].out;
  return share(sequence) < share(towers) ? sequence : towers;
}

export function remembered(answer) {
  const feed = new Map(answer.feed.map((entry) => [entry.item, entry]));
  feed.stages = answer.stages;
  return feed;
}
