"""A number and what it counts go in, the words a person reads come out: 1 record, 2,000 records."""


def many(count: int, noun: str, plural: str | None = None) -> str:
    """Return the count with its noun; the plural is made with an s unless it is given."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
