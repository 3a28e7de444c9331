"""A seed goes in, a random history of loads and rollbacks comes out, with what the definitions say must stand.

This is the rule book of the ledger once more, in plain Python and from the definitions alone; nothing of the
program is used, so that both can only agree by being right.

*Identity.* A record is what it is by source, call_id, leg (the attempt when none is given) and start_time to the
millisecond. Its *content* is every field as normalised: how a number or a time was spelled does not matter, and
neither does whether a default was written down. The revision is part of the content.

*Deliveries.* A readable record delivers its content for its identity. With `replaces_start_time` R it also
delivers a withdrawal, at its own revision, for the same source, call_id and leg at R. That withdrawal is a
delivery like any other but no record: no receipt counts it. Its content is where the call went, at which revision;
so two moves of one call at one revision to two starts contradict each other.

*Conflicts.* When one file delivers two different contents for one identity at one revision, every record of that
file that delivers anything there is rejected, exact repeats included, and a rejected record delivers nothing at
all, neither its content nor its withdrawal. Other revisions of the identity are not touched. Conflicts are found
over the whole readable file, before anything is rejected, so the order of rows never matters for them.

*Places.* Of the loads that are not rolled back, in the order of their numbers, a content's place is (its revision,
the first load that delivered it). A load with --force gives what it delivers another place too, as if its revision
were the highest that any earlier load, not rolled back, delivered for the identity: (that, this load); two
revisions of one identity in one forced file keep their own order. A content takes the highest of its places; the
content with the highest place stands; if it is a withdrawal, nothing stands. All of this is worked out anew from
the loads that are left, so a rollback leaves what would stand had the load never been, and rollbacks commute.

*Receipts.* Records are counted one by one in the file's order, each beside everything delivered before it by loads
that are not rolled back and by the rows above it:

- rejected: cannot be read, or conflicts within its file;
- accepted, or withdrawn if it is a withdrawal: nobody spoke of the identity before;
- duplicates: the very content that holds the highest place, which may be a withdrawal;
- corrections, or withdrawn: the content now holds the highest place and did not before;
- stale: anything else, because it changes nothing.

What stands in the end does not depend on the order of rows in a file, nor on the chunks it is committed in, nor on
whose chunk came first when files are loaded together: places go by the numbers of the loads. (The receipts of such
loads do depend on it; only what they received and rejected is foretold.)

*Outcome.* A record is `answered` when it is connected, `answered_zero` when it was answered and is not, and otherwise
what the outcome map says of its SIP code. When each new map is followed by a reenrichment it holds at once for every
record, loaded before or after. That changes no content, no identity and no place: the rules above know nothing of it.

*Rollback and its undoing.* Each identity that the batch delivered for, once: what stood before stands no more
(went), another content stands instead (fell_back), something stands where nothing did (came), no difference
(stayed).
"""

