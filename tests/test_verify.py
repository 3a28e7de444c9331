"""The proof: rollups that say what the ledger says are found equal, any damage is named, and repaired it is equal."""

import csv
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from threading import Event, Thread
from typing import Any

import msgspec
import pytest

from engine.access.principal import ADMIN
from engine.errors import BadRequest, Conflict, TollhouseError
from engine.ingest.pipeline import Asked
from engine.query.question import Question
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.traffic import Traffic, write
from engine.verify.proof import Difference, TableProof
from engine.verify.report import Verification
from engine.verify.window import Window
from engine.warehouse import layout
from engine.warehouse.gateway import Warehouse
from tests.loading import rows

pytestmark = [pytest.mark.engine, pytest.mark.server_nightly, pytest.mark.usefixtures("few_rollups")]

UTC, KOLKATA, QUARTERS = "breakout_day_v1_utc", "breakout_day_v1_asia_kolkata", "route_minute15_v1_utc"
ALWAYS = Window.of(None, None)
START = "2026-10-30"  # four days over the end of a month


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("calls") / "calls.csv"
    with Warehouse("chdb://memory") as warehouse:
        write(Traffic(4_000, 4, 9, date.fromisoformat(START), False), warehouse, path)
    return path


@pytest.fixture(scope="module")
def site(dsn: str, calls: Path) -> Iterator[Site]:
    """Two rollup tables and calls of two months; whatever a test damages it also mends."""
    with Site(Settings(database=dsn, rollup_zones=("Asia/Kolkata",), chunk_records=1000)) as opened:
        opened.ingest(calls, "calls.csv", Asked())
        yield opened


def run(site: Site, sql: str, **parameters: Any) -> None:
    site.warehouse.command(Statement(sql, parameters))


def proof(found: Verification, table: str = UTC) -> TableProof:
    return next(proof for proof in found.tables if proof.table == table)


def total(site: Site, column: str, day: str) -> Any:
    """What the ledger says of a day in UTC."""
    sql = f"SELECT sum(sign * {column}) FROM cdr WHERE toDate(start_time) = {{day:Date}}"
    return rows(site, sql, day=day)[0][0]


# --- a clean database -------------------------------------------------------------------------------------


def test_what_was_loaded_is_proven_equal_tile_by_tile(site: Site) -> None:
    found = site.verify(ALWAYS)
    assert found.exact
    assert not found.repaired
    tables = layout.tables_of(site.catalog, site.settings.zones)
    assert [(table.table, table.zone) for table in found.tables] == [(table, zone) for _, zone, table in tables]
    assert {UTC, KOLKATA, QUARTERS} <= {table.table for table in found.tables}
    for (rollup, _, _), table in zip(tables, found.tables, strict=True):
        second = "toUnixTimestamp(start_time)"
        tile = f"{second} - {second} % {rollup.seconds}" if rollup.seconds else "day"
        [(tiles, groups)] = rows(
            site,
            "SELECT uniqExact(day), count() FROM (SELECT toStartOfDay(start_time, {zone:String}) AS day, "
            f"{tile} AS tile, {', '.join(rollup.keys)} FROM cdr WHERE sign != 0 GROUP BY ALL)",
            zone=table.zone,
        )
        assert (table.tiles, table.groups) == (tiles, groups)
        assert (table.exact, table.differing, table.mended, table.differences) == (True, 0, 0, ())


def test_an_empty_database_is_equal(tmp_path: Path) -> None:
    with Site(Settings(database="chdb://memory")) as empty:
        found = empty.verify(ALWAYS)
    assert found.exact
    assert {table.tiles for table in found.tables} == {0}
    assert all(audit.found == 0 for audit in found.audits)


@pytest.mark.parametrize(
    ("start", "end", "of_utc", "of_kolkata"),
    [
        (None, None, 4, 5),
        ("2026-10-31", "2026-11-01", 1, 2),  # a day of UTC overlaps two of Kolkata
        ("2026-10-31", "2026-11-02", 2, 3),
        ("2026-11-01", None, 2, 3),
        ("2026-12-01", None, 0, 0),
    ],
)
def test_each_table_is_checked_in_the_tiles_that_overlap_the_window(
    site: Site, start: str | None, end: str | None, of_utc: int, of_kolkata: int
) -> None:
    found = site.verify(Window.of(start, end))
    assert [proof(found, table).tiles for table in (UTC, KOLKATA, QUARTERS)] == [of_utc, of_kolkata, of_utc]


