"""What schemathesis must know beside the document: how to make the texts of its own formats."""

import base64
import csv
import io

import schemathesis
from hypothesis import strategies as st

# No surrogates: they are no UTF-8.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def table(head):
    """A table in CSV, its first line the names of its columns."""

    def write(rows):
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows([head, *rows])
        return out.getvalue()

    return st.lists(st.lists(text, min_size=len(head), max_size=len(head)), max_size=5).map(write)


schemathesis.openapi.format("base64-text", text.map(lambda text: base64.b64encode(text.encode()).decode()))
schemathesis.openapi.format("csv-of-texts-embed", table(["text"]))
schemathesis.openapi.format("csv-of-texts-classify", table(["text"]))
schemathesis.openapi.format("csv-of-texts-score", table(["text", "pair"]))


@schemathesis.serializer("text/csv")
def as_csv(ctx, value):
    """The bytes of a table; what is no text is sent as it is written."""
    return {"data": value if isinstance(value, bytes) else str(value).encode()}


def whole(value):
    """The same with 5 in the place of 5.0: JSON Schema has both as integers, and those who read JSON strictly but the first."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(element) for element in value]
    if isinstance(value, dict):
        return {key: whole(element) for key, element in value.items()}
    return value


@schemathesis.hook
def map_body(ctx, body):
    return whole(body)


def has_empty_text(value):
    """Whether a text in base64 is empty, which is taken for no base64 by who does not know the format."""
    if isinstance(value, dict):
        return value.get("b64") == "" or any(map(has_empty_text, value.values()))
    return isinstance(value, list) and any(map(has_empty_text, value))


def is_table(body):
    """Whether a text is a table of one or two columns: every line is one of a header at least."""
    try:
        rows = [row for row in csv.reader(io.StringIO(body), strict=True) if row]
    except csv.Error:
        return False
    return len({len(row) for row in rows}) <= 1 and all(len(row) <= 2 for row in rows)


@schemathesis.hook
def filter_case(ctx, case):
    """Leaves out what is called wrong and is not: a header that nobody reads, a number in the place of a text that is sent as a text, and a
    table that came about by chance."""
    if "x-schemathesis-unknown-property" in (case.headers or {}):
        return False
    if case.media_type in ("text/plain", "text/csv") and not isinstance(case.body, str):
        return False
    is_wrong = case.meta is not None and case.meta.generation.mode.is_negative
    if case.media_type == "text/csv" and is_wrong and is_table(case.body):
        return False
    return not has_empty_text(case.body)
