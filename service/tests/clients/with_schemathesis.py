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
