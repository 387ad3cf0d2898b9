"""The log of the service that `with_prometheus.py` asked: every line is JSON, and says what was done."""

import json
import sys

lines = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
own = [line for line in lines if line["target"] == "modeldeploy"]
said = [line["message"] for line in own]
assert said[0] == "listening" and said[-2:] == ["stopping", "stopped"], said
assert own[0]["service"] == "shop" and own[0]["level"] == "INFO" and own[0]["timestamp"], own[0]

requests = [line for line in own if line["message"] == "request"]
assert all(line["level"] == "DEBUG" for line in requests)
embeds = [line for line in requests if line["route"] == "/embed"]
assert [line["status"] for line in embeds] == ["200"] * 4 + ["422", "429"], embeds
first = embeds[0]
assert (first["method"], first["model"], first["version"], first["texts"], first["code"]) == ("POST", "encoder", "2.1.0", 1, "ok"), first
parts = sum(first[f"{stage}_us"] for stage in ("tokenize", "queue", "infer", "serialize"))
assert 0 < parts <= first["duration_us"] and first["tokens"] > 0 and first["batch"] == 1, first
assert "model" not in embeds[4], embeds[4]

overloads = [line for line in own if line["message"].startswith("overloaded")]
assert [(line["level"], line["refused"]) for line in overloads] == [("WARN", 1)], overloads

texts = [line["text"] for line in own if line["message"] == "text"]
assert texts == ["phone"] * 3 + ["a", "b", "late", "a"], texts
print(f"  {len(lines)} lines of JSON")
