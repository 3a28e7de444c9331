"""Each rollup refuses what it cannot tell, by name, and the tiles it offers never cross a bucket of the question."""

import random
from collections.abc import Iterator
from itertools import pairwise
from math import ceil
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from engine.access.principal import ADMIN, Principal
from engine.catalog.load import catalog
from engine.catalog.model import Grain
from engine.ingest.stage import ledger_columns
from engine.query import question
from engine.query.coverage import Coverage
from engine.query.lists import Rates
from engine.query.moments import Moments
from engine.query.resolve import Resolved, resolve
from engine.query.route import LEDGER, Reason, Route, route
from engine.query.tiling import Run, Span, Within, covered, every, left
from engine.settings import Settings
from engine.statement import Statement
from engine.template import call_macro
from engine.warehouse import layout
from engine.warehouse.gateway import Warehouse

pytestmark = pytest.mark.engine

ZONES = ("UTC", "America/New_York")
MONTHS = dict.fromkeys((*range(202601, 202613), 202701), 1_000_000)
SOMEBODY = Principal("somebody", accounts=("acme",))
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def coverage() -> Iterator[Coverage]:
    with Warehouse("chdb://memory") as warehouse:
        layout.make(warehouse, catalog(), ZONES, ledger_columns())
        yield Coverage(warehouse)


def asked(coverage: Coverage, changes: dict[str, Any], who: Principal = ADMIN) -> Resolved:
    whole = {"from": "2026-10-01", "to": "2026-11-01", "timezone": "UTC", "measures": ["attempts"], **changes}
    moments = Moments(coverage._warehouse, coverage)
    return resolve(question.of(whole), who, catalog(), Settings(), coverage.instants, moments, coverage.earlier)


def planned(coverage: Coverage, resolved: Resolved, *, shrink: float | dict[Grain, float] = 20, **more: Any) -> Route:
    tables = {name: (rollup, zone) for rollup, zone, name in layout.tables_of(catalog(), ZONES)}
    for name in more.get("uncovered", {}):
        del tables[name]
    fewer = shrink if isinstance(shrink, dict) else {"day": shrink, "minute15": shrink}
    sizes = {LEDGER: MONTHS} | {
        name: {month: round(n / fewer[tables[name][0].grain]) for month, n in MONTHS.items()} for name in tables
    }
    return route(resolved, catalog(), tables, more.pop("uncovered", {}), sizes, coverage.tiles, **more)


OF_MONROVIA = {"from": "1971-03-01", "timezone": "Africa/Monrovia"}
"""Its clocks were 44 minutes and 30 seconds behind."""

# --- refusals ---------------------------------------------------------------------------------------------