@pytest.mark.parametrize(
    ("start", "end"), [("yesterday", None), ("2026-13-01", None), ("2026-10-02", "2026-10-02"), ("1999-01-01", None)]
)
def test_a_window_that_is_none_is_refused(start: str, end: str | None) -> None:
    with pytest.raises(BadRequest):
        Window.of(start, end)


# --- damage -----------------------------------------------------------------------------------------------


DAY = "2026-10-31"
BUSIEST = "acme-telecom"


def lose_a_customer(site: Site) -> None:
    run(site, f"DELETE FROM {UTC} WHERE toDate(tile) = '{DAY}' AND customer = '{BUSIEST}'")


def add_strangers(site: Site) -> None:
    run(
        site,
        f"INSERT INTO {UTC} (tile, customer, c_min, c_max, standing, customer_charge) "
        f"VALUES ('{DAY} 00:00:00', 'nobody', 1, 1, 7, 1.25)",
    )


def shift_money(site: Site) -> None:
    run(
        site,
        f"INSERT INTO {UTC} (tile, customer, c_min, c_max, customer_charge) "
        f"VALUES ('{DAY} 00:00:00', 'nobody', 1, 1, 0.00000001), ('{DAY} 00:00:00', 'somebody', 1, 1, -0.00000001)",
    )


def lose_a_tile(site: Site) -> None:
    run(site, f"DELETE FROM {UTC} WHERE toDate(tile) = '{DAY}'")


def invent_a_tile(site: Site) -> None:
    run(
        site,
        f"INSERT INTO {UTC} (tile, customer, c_min, c_max, attempts) VALUES ('2026-12-24 00:00:00', 'nobody', 1, 1, 3)",
    )


def lose_everything(site: Site) -> None:
    run(site, f"TRUNCATE TABLE {UTC}")


def count_twice(site: Site) -> None:
    run(site, f"INSERT INTO {UTC} SELECT * FROM {UTC} WHERE toDate(tile) = '{DAY}'")


def by_part(found: Verification) -> dict[str, Difference]:
    return {difference.part: difference for difference in proof(found).differences}


def check_customer(site: Site, found: Verification) -> None:
    lost = (
        "SELECT sum(sign), sum(sign * toInt64(duration_ms)) FROM cdr "
        "WHERE toDate(start_time) = {day:Date} AND customer = {name:String}"
    )
    [(records, duration)] = rows(site, lost, day=DAY, name=BUSIEST)
    parts = by_part(found)
    assert parts["standing"].ledger == total(site, "1", DAY)
    assert parts["standing"].rollup == total(site, "1", DAY) - records
    assert parts["duration_ms"].ledger == total(site, "toInt64(duration_ms)", DAY)
    assert parts["duration_ms"].rollup == total(site, "toInt64(duration_ms)", DAY) - duration
    assert {difference.worst["customer"] for difference in parts.values()} == {BUSIEST}


def check_strangers(site: Site, found: Verification) -> None:
    parts = by_part(found)
    assert set(parts) == {"standing", "customer_charge"}
    assert (parts["standing"].rollup, parts["standing"].groups) == (total(site, "1", DAY) + 7, 1)
    assert parts["customer_charge"].worst["customer"] == "nobody"


def check_shift(site: Site, found: Verification) -> None:
    [difference] = proof(found).differences
    assert difference.part == "customer_charge"
    assert difference.ledger == difference.rollup  # the day's total tells nothing
    assert difference.groups == 2
    assert difference.worst["customer"] in ("nobody", "somebody")


def check_tile(site: Site, found: Verification) -> None:
    parts = by_part(found)
    assert {difference.rollup for difference in parts.values()} == {0, "0.00"}
    assert parts["attempts"].ledger == total(site, "1", DAY)


def check_invented(_: Site, found: Verification) -> None:
    [difference] = proof(found).differences
    assert (difference.day, difference.part, difference.ledger, difference.rollup) == ("2026-12-24", "attempts", 0, 3)


def check_everything(_: Site, found: Verification) -> None:
    assert {difference.rollup for difference in by_part(found).values()} == {0, "0.00"}
    assert proof(found).tiles == 4


def check_twice(site: Site, found: Verification) -> None:
    for difference in by_part(found).values():
        if isinstance(difference.ledger, int):
            assert difference.rollup == 2 * difference.ledger
    assert by_part(found)["standing"].ledger == total(site, "1", DAY)


DAMAGES = [
    (lose_a_customer, check_customer, {DAY}),
    (add_strangers, check_strangers, {DAY}),
    (shift_money, check_shift, {DAY}),
    (lose_a_tile, check_tile, {DAY}),
    (invent_a_tile, check_invented, {"2026-12-24"}),
    (lose_everything, check_everything, {"2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02"}),
    (count_twice, check_twice, {DAY}),
]


