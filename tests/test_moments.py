"""As of a moment an answer is what it was then, whatever came later; since a moment it is what came.

A month of a carrier's calls is loaded, corrected, moved, taken back, given again and repaired. Between the steps
random questions are asked, and afterwards they are asked again, as of each step.
"""

import csv
import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from engine.access.principal import ADMIN, Principal
from engine.errors import TollhouseError
from engine.ingest import history
from engine.ingest.pipeline import Asked, Receipt
from engine.query import question
from engine.query.answer import Answer
from engine.query.route import LEDGER
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.traffic import Traffic, write
from engine.verify.window import Window
from engine.warehouse import layout
from tests.questions import random_question

pytestmark = [pytest.mark.engine, pytest.mark.server_nightly]

START, DAYS, CALLS = date(2026, 3, 1), 33, 2_000  # New York changes its clocks on 8 March, Paris on the 29th
MARCH = {"from": "2026-03-01", "to": "2026-04-01"}
ADDITIVE = ["attempts", "connected", "customer_duration", "provider_duration", "customer_charge", "provider_charge"]
GROUPS = ["customer", "provider", "customer_currency", "provider_currency"]

_names = count(1)


@pytest.fixture(scope="module")
def site(dsn: str) -> Iterator[Site]:
    settings = Settings(
        database=dsn, rollup_zones=("America/New_York", "Asia/Kolkata"), chunk_records=900, currency="USD"
    )
    with Site(settings) as opened:
        yield opened


# --- the history ----------------------------------------------------------------------------------------------

Said = tuple[Any, ...]


FROM_ROLLUPS: list[tuple[dict[str, Any], Principal]] = [
    ({"rows": ["customer"], "measures": ["customer_charge"], "totals": True}, ADMIN),
    (
        {
            "rows": ["customer_currency", "customer"], "measures": ["attempts", "customer_charge", "asr"],
            "currency": "native", "calls": "final", "totals": True, "subtotals": True,
        },
        ADMIN,
    ),
    (
        {
            "rows": ["provider"], "measures": ["acd", "profit", "provider_charge"], "to": "2026-03-20T10:30",
            "where": [{"field": "attempts", "op": "ge", "values": [60]}], "timezone": "America/New_York",
        },
        ADMIN,
    ),
    ({"rows": ["day"], "measures": ["attempts", "profit"], "timezone": "Asia/Kolkata"}, ADMIN),
]  # fmt: skip
"""What the planner takes from rollups, and the rest of the ledger from it again; currencies come and go in it."""


class Step:
    """What was answered at one commit, and the words that mean it."""

    def __init__(self, name: str, commit: int, moments: list[str], answers: list[Said]) -> None:
        self.name = name
        self.commit = commit
        self.moments = moments
        self.answers = answers


