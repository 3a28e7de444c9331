"""The command line as a person meets it: what a command says, its one line of error, its end."""

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from engine.exports.formats import shown
from engine.settings import Settings
from engine.site import Site
from tests.loading import assert_books_agree, rows
from tests.server import Server
from web.cli import main

pytestmark = pytest.mark.engine

# Interrupted like a program in a terminal, also where whoever runs the tests ignores Ctrl-C.
PROGRAM = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from web.cli import main; main()"
ROOT = Path(__file__).resolve().parent.parent
WINDOW = ("--from", "2026-10-01", "--to", "2026-10-04")
RECEIPT = [
    "batch", "origin", "dialect", "received",
    "accepted", "duplicates", "stale", "corrections", "withdrawn", "rejected", "after_close", "skipped", "limits",
]  # fmt: skip


class Said(NamedTuple):
    status: int
    out: bytes
    error: str

    @property
    def text(self) -> str:
        return self.out.decode()


class Terminal:
    """A folder to stand in and a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = f"chdb://{folder / 'database'}"

    def start(self, *words: str, **settings: str) -> "subprocess.Popen[bytes]":
        plain = {name: text for name, text in os.environ.items() if not name.startswith("TOLLHOUSE_")}
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words],
            cwd=self.folder,
            env={**plain, "PYTHONPATH": str(ROOT), "TOLLHOUSE_DATABASE": self.database, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def spawned(self, *words: str, **settings: str) -> Said:
        """Run a command in a process of its own."""
        with self.start(*words, **settings) as process:
            out, error = process.communicate(b"", timeout=120)
        return Said(process.returncode, out, error.decode())

    def run(self, *words: str, given: bytes = b"", **settings: str) -> Said:
        """Run a command here, which says the same and does not import everything anew."""
        nobodys = {name: None for name in os.environ if name.startswith("TOLLHOUSE_")}
        env = {**nobodys, "TOLLHOUSE_DATABASE": self.database, **settings}
        with chdir(self.folder):
            done = CliRunner().invoke(main, words, input=given, env=env)
        return Said(done.exit_code, done.stdout_bytes, done.stderr)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A terminal whose database holds 500 generated calls; the tests only read it."""
    terminal = Terminal(tmp_path_factory.mktemp("loaded"))
    calls_of = ("--calls", "500", "--days", "3", "--seed", "7", "--start", "2026-10-01")
    generated = terminal.spawned("generate", *calls_of, "--out", "calls.csv")
    assert generated.status == 0, generated.error
    assert "500 calls" in generated.text
    said = terminal.spawned("ingest", "calls.csv")
    assert (said.status, said.error) == (0, "")
    return terminal


def one_line(said: Said, status: int = 2) -> str:
    """The line of a failed command: nothing but it was said."""
    assert said.status == status, said
    assert said.out == b""
    assert said.error.count("\n") == 1, said.error
    assert said.error.startswith("tollhouse: ")
    assert "Traceback" not in said.error
    return said.error


def calls(*ids: str, **fields: str) -> str:
    names = ["call_id", "start_time", *fields]
    lines = [",".join([call, "2026-10-01T12:00:00Z", *fields.values()]) for call in ids]
    return "\n".join([",".join(names), *lines]) + "\n"


# --- help -----------------------------------------------------------------------------------------------


def test_help_shows_examples(terminal: Terminal) -> None:
    said = terminal.spawned("--help")
    assert (said.status, said.error) == (0, "")
    assert "Examples:\n    tollhouse demo\n    tollhouse ingest calls.csv\n" in said.text
    assert "Usage: tollhouse [OPTIONS] COMMAND" in said.text
    assert "\\b" not in said.text


def test_the_help_of_a_command_shows_an_example() -> None:
    for name, command in main.commands.items():
        assert (command.epilog or "").startswith(f"Example: tollhouse {name}")


# --- there and back -------------------------------------------------------------------------------------