def damages(*always: Callable[[Site], None], marks: pytest.MarkDecorator) -> pytest.MarkDecorator:
    """Every damage; what is not `always` tried is marked."""
    params = [pytest.param(*row, id=row[0].__name__, marks=() if row[0] in always else marks) for row in DAMAGES]
    return pytest.mark.parametrize(("damage", "check", "days"), params)


# The SQL is the same on a server: there two damages of seven are enough for every day.
@damages(lose_a_customer, shift_money, marks=pytest.mark.server_nightly)
def test_damage_is_named_repaired_and_proven_gone(
    site: Site, damage: Callable[[Site], None], check: Callable[[Site, Verification], None], days: set[str]
) -> None:
    damage(site)
    found = site.verify(ALWAYS)
    assert not found.exact
    assert not proof(found).exact
    assert proof(found).differing == len(days)
    assert {difference.day for difference in proof(found).differences} == days
    check(site, found)
    assert proof(found, KOLKATA).exact, "the other table is whole"

    repaired = site.verify(ALWAYS, repair=True)
    assert repaired.exact
    assert repaired.repaired
    assert proof(repaired).mended >= max(difference.groups for difference in proof(found).differences)
    assert proof(repaired).differences == proof(found).differences, "what was wrong is still told"
    again = site.verify(ALWAYS)
    assert again.exact
    assert all(table.differences == () for table in again.tables)


def test_quarters_of_an_hour_are_proven_and_mended_day_by_day(site: Site) -> None:
    """One quarter is lost, and of another hour a delay is moved to another bucket: no total tells of that."""
    lost = f"(SELECT min(tile) FROM {QUARTERS} WHERE toDate(tile) = '{DAY}')"
    [(records,)] = rows(site, f"SELECT sum(standing) FROM {QUARTERS} WHERE tile = {lost}")
    run(site, f"DELETE FROM {QUARTERS} WHERE tile = {lost}")
    run(
        site,
        f"INSERT INTO {QUARTERS} (tile, provider, c_min, c_max, pdd_histogram) "
        "VALUES ('2026-11-01 12:15:00', 'nobody', 1, 1, map(33054, 1, 33055, -1))",
    )
    found = site.verify(ALWAYS)
    assert proof(found, UTC).exact
    assert proof(found, QUARTERS).differing == 2
    of_day = {day: [d for d in proof(found, QUARTERS).differences if d.day == day] for day in (DAY, "2026-11-01")}
    standing = next(difference for difference in of_day[DAY] if difference.part == "standing")
    assert (standing.ledger, standing.rollup) == (total(site, "1", DAY), total(site, "1", DAY) - records)
    [moved] = of_day["2026-11-01"]
    assert (moved.part, moved.groups, moved.worst["provider"]) == ("pdd_histogram", 1, "nobody")
    assert moved.ledger == moved.rollup, "as many delays as before"

    repaired = site.verify(ALWAYS, repair=True)
    assert repaired.exact
    assert proof(repaired, QUARTERS).mended == standing.groups + 1
    assert site.verify(ALWAYS).exact


@damages(add_strangers, lose_everything, marks=pytest.mark.nightly)
def test_a_rebuild_mends_it_too_and_says_how_many_groups(
    site: Site, damage: Callable[[Site], None], check: object, days: set[str]
) -> None:
    damage(site)
    wrong = max(difference.groups for difference in proof(site.verify(ALWAYS)).differences)
    utc, kolkata, *others = site.rebuild(ALWAYS).tables
    assert (utc.table, kolkata.table) == (UTC, KOLKATA)
    assert utc.mended >= wrong
    assert {table.mended for table in (kolkata, *others)} == {0}
    assert site.verify(ALWAYS).exact


def test_a_rebuild_leaves_days_outside_its_window_alone(site: Site) -> None:
    lose_everything(site)
    utc = site.rebuild(Window.of(DAY, "2026-11-01")).tables[0]
    assert utc.tiles == 1
    found = site.verify(ALWAYS)
    assert {difference.day for difference in proof(found).differences} == {"2026-10-30", "2026-11-01", "2026-11-02"}
    site.rebuild(ALWAYS)
    assert site.verify(ALWAYS).exact


def test_a_repair_is_a_commit_of_its_own_and_nothing_to_repair_is_none(site: Site) -> None:
    before = site.watermark()
    site.verify(ALWAYS, repair=True)
    site.rebuild(ALWAYS)
    assert site.watermark() == before
    shift_money(site)
    site.verify(ALWAYS, repair=True)
    assert site.watermark() == before + 1