class History:
    """A site with all that happened to it, and the questions that were asked between."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.folder = folder
        self.steps: list[Step] = []
        self.asked: list[tuple[dict[str, Any], Principal]] = []

    def file(self, name: str, rows: list[dict[str, str]]) -> Path:
        path = self.folder / f"{name}-{next(_names)}.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(dict.fromkeys(field for row in rows for field in row)))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def load(self, name: str, rows: list[dict[str, str]], *, force: bool = False) -> Receipt:
        receipt = self.site.ingest(self.file(name, rows), name, Asked(force=force))
        self.record(name, f"batch:{receipt.batch}")
        return receipt

    def record(self, name: str, *moments: str) -> None:
        now = self.site.desk.watermark()
        answers = [said(self.site, asked, principal) for asked, principal in self.asked]
        self.steps.append(Step(name, now.commit, [*moments, *([now.time] if now.time else [])], answers))

    def check(self, dice: random.Random, share: float, alone: float = 1) -> Counter[str]:
        """Ask a share again, as of every step, some of it of the ledger alone too; return the sources that answered."""
        used: Counter[str] = Counter()
        for step in self.steps:
            for (asked, principal), before in zip(self.asked, step.answers, strict=True):
                if dice.random() > share:
                    continue
                again = asked | {"as_of": dice.choice(step.moments)}
                ledger = used["ledger"]
                after = said(self.site, again, principal, used=used)
                assert after == before, f"{step.name}: {again}"
                if used["ledger"] == ledger and dice.random() < alone:  # else it is the same statement again
                    after = said(self.site, again, principal, ledger_only=True)
                    assert after == before, f"{step.name}, ledger only: {again}"
        return used


def said(
    site: Site,
    asked: dict[str, Any],
    principal: Principal,
    *,
    ledger_only: bool = False,
    used: Counter[str] | None = None,
) -> Said:
    """Everything an answer says of the calls; or why there is none."""
    try:
        answer = site.desk.ask(question.of(asked), principal, ledger_only=ledger_only)
    except TollhouseError as failure:
        assert failure.code == "mixed_currency", asked
        return (failure.code, failure.message)
    if used is not None and not ledger_only:
        used["+".join("ledger" if table == LEDGER else "rollup" for table in answer.source)] += 1
    return (
        answer.rows, answer.totals, answer.subtotals, answer.total_rows, answer.warnings, answer.currencies,
        answer.as_of.commit,
    )  # fmt: skip


def questions(dice: random.Random, values: dict[str, list[Any]], number: int) -> list[tuple[dict[str, Any], Principal]]:
    start = datetime(START.year, START.month, START.day, tzinfo=UTC)
    found = []
    for _ in range(number):
        asked = random_question(dice, start, DAYS, values)
        if dice.random() < 0.3:
            asked["currency"] = "native"
        principal = ADMIN
        if dice.random() < 0.2:
            principal = Principal("somebody", accounts=tuple(dice.sample(values["customer"], 3)))
        found.append((asked, principal))
    return found


def changed(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """A later file: calls as they were, re-rated, withdrawn, given to another customer, moved in time."""
    dice = random.Random(11)
    told: set[tuple[str, str, str]] = set()
    found = []
    for row in rows:
        identity = (row["source"], row["call_id"], row["attempt"])
        fate = dice.random()
        if fate < 0.85 or identity in told:
            continue
        told.add(identity)
        said: dict[str, str] = {**row, "withdrawn": "", "replaces_start_time": ""}
        if fate < 0.89:
            said |= {"revision": "2", "customer_charge": str(Decimal(row["customer_charge"] or "0") + Decimal("0.01"))}
        elif fate < 0.92:
            said |= {"revision": "3", "withdrawn": "true"}
        elif fate < 0.95:
            said |= {"revision": "2", "customer": "somebody-else"}
        elif fate < 0.98:
            moved = datetime.fromisoformat(row["start_time"]) + timedelta(days=dice.choice((-20, -1, 1, 20)))
            said |= {"revision": "2", "start_time": moved.isoformat(), "replaces_start_time": row["start_time"]}
            said |= {"ring_time": "", "answer_time": "", "end_time": ""}
        found.append(said)
    return found


def break_rollups(site: Site) -> None:
    """Rows of a rollup that nobody posted: a repair must take them out again."""
    for _, _, table in layout.tables_of(site.catalog, site.settings.zones):
        site.warehouse.command(
            Statement(
                f"INSERT INTO {table} (tile, c_min, c_max, standing, attempts) "
                "SELECT toStartOfDay(toDateTime('2026-03-10 12:00:00', 'UTC'), 'UTC'), 1, 1, 5, 5"
            )
        )


@pytest.fixture(scope="module")
def told(site: Site, tmp_path_factory: pytest.TempPathFactory) -> History:
    """Everything that happens to a month."""
    history = History(site, tmp_path_factory.mktemp("history"))
    path = history.folder / "calls.csv"
    write(Traffic(CALLS, DAYS, 7, START), site.warehouse, path, None)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = ("customer", "customer_destination", "provider", "provider_card", "sip_code")
    values: dict[str, list[Any]] = {name: sorted({row[name] for row in rows} - {""}) for name in names}
    values["sip_code"] = [int(code) for code in values["sip_code"]]
    history.asked = questions(random.Random(3), values, 8 if site.warehouse.embedded else 3)
    history.asked += [(MARCH | asked, principal) for asked, principal in FROM_ROLLUPS]

    history.record("nothing yet", "2026-01-01T00:00Z")
    half = len(rows) // 2
    for _ in range(6):  # what is said again makes the ledger longer and the rollups not: they answer more
        site.ingest(history.file("again", rows[:half]), "again", Asked())
    history.load("half", rows[:half])
    second = history.load("the other half", rows[half:])
    site.close_month("2026-03", "anna", "Europe/Paris")
    history.steps[-1].moments.append("close:2026-03")
    corrections = history.load("corrections", changed(rows))
    francs = [{**row, "customer_currency": "CHF", "revision": "5"} for row in rows[:400] if row["customer_charge"]]
    history.load("another currency", francs)
    site.rollback(corrections.batch)
    history.record("corrections rolled back")
    break_rollups(site)
    site.rebuild(Window.of("2026-02-01", "2026-06-01"))
    history.record("repaired")
    site.rollback(second.batch)
    history.record("the other half rolled back")
    site.rollback(corrections.batch, undo=True)
    history.record("corrections given again")
    site.rollback(second.batch, undo=True)
    history.record("the other half given again")
    history.load("by force", rows[:200], force=True)
    history.load("francs withdrawn", [{**row, "revision": "6", "withdrawn": "true"} for row in francs])
    assert site.verify(Window.of(None, None)).exact
    return history


def test_as_of_every_step_every_question_is_answered_as_it_was(told: History) -> None:
    used = told.check(random.Random(1), 0.6, 0.5)
    # A test that never took anything out of a rollup again would prove nothing.
    assert used["rollup+ledger"] + used["rollup"] >= len(told.steps), used
    assert used["ledger"] >= 5, used
    said_then = {step.name: [answer[:-1] for answer in step.answers] for step in told.steps}
    assert len({str(answers) for answers in said_then.values()}) == len(told.steps) - 2
    assert said_then["repaired"] == said_then["corrections rolled back"]
    assert said_then["the other half given again"] == said_then["another currency"]


def test_as_of_before_the_first_commit_there_was_nothing(told: History) -> None:
    first = told.steps[0]
    assert first.commit == 0
    answer = told.site.ask(question.of({**MARCH, "rows": ["customer"], "as_of": "2026-01-01"}), ADMIN)
    assert (answer.rows, answer.as_of.commit, answer.as_of.time) == ([], 0, None)
    one = told.site.ask(question.of({**MARCH, "measures": ["attempts", "asr"], "as_of": "2026-01-01"}), ADMIN)
    assert one.rows == [(0, None)]


def test_an_answer_names_the_moment_that_gives_it_again(told: History) -> None:
    for step in told.steps[1:]:
        asked = {**MARCH, "rows": ["customer"], "as_of": step.moments[0]}
        answer = told.site.ask(question.of(asked), ADMIN)
        assert answer.as_of.commit == step.commit
        again = told.site.ask(question.of({**asked, "as_of": answer.as_of.time}), ADMIN)
        assert (again.rows, again.as_of) == (answer.rows, answer.as_of)


def test_a_currency_is_there_only_while_there_is_money_in_it(told: History) -> None:
    def foreign(step: str) -> bool:
        moment = next(each.moments[0] for each in told.steps if each.name == step)
        asked = {**MARCH, "rows": ["month"], "measures": ["customer_charge"], "where": [francs], "as_of": moment}
        answer = told.site.ask(question.of(asked), ADMIN)
        return any(warned.code == "fx_missing" and "CHF" in warned.message for warned in answer.warnings)

    francs = {"field": "customer_currency", "op": "ne", "values": ["EUR"]}
    assert not foreign("the other half")
    assert foreign("another currency")
    assert not foreign("francs withdrawn")


def test_nothing_of_it_changes_when_parts_are_merged_to_the_last(told: History) -> None:
    tables = [LEDGER, "commit_log", *(table for _, _, table in layout.tables_of(told.site.catalog, ZONES))]
    for table in tables:
        told.site.warehouse.command(Statement(f"OPTIMIZE TABLE {table} FINAL"))
    told.check(random.Random(2), 0.1)


ZONES = ("UTC", "America/New_York", "Asia/Kolkata")


def test_nothing_of_it_changes_while_another_file_is_loaded(told: History) -> None:
    path = told.folder / "meanwhile.csv"
    write(Traffic(6_000, DAYS, 8, START), told.site.warehouse, path, None)
    failures: list[BaseException] = []

    def load() -> None:
        try:
            told.site.ingest(path, path.name, Asked(source="meanwhile"))
        except BaseException as failure:  # the main thread raises it
            failures.append(failure)

    before = told.site.watermark()
    loader = threading.Thread(target=load)
    loader.start()
    dice = random.Random(4)
    rounds = 0
    while loader.is_alive():
        told.check(dice, 0.05)
        rounds += 1
    loader.join()
    assert not failures
    assert rounds
    assert told.site.watermark() > before + 5
    told.check(dice, 0.05)


# --- adjustments ----------------------------------------------------------------------------------------------


def amounts(answer: Answer, depth: int) -> dict[tuple[Any, ...], list[Decimal]]:
    return {row[:depth]: [Decimal(str(value or 0)) for value in row[depth:]] for row in answer.rows}


def difference(site: Site, asked: dict[str, Any], depth: int, close: str) -> dict[tuple[Any, ...], list[Decimal]]:
    """What is said now less what was said as of the close; groups that are the same left out."""
    now = amounts(site.ask(question.of(asked), ADMIN), depth)
    then = amounts(site.ask(question.of({**asked, "as_of": close}), ADMIN), depth)
    nothing = [Decimal(0)] * len(ADDITIVE)
    groups = {
        key: [a - b for a, b in zip(now.get(key, nothing), then.get(key, nothing), strict=True)] for key in now | then
    }
    return {key: values for key, values in groups.items() if any(values)}


@pytest.mark.parametrize(
    ("rows", "window"),
    [
        (GROUPS, MARCH),
        (["day", *GROUPS[2:]], MARCH),
        (GROUPS, {"from": "2026-03-05", "to": "2026-03-30"}),
        ([*GROUPS[2:], "outcome"], {"from": "2026-03-05T10:30", "to": "2026-03-29T02:30"}),
        (GROUPS, {"from": "2026-03-05", "to": "2026-03-30", "timezone": "Asia/Kathmandu"}),
    ],
    ids=str,
)
def test_adjustments_are_the_answer_now_less_the_answer_as_of_the_close(
    told: History, rows: list[str], window: dict[str, str]
) -> None:
    adjustments = told.site.ask(question.of({**window, "report": "adjustments", "rows": rows}), ADMIN)
    asked = {"timezone": "Europe/Paris", **window, "rows": rows, "measures": ADDITIVE, "currency": "native"}
    expected = difference(told.site, asked, len(rows), "close:2026-03")
    found = {key: values for key, values in amounts(adjustments, len(rows)).items() if any(values)}
    assert expected
    assert found == expected
    assert adjustments.question.since == "close:2026-03"
    assert adjustments.question.currency == "native"
    assert adjustments.question.timezone == asked["timezone"]


def test_adjustments_up_to_a_moment_leave_out_what_came_after_it(told: History) -> None:
    moments = {step.name: step.moments[0] for step in told.steps}
    asked = {**MARCH, "report": "adjustments", "rows": GROUPS}
    nothing = told.site.ask(question.of({**asked, "as_of": "close:2026-03"}), ADMIN)
    assert nothing.rows == []
    some = told.site.ask(question.of({**asked, "as_of": moments["corrections"]}), ADMIN)
    assert 0 < some.total_rows < told.site.ask(question.of(asked), ADMIN).total_rows


def test_what_changed_since_a_moment_is_compared_with_what_changed_in_the_period_before(told: History) -> None:
    measures = ["attempts", "customer_duration", "customer_charge", "provider_charge"]
    asked = {"rows": GROUPS, "measures": measures, "currency": "native", "since": "close:2026-03"}
    window, before = (
        amounts(told.site.ask(question.of({**asked, "from": start, "to": end}), ADMIN), len(GROUPS))
        for start, end in (("2026-03-16", "2026-03-23"), ("2026-03-09", "2026-03-16"))
    )
    both = told.site.ask(
        question.of({**asked, "from": "2026-03-16", "to": "2026-03-23", "compare": "week", "totals": True}), ADMIN
    )
    nothing = [Decimal(0)] * len(measures)
    found = amounts(both, len(GROUPS))
    assert window
    assert before
    assert found.keys() == window.keys() | before.keys()
    for key, values in found.items():
        now, then = window.get(key, nothing), before.get(key, nothing)
        assert (values[0::4], values[1::4]) == (now, then)
        assert values[2::4] == [a - b for a, b in zip(now, then, strict=True)]
    assert set(both.source) == {LEDGER}


# --- months by hand -------------------------------------------------------------------------------------------


@pytest.fixture
def say(site: Site, tmp_path: Path) -> Any:
    """Load records that are written here, from a switch of this test's own."""
    switch = f"switch-{next(_names)}"

    def load(*records: dict[str, Any]) -> Receipt:
        path = tmp_path / f"{next(_names)}.csv"
        with path.open("w", newline="") as out:
            writer = csv.DictWriter(out, list(dict.fromkeys(name for record in records for name in record)))
            writer.writeheader()
            writer.writerows(records)
        return site.ingest(path, path.name, Asked(source=switch))

    return load