def test_a_report_is_the_same_as_table_csv_json_and_as_a_question(loaded: Terminal) -> None:
    words = ("--totals", "--where", "attempts ge 5")
    as_json = json.loads(loaded.run("report", "breakout", *WINDOW, *words, "--format", "json").text)
    as_csv = list(csv.reader(io.StringIO(loaded.run("report", "breakout", *WINDOW, *words, "--format", "csv").text)))
    as_table = loaded.run("report", "breakout", *WINDOW, *words).text.splitlines()
    columns = as_json["columns"]
    assert as_json["row_count"] > 10

    assert as_csv[0] == [*(column["name"] for column in columns), "currency"]
    for row, cells in zip(as_json["rows"], as_csv[1:], strict=True):
        assert cells[-1] == "USD"
        for value, cell in zip(row, cells, strict=False):
            assert ("" if value is None else value) == (type(value)(cell) if value is not None else cell)

    lines = as_table[2 : 2 + as_json["row_count"]]
    for row, line in zip([*as_json["rows"], as_json["totals"]], [*lines, as_table[2 + len(lines)]], strict=True):
        for value, column in zip(row, columns, strict=True):
            assert shown(value, column["type"]) in line

    question = {"report": "breakout", "from": "2026-10-01", "to": "2026-10-04", "totals": True,
                "where": [{"field": "attempts", "op": "ge", "values": [5]}]}  # fmt: skip
    file = loaded.write("question.json", json.dumps(question))
    asked = json.loads(loaded.run("query", str(file), "--format", "json").text)
    assert (asked["rows"], asked["totals"]) == (as_json["rows"], as_json["totals"])
    piped = loaded.run("query", "-", "--format", "json", given=json.dumps(question).encode())
    assert json.loads(piped.text)["rows"] == as_json["rows"]

    explained = loaded.run("explain", str(file))
    assert explained.status == 0
    assert explained.text.startswith("answered from breakout_day_v1_utc")
    assert "SELECT" in explained.text
    assert json.loads(loaded.run("explain", str(file), "--format", "json").text)["source"] == ["breakout_day_v1_utc"]


def test_rejected_records_make_the_status_1(terminal: Terminal) -> None:
    terminal.write("calls.csv", calls("a") + "b,never\n")
    said = terminal.run("ingest", "calls.csv")
    assert (said.status, said.error) == (1, "")
    assert said.text == "batch 1: calls.csv as canonical: 2 records, 1 accepted, 1 rejected\n"


def test_folders_standard_input_and_a_line_of_json_for_each_file(terminal: Terminal) -> None:
    folder = terminal.folder / "inbox"
    (folder / "deeper").mkdir(parents=True)
    (folder / "b.csv").write_text(calls("b1", "b2"))
    (folder / "a.ndjson").write_text('{"call_id": "a", "start_time": "2026-10-01T12:00:00Z"}\n')
    (folder / "deeper" / "c.csv").write_text(calls("a"))
    (folder / ".hidden").write_text("not for us")
    said = terminal.run("ingest", "inbox", "-", "--source", "s", "--format", "json", given=calls("d").encode())
    assert (said.status, said.error) == (0, "")
    receipts = [json.loads(line) for line in said.text.splitlines()]
    assert [list(receipt) for receipt in receipts] == [RECEIPT] * 4
    assert [(r["origin"], r["accepted"], r["duplicates"]) for r in receipts] == [
        ("inbox/a.ndjson", 1, 0),
        ("inbox/b.csv", 2, 0),
        ("inbox/deeper/c.csv", 0, 1),
        ("stdin", 1, 0),
    ]


def test_a_file_that_is_refused_is_told_and_the_others_are_loaded(terminal: Terminal) -> None:
    good, bad = terminal.write("good.csv", calls("a")), terminal.write("bad.csv", "call_id,start_time\n")
    said = terminal.spawned("ingest", str(good), str(bad), str(good))
    assert said.status == 2
    assert said.error == f"tollhouse: {bad} holds no record (check the export)\n"
    assert said.text == (
        f"batch 1: {good} as canonical: 1 record, 1 accepted\nbatch 3: {good} as canonical: 1 record, 1 duplicate\n"
    )


def test_every_file_of_an_archive_is_a_batch(terminal: Terminal) -> None:
    with zipfile.ZipFile(terminal.folder / "october.zip", "w") as archive:
        archive.writestr("deep/b.csv", calls("b1", "b2"))
        archive.writestr("a.ndjson", '{"call_id": "a", "start_time": "2026-10-01T12:00:00Z"}\n')
        archive.writestr("b.csv.gz", gzip.compress(calls("b1").encode()))
        archive.writestr("readme.txt", "nothing to load")
        archive.writestr("__MACOSX/._a.ndjson", "not for us")
    said = terminal.run("ingest", "october.zip", "--source", "s", "--format", "json")
    assert said.status == 2
    receipts = [json.loads(line) for line in said.text.splitlines()]
    assert [(r["origin"], r["accepted"], r["duplicates"]) for r in receipts] == [
        ("october.zip/a.ndjson", 1, 0),
        ("october.zip/b.csv.gz", 1, 0),
        ("october.zip/deep/b.csv", 1, 1),
    ]
    assert said.error.startswith("tollhouse: cannot tell which system wrote october.zip/readme.txt: ")
    assert said.error.count("\n") == 1