def test_rows_of_a_commit_that_is_not_complete_are_told_and_not_taken_for_sums(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.verify.proof._READS", 3)  # nothing will settle it
    run(
        site,
        f"INSERT INTO {UTC} (tile, customer, c_min, c_max, attempts) "
        f"VALUES ('{DAY} 00:00:00', 'nobody', 1, 4000000000, 3)",
    )
    found = site.verify(ALWAYS)
    assert not found.exact
    assert proof(found).unsettled == (DAY,)
    assert proof(found).differences == ()
    run(site, f"DELETE FROM {UTC} WHERE c_max = 4000000000")
    assert site.verify(ALWAYS).exact


def test_who_only_reads_can_prove_but_not_repair(clickhouse: Any, calls: Path) -> None:
    from tests.conftest import fresh_database

    settings = Settings(database=fresh_database(clickhouse))
    with Site(settings) as writer:
        writer.ingest(calls, "calls.csv", Asked())
        with Site(settings, writes=False) as reader:
            assert reader.verify(ALWAYS).exact
            lose_a_customer(writer)
            assert not reader.verify(ALWAYS).exact
            for act in (lambda: reader.verify(ALWAYS, repair=True), lambda: reader.rebuild(ALWAYS)):
                with pytest.raises(Conflict, match="for reading only"):
                    act()


def test_progress_is_told_piece_by_piece(site: Site) -> None:
    told: list[tuple[str, int, int]] = []
    site.verify(ALWAYS, watch=lambda *step: told.append(step))
    totals = {total for _, _, total in told}
    assert len(totals) == 1
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1][1] == told[-1][2]
    assert {UTC, KOLKATA, "final_attempts"} <= {name for name, _, _ in told}


def test_a_report_can_be_read_back_from_json(site: Site) -> None:
    shift_money(site)
    found = site.verify(ALWAYS, repair=True)
    text = msgspec.json.encode(found)
    assert msgspec.json.decode(text, type=Verification) == found
    plain = msgspec.json.decode(text)
    assert (plain["from"], plain["to"]) == ("2000-01-01", "2100-01-01")
    [difference] = plain["tables"][0]["differences"]
    assert isinstance(difference["ledger"], str), "money is text"


# --- while others work ------------------------------------------------------------------------------------


def test_a_proof_during_a_load_finds_everything_equal(dsn: str, tmp_path: Path, site: Site) -> None:
    path = tmp_path / "more.csv"
    write(Traffic(7_000, 4, 10, date.fromisoformat(START), False), site.warehouse, path)
    failures: list[BaseException] = []

    def load() -> None:
        try:
            site.ingest(path, "more.csv", Asked())
        except BaseException as failure:
            failures.append(failure)

    loading = Thread(target=load)
    before = site.watermark()
    loading.start()
    commits = set()
    try:
        while loading.is_alive():
            run(site, f"OPTIMIZE TABLE {UTC} FINAL")  # merges mix commits into one row
            found = site.verify(ALWAYS, limit=0)
            assert found.exact, [table.differences or table.unsettled for table in found.tables]
            commits.add(found.commit)
    finally:
        loading.join()
    assert not failures
    assert site.watermark() > before + 6
    assert len(commits) > 1, "it was never proven in the middle of the load"
    assert site.verify(ALWAYS).exact


def answer(site: Site, day: str) -> tuple[int, list[Any]]:
    """What a reader is told of a day, and at which commit."""
    question = Question(
        start=day, end=day[:8] + f"{int(day[8:]) + 1:02}", rows=("customer",),
        measures=("attempts", "connected", "duration", "customer_charge", "dtmf_digits"),
    )  # fmt: skip
    found = site.ask(question, ADMIN)
    assert UTC in found.source, "this is about readers of the rollup"
    return found.as_of.commit, found.rows


class Reader:
    """Asks for a damaged and a whole day until it is told to stop, and remembers every wrong answer."""

    def __init__(self, site: Site, damaged: list[Any], whole: dict[str, list[Any]]) -> None:
        self.seen: set[str] = set()
        self.wrong: list[Any] = []
        self._site, self._damaged, self._whole = site, damaged, whole
        self._begun = site.watermark()
        self._stop = Event()
        self._thread = Thread(target=self._read)

    def _read(self) -> None:
        try:
            while not self._stop.is_set():
                commit, found = answer(self._site, "2026-10-30")
                mended = commit > self._begun
                if found != (self._whole["2026-10-30"] if mended else self._damaged):
                    self.wrong.append((commit, found))
                if not mended and "mended" in self.seen:
                    self.wrong.append((commit, "came back"))
                self.seen.add("mended" if mended else "damaged")
                if answer(self._site, "2026-11-01")[1] != self._whole["2026-11-01"]:
                    self.wrong.append((commit, "an undamaged day"))
        except BaseException as failure:
            self.wrong.append(failure)

    def wait_for(self, what: str) -> None:
        while what not in self.seen and self._thread.is_alive():
            self._stop.wait(0.01)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.mark.parametrize("time", [1, pytest.param(2, marks=pytest.mark.server_nightly)])