def call(name: str, start: str, charge: str | None = "1.00", **more: Any) -> dict[str, Any]:
    rated = {} if charge is None else {"customer_charge": charge, "provider_charge": "0.40"}
    return {"call_id": name, "start_time": start, "duration": "60", "customer": "acme", "provider": "p1"} | rated | more


def adjusted(site: Site, month: str, **more: Any) -> list[tuple[Any, ...]]:
    year, number = map(int, month.split("-"))
    window = {"from": f"{month}-01", "to": f"{year + number // 12}-{number % 12 + 1:02}-01"}
    asked = {"report": "adjustments", **window, "rows": ["customer"], **more}
    asked.setdefault("measures", ["attempts", "customer_charge"])
    return site.ask(question.of(asked), ADMIN).rows


def test_a_call_rated_anew_is_money_and_no_call(site: Site, say: Any) -> None:
    say(call("a", "2025-01-10T10:00:00Z"), call("b", "2025-01-11T10:00:00Z"))
    site.close_month("2025-01", "anna")
    assert adjusted(site, "2025-01") == []
    say(call("a", "2025-01-10T10:00:00Z", "1.25", revision=1))
    assert adjusted(site, "2025-01") == [("acme", 0, "0.25")]
    assert adjusted(site, "2025-01", measures=["attempts"]) == []