import csv
import io
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import count
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Identity = tuple[str, str, str, int]
"""source, call_id, leg, start in milliseconds since 1970."""
Content = tuple[tuple[str, Any], ...]
"""Every field that is not at its default, by name."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """One record as its source means it. Times are milliseconds since 1970, durations milliseconds."""

    source: str
    call_id: str
    start: int
    attempt: int = 1
    leg: str = ""
    is_final: bool = True
    revision: int = 0
    duration: int = 0
    customer_duration: int | None = None
    provider_duration: int | None = None
    answered: bool | None = None
    sip_code: int | None = None
    customer: str = ""
    customer_destination: str = ""
    provider: str = ""
    customer_charge: Decimal | None = None
    provider_charge: Decimal | None = None
    dtmf: int = 0
    trunk: str = ""  # no field of ours: it is kept in meta
    withdrawn: bool = False
    replaces: int | None = None
    unreadable: bool = False

    @property
    def identity(self) -> Identity:
        return (self.source, self.call_id, self.leg or str(self.attempt), self.start)

    @property
    def replaced(self) -> Identity | None:
        """The identity that this record withdraws by moving the call away from it."""
        return None if self.replaces is None else (*self.identity[:3], self.replaces)

    @property
    def connected(self) -> bool:
        if self.answered is not None:
            return self.answered
        return self.duration > 0  # a 200 without talk is an answer, but not connected

    @property
    def fields(self) -> dict[str, Any]:
        """Every field of the record as the ledger must hold it, but those of the identity."""
        return {
            "attempt": self.attempt,
            "is_final": self.is_final,
            "revision": self.revision,
            "duration_ms": self.duration,
            "customer_duration_ms": self.duration if self.customer_duration is None else self.customer_duration,
            "provider_duration_ms": self.duration if self.provider_duration is None else self.provider_duration,
            "answered": self.answered,
            "sip_code": self.sip_code,
            "customer": self.customer,
            "customer_destination": self.customer_destination,
            "provider": self.provider,
            "customer_charge": self.customer_charge,
            "provider_charge": self.provider_charge,
            "customer_currency": "USD",
            "provider_currency": "USD",
            "dtmf": self.dtmf,
            "sdp": False,
            "meta": {"trunk": self.trunk} if self.trunk else {},
            "withdrawn": self.withdrawn,
            "replaces_start_time": None if self.replaces is None else _moment(self.replaces),
            "release_side": "unknown",
        }

    def outcome(self, busy: str) -> str:
        """How the attempt ended, with a map that calls SIP 486 `busy`."""
        if self.connected:
            return "answered"
        if self.answered is None and self.sip_code == 200:
            return "answered_zero"
        return busy if self.sip_code == 486 else "unknown"

    @property
    def content(self) -> Content:
        return tuple((name, str(value)) for name, value in sorted(self.fields.items()) if value not in (None, ""))


class Delivery(NamedTuple):
    """What one record says of one identity; `said` is None for the withdrawal that a move brings along."""

    identity: Identity
    revision: int
    content: Content
    withdrawn: bool
    said: Said | None


@dataclass(frozen=True, kw_only=True)
class File:
    """One file to load: its records in order, how it is written and loaded."""

    rows: tuple[Said, ...]
    container: str = "csv"
    spelling: int = 0
    source: str = ""
    force: bool = False


@dataclass(frozen=True)
class Load:
    """Load a file; later steps call it by `label`."""

    label: int
    file: File


@dataclass(frozen=True)
class Together:
    """Load several files at once; which of them gets the lower number is left to chance."""

    loads: tuple[Load, ...]


@dataclass(frozen=True)
class Rollback:
    """Take the load `label` back, or with `undo` bring it back."""

    label: int
    undo: bool = False


@dataclass(frozen=True)
class Reopen:
    """Close the site and open it again with another size of chunks."""

    chunk_records: int


@dataclass(frozen=True)
class Relearn:
    """Load an outcome map that calls SIP 486 otherwise, and apply it to every call of before."""

    busy: str


Step = Load | Together | Rollback | Reopen | Relearn
COUNTS = ("accepted", "duplicates", "stale", "corrections", "withdrawn", "rejected")
MOVES = ("went", "came", "fell_back", "stayed")


# --- the rules ----------------------------------------------------------------------------------------------


def deliveries(said: Said) -> Iterator[Delivery]:
    yield Delivery(said.identity, said.revision, said.content, said.withdrawn, said)
    if said.replaced is not None:
        moved: Content = (("moved to", str(said.start)), ("revision", str(said.revision)))
        yield Delivery(said.replaced, said.revision, moved, True, None)


def taken(file: File) -> list[Said]:
    """Return the records of a file that are not rejected, in order."""
    readable = [said for said in file.rows if not said.unreadable]
    contents: dict[tuple[Identity, int], set[Content]] = {}
    for said in readable:
        for told in deliveries(said):
            contents.setdefault((told.identity, told.revision), set()).add(told.content)
    conflicts = {place for place, found in contents.items() if len(found) > 1}
    return [said for said in readable if not any((d.identity, d.revision) in conflicts for d in deliveries(said))]


class _Batch:
    """One load: what it delivered, in the order of its rows, and whether it counts."""

    def __init__(self, forced: bool) -> None:
        self.forced = forced
        self.live = True
        self.told: list[Delivery] = []


class RuleBook:
    """What must stand after the loads and rollbacks told so far."""

    def __init__(self) -> None:
        self.batches: dict[int, _Batch] = {}
        self.busy = "busy"

    def highest(self, identity: Identity) -> Delivery | None:
        """Return what holds the highest place of an identity, None when nobody spoke of it."""
        places: dict[Content, tuple[tuple[int, int, int], Delivery]] = {}
        highest_before = -1
        for number, batch in enumerate(self.batches.values()):
            if not batch.live:
                continue
            own = [told for told in batch.told if told.identity == identity]
            for told in own:
                revision = max(told.revision, highest_before) if batch.forced else told.revision
                place = (revision, number, told.revision)
                known = places.get(told.content)
                if known is None or (batch.forced and place > known[0]):
                    places[told.content] = (place, told)
            highest_before = max([highest_before, *(told.revision for told in own)])
        return max(places.values(), key=lambda placed: placed[0])[1] if places else None

    def load_together(self, order: list[tuple[int, File]]) -> dict[int, int]:
        """Take files whose loads are numbered in this order; return how many records of each are rejected."""
        return {label: self.load(label, file)["rejected"] for label, file in order}

    def stands(self, identity: Identity) -> Delivery | None:
        top = self.highest(identity)
        return None if top is None or top.withdrawn else top

    def load(self, label: int, file: File) -> dict[str, int]:
        """Take a file as the load with the next number; return the counts of its receipt."""
        batch = self.batches[label] = _Batch(file.force)
        accepted = taken(file)
        counts = Counter(rejected=len(file.rows) - len(accepted))
        for said in accepted:
            own, *moved = deliveries(said)
            before = self.highest(own.identity)
            batch.told.append(own)
            after = self.highest(own.identity)
            counts[self._verdict(own, before, after)] += 1
            batch.told.extend(moved)
        return {name: counts[name] for name in COUNTS}

    @staticmethod
    def _verdict(own: Delivery, before: Delivery | None, after: Delivery | None) -> str:
        if before is not None and before.content == own.content:
            return "duplicates"
        assert after is not None
        if after.content != own.content:
            return "stale"
        if own.withdrawn:
            return "withdrawn"
        return "accepted" if before is None else "corrections"

    def roll_back(self, label: int, *, undo: bool) -> dict[str, int]:
        """Take a load back or bring it back; return what becomes of the identities it spoke of."""
        batch = self.batches[label]
        touched = {told.identity for told in batch.told}
        before = {identity: self.stands(identity) for identity in touched}
        batch.live = undo
        counts: Counter[str] = Counter()
        for identity in touched:
            was, now = before[identity], self.stands(identity)
            if was is None or now is None:
                counts["went" if was else "came" if now else "stayed"] += 1
            else:
                counts["stayed" if was.content == now.content else "fell_back"] += 1
        return {name: counts[name] for name in MOVES}

    def standing(self) -> dict[Identity, Said]:
        """Return every record that stands."""
        found = {}
        for identity in {told.identity for batch in self.batches.values() for told in batch.told}:
            top = self.stands(identity)
            if top is not None:
                assert top.said is not None
                found[identity] = top.said
        return found


def answer(
    standing: Iterable[Said], start: int, end: int, zone: str, *, final: bool
) -> dict[tuple[str, str], tuple[int, int, Decimal, Decimal, int, int, int]]:
    """Return attempts, connected, both charges and the three durations by customer and day of the zone."""
    groups: dict[tuple[str, str], list[Said]] = {}
    for said in standing:
        if start <= said.start < end:
            day = _moment(said.start).astimezone(ZoneInfo(zone)).date().isoformat()
            groups.setdefault((said.customer, day), []).append(said)
    answers = {}
    for key, group in groups.items():
        counted = [said for said in group if said.is_final or not final]
        answers[key] = (
            len(counted),
            sum(said.connected for said in counted),
            sum((said.customer_charge or Decimal(0) for said in group), Decimal(0)),
            sum((said.provider_charge or Decimal(0) for said in group), Decimal(0)),
            sum(said.duration for said in group),
            sum(said.fields["customer_duration_ms"] for said in group),
            sum(said.fields["provider_duration_ms"] for said in group),
        )
    return answers


# --- the files ----------------------------------------------------------------------------------------------


def written(file: File) -> str:
    """Return the text of the file: the same records, in one of many spellings."""
    dice = random.Random(file.spelling)
    records = [_spelled(said, file, dice) for said in file.rows]
    names = list(dict.fromkeys(name for record in records for name in record))
    if file.container == "ndjson":
        return "".join(_object(record) + "\n" for record in records)
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, names, restval="")
    table.writeheader()
    table.writerows(records)
    return text.getvalue()


def _object(record: dict[str, str]) -> str:
    # A number may be a JSON number too; its digits must survive as they are.
    numbers = ("customer_charge", "provider_charge", "duration", "revision", "attempt")
    members = (
        f'"{name}": {text}' if name in numbers and text[-1].isdigit() else f'"{name}": "{text}"'
        for name, text in record.items()
        if text
    )
    return "{" + ", ".join(members) + "}"


def _spelled(said: Said, file: File, dice: random.Random) -> dict[str, str]:
    texts = {
        "source": "" if said.source == file.source and dice.random() < 0.5 else said.source,
        "call_id": said.call_id,
        "start_time": _time(said.start, dice),
        "attempt": str(said.attempt) if said.attempt > 1 or dice.random() < 0.3 else "",
        "leg": said.leg or (str(said.attempt) if dice.random() < 0.1 else ""),
        "is_final": _boolean(said.is_final, dice) if said.attempt > 1 or not said.is_final else "",
        "revision": str(said.revision) if said.revision or dice.random() < 0.3 else "",
        "duration": _seconds(said.duration, dice),
        "customer_duration": _seconds(said.customer_duration, dice),
        "provider_duration": _seconds(said.provider_duration, dice),
        "answered": "" if said.answered is None else _boolean(said.answered, dice),
        "sip_code": "" if said.sip_code is None else str(said.sip_code),
        "customer": said.customer,
        "customer_destination": said.customer_destination,
        "provider": said.provider,
        "customer_charge": "many" if said.unreadable else _money(said.customer_charge, dice),
        "provider_charge": _money(said.provider_charge, dice),
        "customer_currency": dice.choice(("", "USD")),
        "dtmf": str(said.dtmf) if said.dtmf or dice.random() < 0.3 else "",
        "trunk": said.trunk,
        "withdrawn": _boolean(True, dice) if said.withdrawn else dice.choice(("", "false")),
        "replaces_start_time": "" if said.replaces is None else _time(said.replaces, dice),
    }
    if said.unreadable:
        texts["customer_charge"] = "many"
    # A column that says nothing in any row may be missing; `written` keeps those that some row has.
    required = ("call_id", "start_time", "is_final", "attempt")
    return {name: text for name, text in texts.items() if text or name in required}


def _moment(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def milliseconds(text: str) -> int:
    """Return an instant, written with its offset, as milliseconds since 1970."""
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def spelled(instant: int) -> str:
    return _moment(instant).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _time(instant: int, dice: random.Random) -> str:
    way = dice.random()
    if way < 0.6:
        return spelled(instant)
    if way < 0.8:
        return f"{instant // 1000}.{instant % 1000:03}"
    return _moment(instant).astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat(timespec="milliseconds")


def _seconds(value: int | None, dice: random.Random) -> str:
    if value is None:
        return ""
    if value == 0 and dice.random() < 0.5:
        return "0"
    text = f"{value // 1000}.{value % 1000:03}"
    return text.rstrip("0").rstrip(".") if dice.random() < 0.5 else text


def _money(value: Decimal | None, dice: random.Random) -> str:
    if value is None:
        return ""
    text = f"{value:.8f}"
    return text.rstrip("0").rstrip(".") if dice.random() < 0.5 else text


def _boolean(value: bool, dice: random.Random) -> str:
    return dice.choice(("true", "1") if value else ("false", "0"))


# --- histories ----------------------------------------------------------------------------------------------

DAY = 86_400_000
MIDNIGHT = milliseconds("2026-10-01T00:00:00+00:00")
"""A month begins here; the universe lies two days around it."""

STARTS = (
    *(MIDNIGHT + shift for shift in (-1, 0, 1, -DAY, DAY, DAY - 1)),  # days and months meet
    *(MIDNIGHT + shift for shift in (4 * 3_600_000 - 1, 4 * 3_600_000, -20 * 3_600_000)),  # days of New York meet
    *(MIDNIGHT + hour * 3_600_000 + hour for hour in range(-47, 47, 7)),
)


class Powers(NamedTuple):
    """What a history may use, so that an oracle's part can be tried alone."""

    rollback: bool = True
    together: bool = True
    force: bool = True
    moves: bool = True