def test_readers_see_the_damaged_or_the_mended_sums_and_nothing_between(site: Site, time: int) -> None:
    run(site, f"OPTIMIZE TABLE {UTC} FINAL")  # few rows, so that the planner reads the rollup
    shift_money(site)  # a commit of its own makes the planner look at sizes again
    site.rebuild(ALWAYS)
    whole = {day: answer(site, day)[1] for day in ("2026-10-30", "2026-11-01")}
    run(site, f"DELETE FROM {UTC} WHERE toDate(tile) = '2026-10-30' AND cityHash64(customer) % {time + 1} = 0")
    damaged = answer(site, "2026-10-30")[1]
    assert damaged != whole["2026-10-30"]
    with Reader(site, damaged, whole) as one, Reader(site, damaged, whole) as two:
        for reader in (one, two):
            reader.wait_for("damaged")
        site.rebuild(ALWAYS)
        run(site, f"OPTIMIZE TABLE {UTC} FINAL")
        for reader in (one, two):
            reader.wait_for("mended")
    assert one.wrong + two.wrong == []
    assert one.seen == two.seen == {"damaged", "mended"}
    assert site.verify(ALWAYS).exact


# --- a view that throws -----------------------------------------------------------------------------------


def replace_view(site: Site, change: Callable[[str], str]) -> None:
    [[text]] = rows(
        site, f"SELECT create_table_query FROM system.tables WHERE name = '{UTC}_feed' AND database = currentDatabase()"
    )
    run(site, f"DROP VIEW {UTC}_feed SYNC")
    run(site, change(text))


@pytest.mark.parametrize(
    "healed_by", ["the next load", pytest.param("the next start", marks=pytest.mark.server_nightly)]
)
@pytest.mark.parametrize("kind", ["embedded", "http"])
def test_a_view_that_throws_half_way_is_healed(
    kind: str, healed_by: str, calls: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    from tests.conftest import fresh_database

    dsn = f"chdb://{tmp_path / 'db'}" if kind == "embedded" else fresh_database(request.getfixturevalue("clickhouse"))
    settings = Settings(database=dsn, rollup_zones=("Asia/Kolkata",), chunk_records=1000)
    with calls.open() as file:
        victim = list(csv.DictReader(file))[2500]["call_id"]  # of the third commit
    more = tmp_path / "more.csv"
    more.write_text("call_id,start_time\nlater,2026-11-01T12:00:00Z\n")

    def heal(site: Site) -> None:
        replace_view(site, lambda text: text.replace(f"throwIf(call_id = '{victim}', 'no room in the view') = 0", "1"))

    with Site(settings) as site:
        replace_view(
            site,
            lambda text: text.replace(
                "WHERE sign != 0", f"WHERE (throwIf(call_id = '{victim}', 'no room in the view') = 0) AND (sign != 0)"
            ),
        )
        with pytest.raises(TollhouseError, match="no room in the view"):
            site.ingest(calls, "calls.csv", Asked())
        # the third commit is open still, or made whole from the ledger; what comes after it is not loaded
        assert site.watermark() in (2, 3)
        assert site.verify(ALWAYS).exact, "readers see whole commits only"
        heal(site)
        if healed_by == "the next load":
            site.ingest(more, "more.csv", Asked())
    with Site(settings) as site:
        if healed_by == "the next start":
            assert [receipt.batch for receipt in site.recovered] == [1]
            site.ingest(more, "more.csv", Asked())
        assert site.verify(ALWAYS).exact
        newest = "SELECT argMax(accepted, time) AS accepted FROM batch_log GROUP BY batch"
        [(accepted, standing)] = rows(
            site, f"SELECT (SELECT sum(accepted) FROM ({newest})), (SELECT sum(sign) FROM cdr)"
        )
        assert accepted == standing
        assert rows(site, "SELECT count() FROM cdr WHERE call_id = {victim:String} AND sign = 1", victim=victim)[0][0]
