"""Sort keys and the columns an answer will have go in, the total order of its rows comes out."""

from collections.abc import Collection, Sequence

from msgspec import Struct

from engine.catalog.model import Dimension
from engine.catalog.preset import Sort
from engine.errors import Unprocessable, nearest
from engine.query.headers import Aspect, taken_apart, value


class Order(Struct, frozen=True):
    """One sort key: a row dimension, or a column of a measure."""

    name: str  # as in the answer's columns
    descending: bool
    dimension: Dimension | None = None
    rest: bool = False  # of a dimension cut to its top: whether it is the rest
    aspect: Aspect | None = None
    across: str | None = None  # the values of a pivoted column, as its header writes them


class Shown(Struct, frozen=True):
    """What the columns of an answer will be made of."""

    rows: Sequence[Dimension]
    columns: Sequence[Dimension]
    aspects: Sequence[Aspect]
    cut: Collection[str]  # the names of dimensions cut to their top


def order(sort: Sequence[Sort], usual: Sequence[Sort], shown: Shown) -> tuple[Order, ...]:
    """Return the sort keys, filled up so that no two rows tie; raises 422 `unknown_field` with a pointer.

    Without keys they are the report's `usual` ones, of columns that there are. Else it is
    time when a time dimension leads, else the first count, largest first, the rest of a top last.
    """
    found = []
    for place, key in enumerate(sort):
        if (one := _key(key, shown)) is None:
            raise _unknown(key, shown, f"$.sort[{place}].field")
        found.append(one)
    if not found:
        found = [one for one in (_key(key, shown) for key in usual) if one is not None]
    if not found and not (shown.rows and shown.rows[0].bucket):
        counts = [aspect for aspect in shown.aspects if aspect.type == "integer" and not aspect.kind]
        found = [_rest(dimension) for dimension in shown.rows if dimension.name in shown.cut]
        found += [Order(aspect.name, True, aspect=aspect) for aspect in counts[:1]]
    # Ties go by the row dimensions, so an order is total.
    named = {key.name for key in found}
    found += [Order(dimension.name, False, dimension) for dimension in shown.rows if dimension.name not in named]
    return tuple(found)


def _rest(dimension: Dimension, *, descending: bool = False) -> Order:
    return Order(f"{dimension.name}.other", descending, dimension, rest=True)


def _key(key: Sort, shown: Shown) -> Order | None:
    """The column a key names, None when the answer has none of that name."""
    dimensions, rests, aspects = _columns(shown)
    if key.field in dimensions:
        return Order(key.field, key.descending, dimensions[key.field])
    if key.field in rests:
        return _rest(rests[key.field], descending=key.descending)
    name, values = taken_apart(key.field)
    if name in aspects and (not values or _fits(values, shown.columns)):
        return Order(key.field, key.descending, aspect=aspects[name], across="|".join(values) if values else None)
    return None


def _columns(shown: Shown) -> tuple[dict[str, Dimension], dict[str, Dimension], dict[str, Aspect]]:
    """The columns of an answer by name, without values across: dimensions, the rests of tops, and numbers."""
    dimensions = {dimension.name: dimension for dimension in shown.rows}
    rests = {f"{dimension.name}.other": dimension for dimension in shown.rows if dimension.name in shown.cut}
    return dimensions, rests, {aspect.name: aspect for aspect in shown.aspects}


def _unknown(key: Sort, shown: Shown, pointer: str) -> Unprocessable:
    dimensions, rests, aspects = _columns(shown)
    known = [*dimensions, *rests, *aspects]
    name = taken_apart(key.field)[0]
    hint = nearest(name, known) or f"its columns are {', '.join(known)}"
    if name in aspects:
        across = "".join(f"|{dimension.name}" for dimension in shown.columns)
        hint = f"its headers are {name}{across}, and {name} over all of them" if across else f"it is only {name!r}"
    message = f"cannot sort by {key.field!r}: it is not a column of the answer"
    return Unprocessable("unknown_field", message, pointer=pointer, hint=hint)


def _fits(values: Sequence[str], columns: Sequence[Dimension]) -> bool:
    if len(values) != len(columns):
        return False
    try:
        for text, dimension in zip(values, columns, strict=True):
            value(text, dimension)
    except (ValueError, KeyError):
        return False
    return True