def test_what_unpacks_to_more_than_the_setting_allows_is_refused(terminal: Terminal) -> None:
    (terminal.folder / "bomb.csv.gz").write_bytes(gzip.compress(calls("a").encode() + bytes(200_000)))
    said = terminal.run("ingest", "bomb.csv.gz", TOLLHOUSE_MAX_UNPACKED_BYTES="100000")
    assert one_line(said).endswith("(split it, or raise the setting max_unpacked_bytes)\n")
    assert terminal.run("batches").text == "nothing is loaded yet\n"


# --- one line, with what to do --------------------------------------------------------------------------

# Told before any database is opened …
MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "a file that is not there": (("ingest", "nope.csv"), "there is no file nope.csv"),
    "a folder with nothing in it": (("ingest", "empty"), "the folder empty holds no file"),
    "an unknown dialect": (("ingest", "calls.csv", "--dialect", "asterix"), "did you mean 'asterisk'?"),
    "no end": (("report", "breakout", "--from", "2026-10-01"), "Missing option '--to'"),
    "rows that are no list": (
        ("report", "breakout", *WINDOW, "--rows", '"a'),
        "is not a list: unexpected end of data at --rows",
    ),
    "an unknown operator": (("report", "breakout", *WINDOW, "--where", "asr lit 20"), "did you mean 'lt'?"),
    "half a filter": (("report", "breakout", *WINDOW, "--where", "asr"), "is not 'field op list'"),
    "a limit that is no number": (
        ("report", "breakout", *WINDOW, "--limit", "x"),
        "'x' is not a whole number at --limit",
    ),
    "a view there is not": (("report", "breakout", *WINDOW, "--calls", "finl"), "did you mean 'final'?"),
    "nothing to compare with": (("report", "breakout", *WINDOW, "--compare", "weak"), "did you mean 'week'?"),
    "an unknown command": (("reprot",), "No such command 'reprot'"),
    "a question that is not there": (("query", "nope.json"), "cannot read nope.json"),
    "an unknown key in a question": (("query", "question.json"), "did you mean 'where'?"),
    "a database of another kind": (("--database", "mysql://here/db", "report", "breakout", *WINDOW), "chdb:///path"),
    "a server that is not there": (
        ("--database", "http://127.0.0.1:1/db", "report", "breakout", *WINDOW),
        "no ClickHouse answers at 127.0.0.1:1",
    ),
    "a Tollhouse that is not there": (
        ("--url", "http://127.0.0.1:1", "report", "breakout", *WINDOW),
        "no Tollhouse answers at http://127.0.0.1:1",
    ),
    "a URL that is none": (("--url", "http://[::1", "ingest", "calls.csv"), "'http://[::1' is not a URL"),
    "settings that are not there": (("--config", "nope.toml", "ingest", "calls.csv"), "cannot read nope.toml"),
    "an unknown setting": (
        ("--config", "typo.toml", "ingest", "calls.csv"),
        "typo.toml: there is no setting 'timezon' (did you mean 'timezone'?)",
    ),
    "a setting out of range": (
        ("--config", "range.toml", "ingest", "calls.csv"),
        "range.toml: chunk_records: Expected `int` >= 1000",
    ),
}