REFUSED: list[tuple[str, dict[str, Any], Reason]] = [
    ("breakout_day", {"rows": ["tech_prefix"]}, "dimension_missing"),
    ("breakout_day", {"columns": ["jurisdiction"]}, "dimension_missing"),
    ("breakout_day", {"where": [{"field": "sip_code", "values": [200]}]}, "filter_missing"),
    ("breakout_day", {"measures": ["pdd_p50"]}, "measure_missing"),
    ("breakout_day", {"measures": ["intrastate"]}, "measure_missing"),
    ("breakout_day", {"where": [{"field": "intrastate", "op": "gt", "values": [1]}]}, "measure_missing"),
    ("breakout_day", {"rows": ["customer"], "top": [{"field": "customer", "by": "pdd_p95"}]}, "measure_missing"),
    ("breakout_day", {"rows": ["hour"]}, "grain_too_coarse"),
    ("breakout_day", {"columns": ["minute15"]}, "grain_too_coarse"),
    ("breakout_day", {"where": [{"field": "hour_of_day", "values": [7]}]}, "grain_too_coarse"),
    ("breakout_day", {"from": "2026-10-01T00:00:00.001", "to": "2026-10-02T23:59"}, "no_whole_tile"),
    ("route_minute15", {"rows": ["customer"]}, "dimension_missing"),
    ("route_minute15", {"where": [{"field": "country", "values": ["US"]}]}, "filter_missing"),
    ("route_minute15", {"rows": ["provider"], "measures": ["profit"]}, "measure_missing"),
    ("route_minute15", {"from": "2026-10-01T10:01", "to": "2026-10-01T10:29"}, "no_whole_tile"),
    ("route_minute15", {**OF_MONROVIA, "to": "1971-03-02", "rows": ["minute15"]}, "zone_mismatch"),
    ("route_minute15", {**OF_MONROVIA, "to": "1971-06-01", "rows": ["day"]}, "too_many_pieces"),
    ("tech_prefix_day", {"rows": ["provider"]}, "dimension_missing"),
    ("tech_prefix_day", {"where": [{"field": "npanxx", "values": ["212555"]}]}, "filter_missing"),
    ("tech_prefix_day", {"measures": ["pdd_avg"]}, "measure_missing"),
    ("rate_center_day", {"rows": ["orig_npanxx"]}, "dimension_missing"),
    ("rate_center_day", {"where": [{"field": "customer", "values": ["acme"]}]}, "filter_missing"),
    ("rate_center_day", {"measures": ["dtmf_calls"]}, "measure_missing"),
    ("rate_center_day", {"measures": ["attempts"], "calls": "final"}, "measure_missing"),
]
OF_DAYS: list[tuple[dict[str, Any], Reason]] = [
    ({"rows": ["hour"]}, "grain_too_coarse"),
    ({"rows": ["day"], "timezone": "Asia/Kolkata"}, "zone_mismatch"),
    ({"from": "2026-10-01T12:00", "to": "2026-10-02T12:00"}, "no_whole_tile"),
    ({"from": "2026-01-01", "rows": ["week"], "timezone": "Asia/Kolkata"}, "too_many_pieces"),
]
"""What every rollup of days refuses, whatever it keeps."""
DAYS = tuple(rollup.name for rollup in catalog().rollups.values() if rollup.grain == "day")
REFUSED += [(rollup, changes, reason) for rollup in DAYS for changes, reason in OF_DAYS]


def refusals(found: Route) -> dict[str, str]:
    return {refused.table: refused.reason for refused in found.refusals}


@pytest.mark.parametrize(("rollup", "changes", "reason"), REFUSED, ids=lambda value: str(value)[:60])
def test_each_rollup_refuses_what_it_cannot_tell(
    coverage: Coverage, rollup: str, changes: dict[str, Any], reason: str
) -> None:
    found = planned(coverage, asked(coverage, changes))
    table = catalog().rollups[rollup].table("UTC")
    assert refusals(found)[table] == reason
    assert table not in found.sources


def test_what_is_not_about_the_question_alone_is_refused_by_name_too(coverage: Coverage) -> None:
    plain = asked(coverage, {"rows": []})
    tables = [rollup.table("UTC") for rollup in catalog().rollups.values()]
    told: dict[Reason, Route] = {
        "not_by_commit": planned(coverage, replace(plain, since=3)),
        "reads_more_rows": planned(coverage, plain, shrink=0.5),
        "not_covered": planned(coverage, plain, uncovered=dict.fromkeys(tables, "not_covered")),
        "zone_rules_changed": planned(coverage, plain, uncovered=dict.fromkeys(tables, "zone_rules_changed")),
    }
    for reason, found in told.items():
        assert {refusals(found)[table] for table in tables} == {reason}
    scoped = refusals(planned(coverage, asked(coverage, {}, SOMEBODY)))
    money = asked(coverage, {"rows": [], "measures": ["customer_charge"]})
    dated = refusals(planned(coverage, replace(money, rates=Rates(1, "Asia/Tokyo"))))
    for rollup in catalog().rollups.values():
        assert (scoped.get(rollup.table("UTC")) == "scope_missing") == ("customer" not in rollup.keys)
        assert (dated[rollup.table("UTC")] == "rates_by_day") == ("customer_charge" in rollup.parts)
    reasons = {reason for _, _, reason in REFUSED}
    # What is before the horizon is the next test's.
    assert reasons | set(told) | {"before_horizon", "scope_missing", "rates_by_day"} == set(get_args(Reason))


