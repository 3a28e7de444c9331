"""The lists that stand go in, lookups in memory that a load may ask come out.

A lookup is a dictionary of the engine, named by the version it is of, so whoever still asks an older one is not
disturbed. It holds the newest row of each key; a second one with days is asked about the others only.
"""

from msgspec import Struct

from engine.statement import Statement
from engine.template import quoted, render
from engine.warehouse.gateway import Warehouse

_ATTRIBUTES = {"places": ("state", "lata", "rate_center"), "dids": ("account",), "retail": ()}
_LISTS = {"places": ("npanxx", "npa", "rate_centers"), "dids": ("dids",), "retail": ("customers",)}


class Lookup(Struct, frozen=True):
    """A dictionary of the newest rows, and of all rows with their days where days or blocks matter."""

    name: str
    ranged: str | None = None


class Lookups(Struct, frozen=True):
    """What can be asked, and the version of the lists it is of; 0 when none is loaded."""

    version: int = 0
    places: Lookup | None = None
    dids: Lookup | None = None
    retail: Lookup | None = None


NOTHING = Lookups()


def versions(warehouse: Warehouse) -> dict[str, int]:
    """Return the version that stands of each list that was ever loaded."""
    rows = warehouse.query(Statement("SELECT kind, max(version) FROM list_log GROUP BY kind")).rows
    return {str(kind): int(version) for kind, version in rows}


def make(warehouse: Warehouse, standing: dict[str, int]) -> Lookups:
    """Make the lookups of these versions of the lists, where they hold anything."""
    made = {name: _made(warehouse, name, standing) for name in _LISTS}
    return Lookups(max(standing.values(), default=0), **made)


def source(name: str, standing: dict[str, int], lists: str = "lists", *, ranged: bool = False) -> str:
    """Return the statement that tells what a lookup holds; `lists` is the table's name where it is asked."""
    known = {kind: standing.get(kind, 0) for kinds in _LISTS.values() for kind in kinds}
    structure = {"versions": known, "attributes": _ATTRIBUTES[name], "ranged": ranged, "lists": lists}
    return render("reference/source.sql.j2", list=name, **structure)


def _made(warehouse: Warehouse, name: str, standing: dict[str, int]) -> Lookup | None:
    version = max((standing.get(kind, 0) for kind in _LISTS[name]), default=0)
    if version == 0:
        return None
    lists = warehouse.table("lists")
    query = source(name, standing, lists)
    shape = Statement(render("reference/shape.sql.j2", query=query))
    codes, dated, blocked = warehouse.query(shape).rows[0]
    if not codes:
        return None
    lookup = Lookup(f"{name}_{version}", f"{name}_days_{version}" if dated or blocked else None)
    for dictionary, ranged in ((lookup.name, False), (lookup.ranged, True)):
        if dictionary:
            told = source(name, standing, lists, ranged=True) if ranged else query
            sql = render(
                "reference/dictionary.sql.j2",
                dictionary=dictionary,
                attributes=_ATTRIBUTES[name],
                ranged=ranged,
                login=_login(warehouse),
                query=told,
            )
            warehouse.command(Statement(sql))
    return lookup


def _login(warehouse: Warehouse) -> str:
    """As whom the engine reads its own tables; a password the server keeps as it keeps those of other sources."""
    user, password = warehouse.login
    return f"USER {quoted(user)} PASSWORD {quoted(password)} " if user else ""


def drop_others(warehouse: Warehouse, *kept: Lookups) -> None:
    """Drop lookups of versions that nobody asks any more."""
    used = {
        name
        for lookups in kept
        for one in (lookups.places, lookups.dids, lookups.retail)
        if one
        for name in (one.name, one.ranged)
    }
    sql = "SELECT name FROM system.dictionaries WHERE database = currentDatabase() AND match(name, {ours:String})"
    ours = f"^({'|'.join(_LISTS)})_(days_)?[0-9]+$"
    for (name,) in warehouse.query(Statement(sql, {"ours": ours})).rows:
        if name not in used:
            warehouse.command(Statement(f"DROP DICTIONARY IF EXISTS {name}"))