class _Author:
    """Writes one history."""

    def __init__(self, seed: int, powers: Powers, casts: int = 1, name: str = "call") -> None:
        self.dice = random.Random(seed)
        self.powers = powers
        self.name = name
        self.casts = [_Author(1000 * seed + n, powers, name=f"call-{n}") for n in range(1, casts)]
        self.sources = [f"switch-{n}" for n in range(self.dice.randint(1, 3))]
        self.customers = [f"customer-{n}" for n in range(3)]
        self.calls = [self._call(n) for n in range(self.dice.randint(6, 30))]
        self.told: list[Said] = []

    def _call(self, number: int) -> tuple[Said, list[int]]:
        dice = self.dice
        attempt, leg = dice.choice(((1, ""), (1, ""), (2, ""), (1, "a"), (1, "b")))
        first = Said(
            source=dice.choice(self.sources), call_id=f"{self.name}-{number}", start=0, attempt=attempt, leg=leg,
            is_final=attempt > 1 or dice.random() < 0.7,
        )  # fmt: skip
        return first, dice.sample(STARTS, 3)

    def _content(self, said: Said) -> Said:
        """The record with new things said in it."""
        dice = self.dice
        duration = dice.choice((0, 1, 999, 60_000, dice.randrange(4_000_000)))
        return replace(
            said,
            duration=duration,
            customer_duration=dice.choice((None, None, duration, duration + 1)),
            provider_duration=dice.choice((None, 6_000)),
            answered=dice.choice((None, None, True, False)),
            sip_code=dice.choice((None, 200, 486)),
            customer=dice.choice(self.customers),
            customer_destination=dice.choice(("", "UK Mobile")),
            provider=dice.choice(("", "carrier-a", "carrier-b")),
            customer_charge=self._charge(),
            provider_charge=self._charge(),
            dtmf=dice.choice((0, 0, 3)),
            trunk=dice.choice(("", "", "t-1")),
            withdrawn=False,
            replaces=None,
        )

    def _charge(self) -> Decimal | None:
        dice = self.dice
        if dice.random() < 0.2:
            return None
        return dice.choice(
            (Decimal(0), Decimal("0.00000001"), Decimal("-1.5"), Decimal(dice.randrange(10**12)).scaleb(-8))
        )

    def _fresh(self) -> Said:
        first, starts = self.dice.choice(self.calls)
        return self._content(replace(first, start=self.dice.choice(starts)))

    def _starts(self, said: Said) -> list[int]:
        return next(s for first, s in self.calls if (first.source, first.call_id) == (said.source, said.call_id))

    def _told_before(self, here: list[Said]) -> Said:
        """Something said before, mostly of an identity that this file does not speak of yet."""
        if here and self.dice.random() < 0.1:
            return self.dice.choice(here)
        spoken = {told.identity for said in here for told in deliveries(said)}
        known = [said for said in self.told if said.identity not in spoken]
        return self.dice.choice(known) if known else self._fresh()

    def _higher(self, said: Said) -> Said:
        return replace(said, revision=said.revision + self.dice.choice((0, 0, 1, 1, 2)))

    def _records(self, here: list[Said]) -> list[Said]:
        """One to four records, each kind of trouble in turn."""
        dice = self.dice
        kinds = ["new"] * 9 + ["again"] * 8 + ["correct"] * 10 + ["lower", "withdraw", "bare", "early"] * 2
        kinds += ["conflict", "unreadable", "revisions", "revisions", "twice"]
        kinds += ["move"] * 8 + ["chain", "chain", "clash", "swap", "gather"] if self.powers.moves else []
        kind = dice.choice(kinds)
        said = self._told_before(here)
        if kind == "new":
            return [self._fresh()]
        if kind == "again":
            return [said]
        if kind == "correct":
            return [self._higher(self._content(said))]
        if kind == "lower":
            return [replace(self._content(said), revision=max(0, said.revision - dice.choice((1, 2))))]
        if kind == "withdraw":
            return [self._higher(replace(said, withdrawn=True))]
        if kind == "bare":
            bare = Said(
                source=said.source, call_id=said.call_id, start=said.start, attempt=said.attempt, leg=said.leg,
                is_final=said.is_final, revision=said.revision, withdrawn=True,
            )  # fmt: skip
            return [self._higher(bare)]
        if kind == "early":
            fresh = self._fresh()
            return [replace(fresh, withdrawn=True, revision=dice.choice((0, 0, 1, 2)))]
        if kind == "conflict":
            return [self._content(said), *dice.choices([self._content(said), said], k=dice.randint(1, 2))]
        if kind == "revisions":
            shuffled = [replace(self._content(said), revision=said.revision + n) for n in range(dice.randint(2, 4))]
            dice.shuffle(shuffled)
            return shuffled
        if kind == "unreadable":
            return [replace(self._content(said), unreadable=True)]
        if kind == "twice":
            return [self._fresh()] * dice.randint(2, 3)
        return self._moves(kind, said)

    def _moves(self, kind: str, said: Said) -> list[Said]:
        dice = self.dice
        others = [start for start in self._starts(said) if start != said.start]
        dice.shuffle(others)

        def moved(record: Said, to: int) -> Said:
            content = self._content(record) if dice.random() < 0.5 else record
            return replace(content, start=to, replaces=record.start, withdrawn=False)

        first = replace(moved(said, others[0]), revision=said.revision + dice.choice((0, 1, 1, 1)))
        if kind == "move":
            return [first]
        if kind == "chain":
            chain = [first, replace(moved(first, others[1]), revision=first.revision + dice.choice((0, 1, 1, 1)))]
            return chain if dice.random() < 0.5 else chain[::-1]
        if kind == "clash":
            return [first, replace(self._content(said), revision=first.revision)]
        if kind == "swap":
            back = replace(moved(replace(said, start=others[0]), said.start), revision=first.revision)
            return [first, replace(back, revision=back.revision + dice.choice((0, 1, 1)))]
        # two starts gathered into a third: both withdrawn, one call stands
        return [first, replace(first, replaces=others[1], revision=first.revision + dice.choice((0, 1)))]

    def _file(self) -> File:
        dice = self.dice
        rows: list[Said] = []
        for _ in range(dice.choice((1, 3, 6, 12))):
            rows += self._records(rows)
        if all(said.unreadable for said in rows):
            rows.append(self._fresh())
        if dice.random() < 0.5:
            dice.shuffle(rows)
        self.told += [said for said in rows if not said.unreadable]
        for other in self.casts:
            rows += other._file().rows
        return File(
            rows=tuple(rows),
            container="ndjson" if dice.random() < 0.25 else "csv",
            spelling=dice.randrange(10**6),
            source=dice.choice(self.sources),
            force=self.powers.force and dice.random() < 0.2,
        )

    def steps(self, length: int) -> Iterator[Step]:
        dice = self.dice
        labels = count(1)
        files: dict[int, File] = {}
        gone: set[int] = set()
        for _ in range(length):
            fate = dice.random()
            live = sorted(files.keys() - gone)
            if self.powers.rollback and fate < 0.25 and live:
                label = dice.choice(live)
                gone.add(label)
                yield Rollback(label)
            elif self.powers.rollback and fate < 0.37 and gone:
                label = dice.choice(sorted(gone))
                gone.remove(label)
                yield Rollback(label, undo=True)
            elif fate < 0.40 and files:
                yield Relearn(dice.choice(("busy", "rejected", "no_answer")))
            elif fate < 0.45 and files:
                yield Reopen(dice.choice((3, 7, 1000)) * (len(self.casts) + 1))
            elif self.powers.together and fate < 0.53:
                loads = [Load(next(labels), self._file()) for _ in range(dice.randint(2, 4))]
                files |= {load.label: load.file for load in loads}
                yield Together(tuple(loads))
            else:
                label = next(labels)
                again = fate < 0.6 and files
                files[label] = files[dice.choice(sorted(gone or files))] if again else self._file()
                yield Load(label, files[label])