def test_every_rollup_stands_in_the_table_with_every_reason_it_can_have() -> None:
    always = {"dimension_missing", "filter_missing", "measure_missing", "no_whole_tile", "zone_mismatch"}
    for name, rollup in catalog().rollups.items():
        told = {reason for of, _, reason in REFUSED if of == name}
        assert told == {*always, "too_many_pieces", *(["grain_too_coarse"] if rollup.grain == "day" else [])}, name


def test_a_rollup_refuses_every_column_and_every_sum_that_it_does_not_keep(coverage: Coverage) -> None:
    """All dimensions, grouped and filtered by, and all measures, in both views."""
    known = catalog()

    def refused(changes: dict[str, Any]) -> dict[str, str]:
        found = refusals(planned(coverage, asked(coverage, changes)))
        return {name: found.get(rollup.table("UTC"), "") for name, rollup in known.rollups.items()}

    for name, dimension in known.dimensions.items():
        if dimension.column is None:
            continue
        grouped, filtered = refused({"rows": [name]}), refused({"where": [{"field": name, "op": "not_null"}]})
        for rollup in known.rollups.values():
            missing = dimension.column not in rollup.keys
            assert (grouped[rollup.name] == "dimension_missing") == missing, (rollup.name, name)
            assert (filtered[rollup.name] == "filter_missing") == missing, (rollup.name, name)
    for name, measure in known.measures.items():
        views = {view: refused({"measures": [name], "calls": view}) for view in ("attempts", "final")}
        words = {part for word in measure.words for part in known.stands_for(word, {}, {"count_zero_answers": False})}
        sides = {"customer", "provider"} if measure.money == "both" else {measure.money} - {None}
        words |= {f"{side}_{what}" for side in sides for what in ("charge", "charged")}
        words |= {f"unrated_{side}" for side in sides}
        parts = [known.parts[word] for word in words]
        for rollup in known.rollups.values():
            keeps = all((part.of or part.name) in rollup.parts for part in parts)
            keeps = keeps and all(set(part.columns) <= set(rollup.keys) for part in parts)
            final = keeps and ("is_final" in rollup.keys or not any(part.counts for part in parts))
            assert (views["attempts"][rollup.name] == "measure_missing") != keeps, (rollup.name, name)
            assert (views["final"][rollup.name] == "measure_missing") != final, (rollup.name, name)


def test_beyond_the_horizon_only_a_table_that_needs_no_edges_answers(coverage: Coverage) -> None:
    ragged = {"rows": ["customer"], "from": "2026-10-01T07:00", "to": "2026-10-20"}
    horizon = asked(coverage, {"from": "2026-10-10"}).start_ms
    with pytest.raises(Exception, match="before_horizon") as refused:
        planned(coverage, asked(coverage, ragged), horizon=horizon)
    assert "breakout_day_v1_utc: before_horizon" in str(refused.value)
    whole = planned(coverage, asked(coverage, {**ragged, "from": "2026-10-01"}), horizon=horizon)
    assert whole.sources == ("breakout_day_v1_utc",)


# --- tiling -----------------------------------------------------------------------------------------------