def test_a_charge_that_came_late_is_an_adjustment_and_no_warning(site: Site, say: Any) -> None:
    say(call("a", "2025-02-10T10:00:00Z", None))
    site.close_month("2025-02", "anna")
    say(call("a", "2025-02-10T10:00:00Z", "1.25", revision=1))
    window = {"from": "2025-02-01", "to": "2025-03-01"}
    answer = site.ask(question.of({**window, "report": "adjustments", "rows": ["customer"]}), ADMIN)
    assert [row[5] for row in answer.rows] == ["1.25"]
    assert answer.warnings == ()
    then = site.ask(question.of({**window, "report": "breakout", "as_of": "close:2025-02"}), ADMIN)
    assert {warned.code for warned in then.warnings} == {"unrated"}


def test_a_batch_that_was_rolled_back_is_taken_off_the_invoice(site: Site, say: Any) -> None:
    say(call("a", "2025-03-10T10:00:00Z"))
    twice = say(call("b", "2025-03-11T10:00:00Z"), call("c", "2025-03-12T10:00:00Z", customer="globex"))
    site.close_month("2025-03", "anna")
    site.rollback(twice.batch)
    assert sorted(adjusted(site, "2025-03")) == [("acme", -1, "-1.00"), ("globex", -1, "-1.00")]
    site.rollback(twice.batch, undo=True)
    assert adjusted(site, "2025-03") == []