# … and what only a database can tell.
QUESTIONABLE: dict[str, tuple[tuple[str, ...], str]] = {
    "an unknown zone": (("ingest", "calls.csv", "--tz", "Mars/Olympus"), "no time zone 'Mars/Olympus'"),
    "a bad date": (("report", "breakout", "--from", "2026-02-30", "--to", "2026-03-01"), "'2026-02-30'"),
    "an unknown column": (("report", "breakout", *WINDOW, "--rows", "custmer"), "did you mean 'customer'?"),
    "an unknown report": (("report", "brekout", *WINDOW), "did you mean 'breakout'?"),
    "a place that cannot be written": (
        ("report", "breakout", *WINDOW, "--out", "nowhere/answer.csv"),
        "cannot write nowhere/answer.csv",
    ),
}


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    terminal = Terminal(tmp_path_factory.mktemp("mistaken"))
    terminal.write("calls.csv", calls("a"))
    terminal.write("question.json", '{"from": "2026-10-01", "to": "2026-10-04", "wher": []}')
    terminal.write("typo.toml", 'timezon = "UTC"\n')
    terminal.write("range.toml", "chunk_records = 5\n")
    (terminal.folder / "empty").mkdir()
    return terminal


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_one_line(mistaken: Terminal, mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # In this process, for it is many words and no engine; the tests beside it show that a real one says the same.
    words, told = MISTAKES[mistake]
    monkeypatch.chdir(mistaken.folder)
    result = CliRunner().invoke(main, words, env={"TOLLHOUSE_DATABASE": mistaken.database})
    assert told in one_line(Said(result.exit_code, result.stdout_bytes, result.stderr))
    assert not (mistaken.folder / "database").exists()


@pytest.mark.parametrize("mistake", QUESTIONABLE)
def test_so_is_one_that_only_a_database_can_tell(loaded: Terminal, mistake: str) -> None:
    words, told = QUESTIONABLE[mistake]
    assert told in one_line(loaded.run(*words))


def test_a_setting_of_the_folder_or_the_environment_is_named_where_it_stands(terminal: Terminal) -> None:
    terminal.write("calls.csv", calls("a"))
    assert "TOLLHOUSE_CURRENCY: currency: " in one_line(terminal.run("ingest", "calls.csv", TOLLHOUSE_CURRENCY="usd"))
    terminal.write("tollhouse.toml", 'timezon = "UTC"\n')
    assert "tollhouse.toml: there is no setting 'timezon'" in one_line(terminal.spawned("ingest", "calls.csv"))


# --- a database that another process holds ---------------------------------------------------------------


@pytest.fixture
def served(loaded: Terminal) -> Iterator[Server]:
    with Server(loaded.database) as server:
        yield server


def test_the_holder_is_named_and_does_the_same_through_its_url(
    loaded: Terminal, request: pytest.FixtureRequest
) -> None:
    words = ("breakout", *WINDOW, "--format", "csv")
    local = loaded.run("report", *words)
    assert local.status == 0
    served: Server = request.getfixturevalue("served")  # only now: before it, the database was ours

    refused = one_line(loaded.run("report", *words))
    assert "is held by process" in refused
    assert f"use it through --url {served.url}" in refused

    assert loaded.run("--url", served.url, "report", *words) == local
    assert loaded.run("report", *words, "--url", served.url, "--out", "answer.csv") == Said(0, b"", "")
    assert (loaded.folder / "answer.csv").read_bytes() == local.out

    again = loaded.run("--url", served.url, "ingest", "calls.csv", "--format", "json")
    assert (again.status, again.error) == (0, "")
    receipt = json.loads(again.text)
    assert list(receipt) == RECEIPT
    assert receipt["duplicates"] == receipt["received"] > 500
    assert receipt["origin"] == "calls.csv"
    bad = loaded.run("--url", served.url, "ingest", "-", given=b"call_id,start_time\nx,never\n")
    assert "no record of" in one_line(bad)
    unknown = loaded.run("--url", served.url, "report", "brekout", *WINDOW)
    assert "did you mean 'breakout'?" in one_line(unknown)


# --- files that are written -----------------------------------------------------------------------------


def test_a_file_gets_its_name_only_when_it_is_whole(loaded: Terminal) -> None:
    folder = loaded.folder / "out"
    folder.mkdir()
    out = folder / "answer.csv"
    out.write_text("last month's")
    one_line(loaded.run("report", "breakout", *WINDOW, "--rows", "nothing", "--format", "csv", "--out", str(out)))
    assert out.read_text() == "last month's"
    assert list(folder.iterdir()) == [out]
    said = loaded.run("report", "breakout", *WINDOW, "--format", "csv", "--out", str(out))
    assert said == Said(0, b"", "")
    assert out.read_bytes().startswith(b"customer,customer_destination,attempts,")
    assert list(folder.iterdir()) == [out]
    # where a folder has the name already, nothing is left half written beside it
    (folder / "taken").mkdir()
    assert "cannot write" in one_line(loaded.run("report", "breakout", *WINDOW, "--out", str(folder / "taken")))
    assert sorted(path.name for path in folder.iterdir()) == ["answer.csv", "taken"]


def test_csv_quotes_what_needs_it_and_disarms_what_a_spreadsheet_would_run(terminal: Terminal) -> None:
    names = ['=HYPERLINK("http://x")', "+1", "-1", "@sum", 'say "a, b"', "two\nlines", "plain"]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["call_id", "start_time", "customer", "duration", "customer_charge", "provider_charge"])
    for number, name in enumerate(names):
        writer.writerow([f"c{number}", "2026-10-01T12:00:00Z", name, "60", "0.5", "1.25"])
    (terminal.folder / "calls.csv").write_text(text.getvalue(), newline="")
    assert terminal.run("ingest", "calls.csv").status == 0

    words = ("report", "breakout", *WINDOW, "--rows", "customer", "--measures", "attempts,profit", "--format", "csv")
    guarded = terminal.run(*words).out
    assert guarded.startswith(b"customer,attempts,profit,currency\r\n")
    assert b'"\'=HYPERLINK(""http://x"")",1,-0.75,USD\r\n' in guarded, "text is disarmed, a negative number is not"
    assert b'"say ""a, b""",1,-0.75,USD\r\n' in guarded
    found = [row[0] for row in csv.reader(io.StringIO(guarded.decode(), newline=""))][1:]
    assert sorted(found) == sorted(f"'{name}" if name[0] in "=+-@" else name for name in names)
    raw = csv.reader(io.StringIO(terminal.run(*words, "--raw").text, newline=""))
    assert sorted(row[0] for row in raw)[1:] == sorted(["customer", *names])[1:]
    labels = terminal.run(*words, "--labels").text.splitlines()[0]
    assert labels.startswith("Customer,")