def test_a_window_is_filled_with_days_then_quarters_then_single_calls(coverage: Coverage) -> None:
    """Days of UTC, the quarters of an hour before and after them, and the ragged milliseconds."""
    resolved = asked(coverage, {"rows": ["provider"], "from": "2026-10-01T07:38:00.250", "to": "2026-10-20T16:45:30.5"})
    found = planned(coverage, resolved, shrink={"day": 100, "minute15": 20})
    by_table = {branch.table: branch.spans for branch in found.branches}
    assert list(by_table) == ["breakout_day_v1_utc", "route_minute15_v1_utc", LEDGER]
    pieces = sorted((span.start, span.end) for spans in by_table.values() for span in spans)
    assert pieces[0][0] == resolved.start_ms
    assert pieces[-1][1] == resolved.end_ms
    assert all(end == start for (_, end), (start, _) in pairwise(pieces)), "no gap, no overlap"
    assert [span.end - span.start for span in by_table["breakout_day_v1_utc"]] == [18 * DAY_MS]
    assert [(span.end - span.start) / 60_000 for span in by_table["route_minute15_v1_utc"]] == [16 * 60 + 15, 1005]
    assert sum(span.end - span.start for span in by_table[LEDGER]) == 7 * 60_000 - 250 + 30_500


def test_each_bucket_of_a_foreign_zone_is_made_of_whole_tiles(coverage: Coverage) -> None:
    """Days of a zone 45 minutes off UTC's hours: no day table fits, quarters of an hour do."""
    days = {"rows": ["day", "provider"], "timezone": "Asia/Kathmandu"}
    assert planned(coverage, asked(coverage, days)).sources == ("route_minute15_v1_utc",)


def test_gaps_are_filled_exactly() -> None:
    runs = [every(3600, 7200, 900), Run((10_000, 96_400, 182_800), 269_200)]
    gaps = [Span(3_000_000, 6_300_500), Span(9_999_999, 182_800_000)]
    spans = covered(runs, gaps)
    assert spans == (Span(3_600_000, 6_300_000), Span(10_000_000, 182_800_000))
    assert left(gaps, spans) == (Span(3_000_000, 3_600_000), Span(6_300_000, 6_300_500), Span(9_999_999, 10_000_000))
    assert covered(runs, [Span(3_600_001, 4_500_000)]) == ()


# --- tiles and clocks -------------------------------------------------------------------------------------

BUCKETS = ("minute15", "hour", "day", "week", "month", "hour_of_day", "day_of_week")
CLOCKS = [  # when clocks changed, in seconds; and zones whose offsets are odd
    ("America/New_York", 1793512800),
    ("America/St_Johns", 1162092660),  # a minute past midnight, back to the day before
    ("America/St_Johns", 1793507400),
    ("Australia/Lord_Howe", 1775314800), ("Australia/Lord_Howe", 1791041400),  # by half an hour
    ("Asia/Kathmandu", 1790000000), ("Asia/Kolkata", 1790000000), ("Pacific/Chatham", 1790344800),
    ("Asia/Pyongyang", 1439564400), ("America/Caracas", 1462086000), ("Pacific/Apia", 1325239200),
    ("Antarctica/Troll", 1774746000), ("Africa/Casablanca", 1773540000), ("Asia/Beirut", 1774648800),
]  # fmt: skip
TOO_FINE: dict[Grain, set[str]] = {
    "minute15": set(),
    "hour": {"minute15"},
    "day": {"minute15", "hour", "hour_of_day"},
}