def test_a_call_that_was_moved_into_another_month_leaves_this_one(site: Site, say: Any) -> None:
    say(call("a", "2025-04-30T23:59:00Z"))
    site.close_month("2025-04", "anna")
    site.close_month("2025-05", "anna")
    receipt = say(call("a", "2025-05-01T00:01:00Z", revision=1, replaces_start_time="2025-04-30T23:59:00Z"))
    assert receipt.after_close == 1
    assert adjusted(site, "2025-04") == [("acme", -1, "-1.00")]
    assert adjusted(site, "2025-05") == [("acme", 1, "1.00")]


def test_a_charge_in_another_currency_takes_the_first_one_off(site: Site, say: Any) -> None:
    say(call("a", "2025-06-10T10:00:00Z", customer_currency="USD"))
    site.close_month("2025-06", "anna")
    say(call("a", "2025-06-10T10:00:00Z", "0.90", customer_currency="EUR", revision=1))
    assert sorted(adjusted(site, "2025-06", rows=["customer", "customer_currency"])) == [
        ("acme", "EUR", 1, "0.90"),
        ("acme", "USD", -1, "-1.00"),
    ]
    with pytest.raises(TollhouseError) as refused:
        adjusted(site, "2025-06")
    assert refused.value.code == "mixed_currency"


