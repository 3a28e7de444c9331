"""Calls that are being found go in, their bytes in a format come out as they are found; or a page as a table."""

from collections.abc import Iterator
from typing import Any

from engine.exports import formats
from engine.exports.blocks import CURRENCY, of_rows
from engine.query.calls import Listing, Plan
from engine.query.search import Page
from engine.words import many


def write(found: Listing, form: formats.Format, *, labels: bool = False, raw: bool = False) -> Iterator[bytes]:
    """Yield the calls in pieces; `labels` and `raw` as for an answer."""
    plan, rows, columns = found.plan, found.rows, found.plan.columns
    if form in formats.NAMED:
        columns, rows = (*columns, CURRENCY), _with_currency(plan, rows)
    return formats.rows(of_rows(columns, rows, plan.asked.zone), form, labels=labels, raw=raw)


def _with_currency(plan: Plan, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Rows with the currency of their money behind them, where people read them."""
    names = [column.name for column in plan.columns]
    sides = [names.index(name) for name in ("customer_currency", "provider_currency") if name in names]
    asked = plan.search.currency
    for row in rows:
        charged = "/".join(dict.fromkeys(row[place] for place in sides))
        yield (*row, charged if asked in (None, "native") else asked)


def table(page: Page) -> str:
    """Return a page as aligned columns for a terminal, and what asks for the next one."""
    lines = [[column.label for column in page.columns]]
    lines += [
        [formats.shown(value, column.type) for value, column in zip(row, page.columns, strict=True)]
        for row in page.rows
    ]
    kept = [place for place in range(len(page.columns)) if any(line[place] for line in lines[1:])]
    widths = {place: max(len(line[place]) for line in lines) for place in kept}
    left = {place: page.columns[place].type in ("string", "instant", "boolean") for place in kept}
    text = [
        "  ".join(line[at].ljust(widths[at]) if left[at] else line[at].rjust(widths[at]) for at in kept).rstrip()
        for line in lines
    ]
    if kept:
        text.insert(1, "  ".join("─" * widths[place] for place in kept))
    else:
        text = []
    asked = page.question
    window = f"{asked.start} to {asked.end} (exclusive), {asked.timezone}, {asked.calls} view"
    text += ["", f"{many(len(page.rows), 'call')}, {window}; at commit {page.as_of.commit}, {page.elapsed_ms:.0f} ms"]
    text += [f"warning: {warning.message}" for warning in page.warnings or ()]
    if page.next_cursor:
        text.append(f"there are more: --cursor {page.next_cursor}")
    return "\n".join(text).lstrip("\n") + "\n"