def crossing(coverage: Coverage, zone: str, grain: Grain, around: int, bucket: str) -> None:
    """Assert that every tile offered around a moment lies within one bucket, minute by minute."""
    day = 86_400
    window = Span((around - around % day - day) * 1000, (around - around % day + 2 * day) * 1000)
    found = coverage.tiles(grain, zone, window, Within(zone, (bucket,)))
    name = call_macro("query/buckets.sql.j2", "of", bucket, "toDateTime(minute, 'UTC')")
    sql = f"SELECT minute, toString({name}) FROM (SELECT {{first:UInt32}} + 60 * number AS minute FROM numbers(4320))"
    rows = coverage._warehouse.query(Statement(sql, {"first": window.start // 1000, "zone": zone})).rows
    told: dict[int, str] = {int(minute): str(text) for minute, text in rows}
    tiles = [pair for run in found.runs for pair in zip(run.starts, [*run.starts[1:], run.end], strict=True)]
    for start, end in tiles:
        inside = {told[minute] for minute in range(start, end, 60)}
        assert len(inside) == 1, f"{zone} {grain} {bucket} {start}: {sorted(inside)}"
    if grain == "minute15":  # nothing is refused that could be used, but where clocks change within it
        assert found.count - len(tiles) <= 2, f"{zone} {bucket}: {found.count - len(tiles)} of {found.count} refused"


@pytest.mark.parametrize(("zone", "around"), CLOCKS)
def test_no_tile_crosses_a_bucket_when_clocks_change(coverage: Coverage, zone: str, around: int) -> None:
    for grain in TOO_FINE:
        for bucket in BUCKETS:
            if bucket not in TOO_FINE[grain]:
                crossing(coverage, zone, grain, around, bucket)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_no_tile_crosses_a_bucket_in_any_zone_at_any_change_of_clocks(coverage: Coverage) -> None:
    """Every zone the engine knows, every change of its offset from 2000 to 2030; zones of the same clocks once."""
    offset = "timezoneOffset(toDateTime(hour{}, {{zone:String}}))"
    every_hour = "range(946684800, 946684800 + 3600 * 263000, 3600)"
    told = f"arrayMap(hour -> (hour, {offset.format('')}, {offset.format(' + 3600')}), {every_hour})"
    changes = (
        f"SELECT arrayFilter(one -> one.2 != one.3, {told}), timezoneOffset(toDateTime(946684800, {{zone:String}}))"
    )
    warehouse = coverage._warehouse
    clocks: dict[str, tuple[str, list[Any]]] = {}
    for (zone,) in warehouse.query(Statement("SELECT time_zone FROM system.time_zones ORDER BY 1")).rows:
        ((found, first),) = warehouse.query(Statement(changes, {"zone": zone})).rows
        clocks.setdefault(str((found, first)), (zone, [hour for hour, _, _ in found]))
    assert len(clocks) > 150
    for zone, hours in clocks.values():
        for around in hours:
            for grain, bucket in (("minute15", "minute15"), ("minute15", "day"), ("hour", "day"), ("day", "day")):
                crossing(coverage, zone, grain, int(around), bucket)  # type: ignore[arg-type]


# --- percentiles ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [
    [0], [1, 2], [63, 64, 65], [4_000_000_000], list(range(200)), [999, 1000, 1001, 1_000_000],
    [round(random.Random(7).lognormvariate(7.5, 1.2)) for _ in range(1)] * 3,
    [round(random.Random(seed).lognormvariate(7.5, 1.2)) for seed in range(3000)],
], ids=lambda values: f"{len(values)} from {values[0]}")  # fmt: skip
@pytest.mark.parametrize("percent", [1, 50, 95, 100])
def test_a_percentile_is_at_most_a_sixty_fourth_off(coverage: Coverage, values: list[int], percent: int) -> None:
    """Against the nearest rank of the sorted values; what is taken back again leaves no trace."""
    part = catalog().parts["pdd_histogram"]
    taken_back = [value // 2 + 1 for value in values[:50]]
    percentile = call_macro("query/percentile.sql.j2", "of", part.sum, str(percent), "1")
    sql = (
        f"SELECT {percentile} FROM (SELECT toNullable(arrayJoin({{values:Array(UInt32)}})) AS pdd_ms, 1 AS sign "
        "UNION ALL SELECT arrayJoin({back:Array(UInt32)}), arrayJoin([1, -1]) UNION ALL SELECT NULL, 1)"
    )
    found = coverage._warehouse.value(Statement(sql, {"values": values, "back": taken_back}))
    exact = sorted(values)[max(1, ceil(percent * len(values) / 100)) - 1]
    assert abs(found - exact) <= exact / 64
    if exact < 64:
        assert found == exact


def test_of_nothing_there_is_no_percentile(coverage: Coverage) -> None:
    part = catalog().parts["pdd_histogram"]
    sql = f"SELECT {call_macro('query/percentile.sql.j2', 'of', part.nothing, '50', '1000')}"
    assert coverage._warehouse.value(Statement(sql)) is None