def test_a_month_is_closed_in_its_zone_and_asked_in_any(site: Site, say: Any) -> None:
    kolkata = "Asia/Kolkata"
    closed = site.close_month("2024-06", "anna", kolkata)
    assert (closed.start, closed.end) == ("2024-05-31T18:30:00Z", "2024-06-30T18:30:00Z")
    receipt = say(
        call("before", "2024-05-31T18:29:59.999Z"),
        call("first", "2024-05-31T18:30:00Z"),
        call("last", "2024-06-30T18:29:59.999Z"),
        call("after", "2024-06-30T18:30:00Z"),
    )
    assert receipt.after_close == 2
    assert adjusted(site, "2024-06") == [("acme", 2, "2.00")]
    days = {"from": "2024-06-30", "to": "2024-06-30T18:30", "timezone": "UTC"}
    answer = site.ask(question.of({"report": "adjustments", **days, "rows": ["day"], "measures": ["attempts"]}), ADMIN)
    assert answer.rows == [("2024-06-30", 1)]
    instants = {"from": closed.start, "to": closed.end}
    answer = site.ask(question.of({"report": "adjustments", **instants, "rows": [], "measures": ["attempts"]}), ADMIN)
    assert (answer.rows, answer.question.timezone) == ([(2,)], kolkata)


def test_a_reopened_month_can_be_closed_anew(site: Site, say: Any) -> None:
    say(call("a", "2025-08-10T10:00:00Z"))
    first = site.close_month("2025-08", "anna")
    say(call("b", "2025-08-10T10:00:00Z"))
    assert len(adjusted(site, "2025-08")) == 1
    reopened = site.reopen_month("2025-08", "bert")
    assert (reopened.state, reopened.who, reopened.commit) == ("reopened", "bert", first.commit)
    assert "2025-08" not in [close.month for close in site.closes()]
    assert say(call("c", "2025-08-10T10:00:00Z")).after_close == 0
    again = site.close_month("2025-08", "anna", "America/New_York")
    assert again.commit == site.watermark() == first.commit + 2
    assert adjusted(site, "2025-08") == []
    assert say(call("d", "2025-08-10T10:00:00Z")).after_close == 1


# --- what came after the close ----------------------------------------------------------------------------------


def test_a_receipt_says_how_many_records_changed_a_closed_month(site: Site, say: Any) -> None:
    inside, outside = "2023-09-10T10:00:00Z", "2023-10-10T10:00:00Z"
    first = say(*(call(name, inside) for name in "abcdef"), call("m", outside), call("n", outside))
    assert first.after_close == 0
    say(call("b", inside, "2.00", revision=1))
    site.close_month("2023-09", "anna")
    receipt = say(
        call("a", inside),  # duplicate: not counted
        call("b", inside),  # stale: not counted
        call("c", inside, "1.10", revision=1),
        call("d", inside, revision=1, withdrawn="true"),
        call("e", outside, revision=1, replaces_start_time=inside),
        call("m", "2023-09-30T23:59:59.999Z", revision=1, replaces_start_time=outside),
        call("n", "2023-10-10T11:00:00Z", revision=1, replaces_start_time=outside),  # from open to open
        call("x", "2023-09-01T00:00:00Z"),
        call("y", outside),
        call("z", "2023-08-31T23:59:59.999Z"),
    )
    assert (receipt.duplicates, receipt.stale) == (1, 1)
    assert receipt.after_close == 5
    assert receipt.received == 10
    [line] = [batch for batch in history.batches(site.warehouse, 5).items if batch.id == receipt.batch]
    assert line.after_close == receipt.after_close
    assert say(call("q", inside)).after_close == 1