def history(seed: int, length: int, powers: Powers = Powers(), casts: int = 1) -> list[Step]:  # noqa: B008
    """Return the steps of one history; the same seed gives the same one.

    Of several `casts` each has calls of its own and its own dice to say what becomes of them. They share the steps:
    each file holds what every cast says at that step, which costs a database little more than one of them.
    """
    return list(_Author(seed, powers, casts).steps(length))


def sound(steps: list[Step]) -> bool:
    """Whether the steps make sense: nothing is taken back twice, or before it was loaded."""
    state: dict[int, bool] = {}
    for step in steps:
        if isinstance(step, Together):
            state |= {load.label: True for load in step.loads}
        elif isinstance(step, Load):
            if all(said.unreadable for said in step.file.rows):
                return False
            state[step.label] = True
        elif isinstance(step, Rollback):
            if state.get(step.label) is not (not step.undo):
                return False
            state[step.label] = step.undo
    return True


def smaller(steps: list[Step]) -> Iterator[list[Step]]:
    """Yield histories with something left out: halves of the steps, single ones, then rows of a file."""
    for size in (len(steps) // 2, len(steps) // 4, 1):
        for at in range(0, len(steps), size or 1) if size else ():
            yield steps[:at] + steps[at + size :]
    for at, step in enumerate(steps):
        if isinstance(step, Load):
            for rows in _fewer(step.file.rows):
                yield [*steps[:at], Load(step.label, replace(step.file, rows=rows)), *steps[at + 1 :]]
        elif isinstance(step, Together):
            yield [*steps[:at], *step.loads, *steps[at + 1 :]]


def _fewer(rows: tuple[Said, ...]) -> Iterator[tuple[Said, ...]]:
    for size in (len(rows) // 2, 1):
        for at in range(0, len(rows), size or 1) if size and len(rows) > 1 else ():
            yield rows[:at] + rows[at + size :]


def told(steps: list[Step]) -> str:
    """Return the steps for people, with the text of every file."""
    lines = []
    for step in steps:
        if isinstance(step, Together):
            lines += ["at once:", told(list(step.loads)), "and no more at once"]
        elif isinstance(step, Load):
            how = f"{step.file.container}, --source {step.file.source}{', --force' if step.file.force else ''}"
            lines.append(f"load {step.label} ({how}):\n{written(step.file)}".rstrip())
        elif isinstance(step, Rollback):
            lines.append(f"{'undo the rollback of' if step.undo else 'roll back'} {step.label}")
        elif isinstance(step, Relearn):
            lines.append(f"reenrich with 486 as {step.busy}")
        else:
            lines.append(f"reopen with chunk_records={step.chunk_records}")
    return "\n".join(lines)