# --- Ctrl-C ---------------------------------------------------------------------------------------------


def test_ctrl_c_during_a_load_leaves_nothing_of_it_or_all_of_it(terminal: Terminal) -> None:
    """While the file is read the batch is forgotten (state failed); once its postings are final it is finished."""
    names = range(600_000)
    terminal.write("calls.csv", "call_id,start_time\n" + "".join(f"c{n},2026-10-01T12:00:00Z\n" for n in names))
    with terminal.start("ingest", "calls.csv") as process:
        holder = terminal.folder / "database" / "holder.json"
        while not (holder.is_file() and holder.stat().st_size) and process.poll() is None:
            time.sleep(0.02)
        time.sleep(1.0)  # the tables are there and the file is being read
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=120)
    said = Said(process.returncode, out, error.decode())
    assert one_line(said, 130).startswith("tollhouse: interrupted; ")
    with Site(Settings(database=terminal.database)) as site:
        finished = [receipt.accepted for receipt in site.recovered]
        assert finished in ([], [len(names)])  # how far it had come depends on the machine
        assert rows(site, "SELECT count() FROM cdr") == [(sum(finished),)]
        assert_books_agree(site)
        states: list[Any] = rows(site, "SELECT argMax(state, time) FROM batch_log GROUP BY batch")
        assert states in ([("loaded",)] if finished else [("failed",)], [])
    terminal.write("calls.csv", calls("a"))
    assert terminal.run("ingest", "calls.csv").status == 0


def test_dialects_check_shows_how_a_sample_maps_with_a_dialect_of_the_folder(terminal: Terminal) -> None:
    folder = terminal.folder / "dialects"
    folder.mkdir()
    own = 'name = "mine"\nlabel = "Mine"\nhelp = "My switch"\ndetect = ["my_id"]\nlimits = ["it knows no money"]\n'
    own += '[fields.call_id]\nfrom = "my_id"\n[fields.start_time]\nfrom = "begun"\nread = "local"\n'
    (folder / "mine.toml").write_text(own + 'pattern = "D/M/YYYY H:mm"\n')
    (terminal.folder / "calls.csv").write_text("my_id,begun,note\na,5/10/2026 9:05,x\nb,soon,y\n")
    with_folder: Any = {"TOLLHOUSE_DIALECTS_FOLDER": str(folder)}
    said = terminal.run("dialects", "check", "calls.csv", "--tz", "America/New_York", **with_folder)
    assert said.status == 0, said.error
    assert said.text.splitlines()[0] == "calls.csv as mine (Mine): 1 record can be read, 1 cannot"
    assert "start_time begun local, written D/M/YYYY H:mm 2026-10-05T13:05:00.000Z" in " ".join(said.text.split())
    assert "limit: it knows no money" in said.text
    assert "record 2: start_time: not a time like D/M/YYYY H:mm" in said.text
    found = json.loads(
        terminal.run("dialects", "check", "calls.csv", "--tz", "UTC", "--format", "json", **with_folder).out
    )
    assert (found["dialect"], found["meta"]) == ("mine", {"note": ["x"]})
    assert not (terminal.folder / "database").exists()
    (folder / "mine.toml").write_text(own.replace('"my_id"\n[', '"my_id"\nreed = "text"\n['))
    said = terminal.run("dialects", **with_folder)
    assert said.status == 2
    assert "mine.toml: field 'call_id': " in said.error