def test_a_large_file_is_counted_over_all_its_commits(site: Site, say: Any) -> None:
    site.close_month("2025-11", "anna")
    receipt = say(*(call(f"c{number}", f"2025-{10 + number % 2}-10T10:00:00Z") for number in range(2_000)))
    assert receipt.after_close == 1_000


# --- what is refused -------------------------------------------------------------------------------------------


def refusal(site: Site, asked: dict[str, Any]) -> tuple[str, int, str | None]:
    with pytest.raises(TollhouseError) as refused:
        site.ask(question.of(asked), ADMIN)
    assert refused.value.hint
    return refused.value.code, refused.value.status, refused.value.pointer


@pytest.mark.parametrize("field", ["as_of", "since"])
@pytest.mark.parametrize(
    ("moment", "code", "status"),
    [
        ("close:2024-02", "not_closed", 422),
        ("batch:99999", "no_such_batch", 404),
        ("batch:99999999999", "bad_value", 422),
        ("batch:one", "bad_value", 422),
        ("close:october", "bad_value", 422),
        ("yesterday", "bad_value", 422),
        ("", "bad_value", 422),
        ("2026-02-30", "bad_value", 422),
    ],
)
def test_a_moment_that_is_none_is_refused(site: Site, field: str, moment: str, code: str, status: int) -> None:
    assert refusal(site, {**MARCH, field: moment}) == (code, status, f"$.{field}")


def test_a_batch_that_is_not_loaded_is_no_moment(site: Site) -> None:
    site.warehouse.command(Statement("INSERT INTO batch_log (batch, state) SELECT 70000, 'failed'"))
    assert refusal(site, {**MARCH, "as_of": "batch:70000"}) == ("batch_state", 409, "$.as_of")


def test_a_month_is_closed_once_and_only_when_it_is_over(site: Site) -> None:
    site.close_month("2024-12", "anna")
    today = site.today("Pacific/Kiritimati")
    for month, zone, code in (
        ("2024-12", "UTC", "already_closed"),
        (today[:7], "Pacific/Pago_Pago", "month_not_over"),
        ("2199-01", "UTC", "month_not_over"),
        ("2024-13", "UTC", "malformed"),
        ("october", "UTC", "malformed"),
        ("2024-11", "Europe/Atlantis", "unknown_zone"),
    ):
        with pytest.raises(TollhouseError) as refused:
            site.close_month(month, "anna", zone)
        assert refused.value.code == code
    with pytest.raises(TollhouseError) as refused:
        site.reopen_month("2024-11", "anna")
    assert (refused.value.code, refused.value.status) == ("not_closed", 404)


def test_adjustments_are_of_one_closed_month(site: Site) -> None:
    site.close_month("2024-10", "anna", "America/New_York")
    asked = {"report": "adjustments"}
    october = {**asked, "from": "2024-10-01", "to": "2024-11-01"}
    assert refusal(site, asked | {"from": "2024-09-01", "to": "2024-10-01"}) == ("not_closed", 422, "$.from")
    assert refusal(site, asked | {"from": "2024-10-01", "to": "2024-11-02"}) == ("bad_value", 422, "$.to")
    assert refusal(site, october | {"timezone": "UTC"}) == ("bad_value", 422, "$.to")
    assert refusal(site, october | {"timezone": "Europe/Atlantis"}) == ("unknown_zone", 422, "$.timezone")
    assert refusal(site, october | {"from": "someday"}) == ("bad_value", 422, "$.from")
    assert refusal(site, october | {"compare": "previous"}) == ("bad_value", 422, "$.compare")
    site.ask(question.of(october | {"compare": "previous", "since": "2024-01-01"}), ADMIN)
    free = site.ask(question.of({**asked, "from": "2024-01-01", "to": "2025-01-01", "since": "2024-01-01"}), ADMIN)
    assert free.question.currency == "native"
    site.ask(question.of(october), ADMIN)
