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

    Without keys they are the report's `usual` ones, of columns that are shown. Else it is
    time when a time dimension leads, else the first count, largest first, the rest of a top last.
    """
    found = [_key(key, f"$.sort[{place}].field", shown) for place, key in enumerate(sort)]
    if not found:
        plain = {dimension.name for dimension in shown.rows} | {aspect.name for aspect in shown.aspects}
        found = [_key(key, "$.report", shown) for key in usual if key.field in plain]
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


def _key(key: Sort, pointer: str, shown: Shown) -> Order:
    dimensions = {dimension.name: dimension for dimension in shown.rows}
    rests = {f"{dimension.name}.other": dimension for dimension in shown.rows if dimension.name in shown.cut}
    if key.field in dimensions:
        return Order(key.field, key.descending, dimensions[key.field])
    if key.field in rests:
        return _rest(rests[key.field], descending=key.descending)
    aspects = {aspect.name: aspect for aspect in shown.aspects}
    columns = shown.columns
    name, values = taken_apart(key.field)
    if name in aspects and (not values or _fits(values, columns)):
        return Order(key.field, key.descending, aspect=aspects[name], across="|".join(values) if values else None)
    hint = nearest(name, [*dimensions, *rests, *aspects])
    if name in aspects:
        across = "".join(f"|{dimension.name}" for dimension in columns)
        hint = f"its headers are {name}{across}, and {name} over all of them" if columns else f"it is only {name!r}"
    raise Unprocessable(
        "unknown_field",
        f"cannot sort by {key.field!r}: it is not a column of the answer",
        pointer=pointer,
        hint=hint,
    )


def _fits(values: Sequence[str], columns: Sequence[Dimension]) -> bool:
    if len(values) != len(columns):
        return False
    try:
        for text, dimension in zip(values, columns, strict=True):
            value(text, dimension)
    except (ValueError, KeyError):
        return False
    return True
