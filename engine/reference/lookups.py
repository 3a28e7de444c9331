"""The lists that stand go in, lookups in memory that a load may ask come out.

A lookup is a dictionary of the engine, named by the version it is of, so whoever still asks an older one is not
disturbed. It holds the newest row of each key; a second one with days is asked about the others only. What is there
already is used again: filling a lookup of all of NANPA's codes takes half a second.
"""

from hashlib import sha256

from msgspec import Struct

from engine.statement import Statement
from engine.template import quoted, render
from engine.warehouse.gateway import Warehouse

_ATTRIBUTES = {"places": ("state", "lata", "rate_center"), "dids": ("account",), "retail": (), "outcomes": ("outcome",)}
_LISTS = {
    "places": ("npanxx", "npa", "rate_centers"),
    "dids": ("dids",),
    "retail": ("customers",),
    "outcomes": ("outcomes",),
}


_OURS = f"^({'|'.join(_LISTS)})_(days_)?[0-9]+$"
"""What lookups are called."""


class Lookup(Struct, frozen=True):
    """A dictionary of the newest rows, and of all rows with their days where days or blocks matter."""

    name: str
    ranged: str | None = None


class Lookups(Struct, frozen=True):
    """What can be asked, and the version of the lists it is of; 0 when none is loaded.

    `outcome_map` is the version of the site's own outcome map, 0 while the one that ships with the program holds.
    """

    version: int = 0
    outcome_map: int = 0
    places: Lookup | None = None
    dids: Lookup | None = None
    retail: Lookup | None = None
    outcomes: Lookup | None = None

    @property
    def names(self) -> set[str]:
        """The dictionaries that are asked."""
        held = (self.places, self.dids, self.retail, self.outcomes)
        return {name for one in held if one for name in (one.name, one.ranged) if name}


NOTHING = Lookups()


def versions(warehouse: Warehouse, commit: int | None = None) -> dict[str, int]:
    """Return the version that stands of each list that was ever loaded, or stood when `commit` was the newest."""
    sql = "SELECT kind, max(version) FROM list_log WHERE commit <= {commit:UInt32} GROUP BY kind"
    rows = warehouse.query(Statement(sql, {"commit": 2**32 - 1 if commit is None else commit})).rows
    return {str(kind): int(version) for kind, version in rows}


def make(warehouse: Warehouse, standing: dict[str, int]) -> Lookups:
    """Make the lookups of these versions of the lists, where they hold anything."""
    held = _held(warehouse)
    made = {name: _made(warehouse, name, standing, held) for name in _LISTS}
    return Lookups(max(standing.values(), default=0), standing.get("outcomes", 0), **made)


def _held(warehouse: Warehouse) -> dict[str, str]:
    """Return the lookups there are, with what is remembered of each: what it was made from, and how it is asked."""
    sql = (
        "SELECT name, comment FROM system.dictionaries "
        "WHERE database = currentDatabase() AND match(name, {ours:String})"
    )
    return {str(name): str(comment) for name, comment in warehouse.query(Statement(sql, {"ours": _OURS})).rows}


def source(name: str, standing: dict[str, int], lists: str = "lists", *, ranged: bool = False) -> str:
    """Return the statement that tells what a lookup holds; `lists` is the table's name where it is asked."""
    known = {kind: standing.get(kind, 0) for kinds in _LISTS.values() for kind in kinds}
    structure = {"versions": known, "attributes": _ATTRIBUTES[name], "ranged": ranged, "lists": lists}
    return render("reference/source.sql.j2", list=name, **structure)


def _made(warehouse: Warehouse, name: str, standing: dict[str, int], held: dict[str, str]) -> Lookup | None:
    version = max((standing.get(kind, 0) for kind in _LISTS[name]), default=0)
    if version == 0:
        return None
    lists = warehouse.table("lists")
    plain, ranged = f"{name}_{version}", f"{name}_days_{version}"
    queries = {plain: source(name, standing, lists), ranged: source(name, standing, lists, ranged=True)}
    who = login(*warehouse.login)
    # Another version of the program may ask otherwise. Of a password nothing is remembered, for it may have changed.
    made_from = "" if who else sha256("\n".join(queries.values()).encode()).hexdigest()[:16]
    if made_from and held.get(plain) == f"{made_from} plain":
        return Lookup(plain)
    if made_from and held.get(plain) == held.get(ranged) == f"{made_from} ranged":
        return Lookup(plain, ranged)
    shape = Statement(render("reference/shape.sql.j2", query=queries[plain]))
    codes, dated, blocked = warehouse.query(shape).rows[0]
    if not codes:
        return None
    lookup = Lookup(plain, ranged if dated or blocked else None)
    for dictionary, on_a_day in ((lookup.name, ""), (lookup.ranged, ", toDate(0)")):
        if dictionary:
            sql = render(
                "reference/dictionary.sql.j2",
                dictionary=dictionary,
                attributes=_ATTRIBUTES[name],
                ranged=dictionary == ranged,
                login=who,
                query=queries[dictionary],
                mark=f"{made_from} {'ranged' if lookup.ranged else 'plain'}",
            )
            warehouse.command(Statement(sql))
            # Asked once, it is filled: whoever loads a list waits for that, and not the next calls.
            warehouse.query(Statement(f"SELECT dictHas('{dictionary}', toUInt64(0){on_a_day})"))
    return lookup


def login(user: str, password: str) -> str:
    """As whom the engine reads its own tables; a password the server keeps as it keeps those of other sources."""
    return f"USER {quoted(user)} PASSWORD {quoted(password)} " if user else ""


def drop_others(warehouse: Warehouse, *kept: Lookups) -> None:
    """Drop lookups of versions that nobody asks any more."""
    used = {name for lookups in kept for name in lookups.names}
    for name in _held(warehouse).keys() - used:
        warehouse.command(Statement(f"DROP DICTIONARY IF EXISTS {name}"))
