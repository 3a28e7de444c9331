"""A question goes in, the address of the report page that shows exactly its answer comes out."""

import csv
import io
from collections.abc import Iterable
from urllib.parse import quote, urlencode

from engine.query.question import Question

_LISTS = ("rows", "columns", "measures")
_SINGLE = ("type", "side", "bucket", "calls", "base", "currency", "compare", "as_of", "since")


def line(values: Iterable[str]) -> str:
    """Return values as one CSV line, as a list stands in an address.

    >>> line(["UK, Mobile", "India"])
    '"UK, Mobile",India'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()


def address(question: Question) -> str:
    """Return the address. A limit stays behind: the page shows the rows that it leaves out, too."""
    words = [("from", question.start), ("to", question.end)]
    if question.timezone:
        words.append(("tz", question.timezone))
    words += [(word, value) for word in _SINGLE if isinstance(value := getattr(question, word), str)]
    words += [(word, line(values)) for word in _LISTS if (values := getattr(question, word)) is not None]
    if question.fill:
        words.append(("fill", "true"))
    if question.sort:
        words.append(("sort", line(f"{key.field}:{'desc' if key.descending else 'asc'}" for key in question.sort)))
    words += [(f"{clause.field}.{clause.op}", line(str(value) for value in clause.values)) for clause in question.where]
    return f"/reports/{quote(question.report or 'explore')}?{urlencode(words)}"
