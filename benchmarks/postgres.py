"""A folder goes in, a PostgreSQL server of one's own comes out: Debian's program, a private directory and socket.

It is started as an ordinary user, which PostgreSQL insists on, and ends with the benchmark.
"""

import contextlib
import csv
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from benchmarks.data import LAST, SQL

MISSING_HINT = "PostgreSQL is not installed: apt-get install postgresql"
_FOLDER = SQL / "postgresql"
COPY = "COPY calls FROM {source} (FORMAT csv, NULL E'\\x01N')"
"""How calls come, as the embedded engine writes CSV."""
_OVER = "-- that was all --"

_memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": f"{_memory // 4}MB",
    "effective_cache_size": f"{_memory // 2}MB",
    "work_mem": f"{max(64, _memory // 64)}MB",
    "maintenance_work_mem": f"{max(64, _memory // 16)}MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "max_parallel_workers_per_gather": f"{os.cpu_count()}",
    "wal_compression": "lz4",
    "timezone": "UTC",
}
"""What an administrator sets on a machine of this size that does nothing else; commits stay durable."""


def program(name: str) -> str | None:
    """Return where a program of PostgreSQL is, the newest of Debian's versions first; None without one."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    return next((str(path / name) for path in folders if (path / name).exists()), shutil.which(name))


def missing() -> str | None:
    """Why there is none, and what to do."""
    return None if all(map(program, ("initdb", "postgres", "psql"))) else MISSING_HINT


class PostgreSQL:
    """A running server with an empty database, deleted at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="postgresql-", dir=folder))
        self._user = self._ordinary_user()
        self._process: subprocess.Popen[bytes] | None = None

    def _ordinary_user(self) -> dict[str, Any]:
        """Return as whom to run: whoever runs this, or with root's rights the user that Debian made for it."""
        if os.geteuid() != 0:
            return {}
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        user = known.get("postgres") or known["nobody"]
        os.chown(self._folder, user.pw_uid, user.pw_gid)
        for parent in self._folder.parents:
            if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)  # it must be able to go there
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        where = str(self._folder / "data")
        made = [program("initdb"), "-D", where, "-U", "bench", "-A", "trust", "--locale=C", "--encoding=UTF8"]
        self._run([str(word) for word in made])
        words = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [str(program("postgres")), "-D", where, "-k", str(self._folder), *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
                **self._user,
            )
        deadline = time.monotonic() + 60
        while not (self._folder / ".s.PGSQL.5432").exists() or not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not come up:\n{(self._folder / 'log').read_text()}")
            time.sleep(0.05)

    def _run(self, words: list[str]) -> None:
        done = subprocess.run(words, cwd=self._folder, capture_output=True, text=True, check=False, **self._user)
        if done.returncode:
            raise RuntimeError(f"{words[0]} failed:\n{done.stderr}")

    def _answers(self) -> bool:
        return subprocess.run(self._psql("-c", "SELECT 1"), capture_output=True, check=False).returncode == 0

    def _psql(self, *words: str) -> list[str]:
        told = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(self._folder), "-U", "bench", "-d", "postgres"]
        return [str(program("psql")), *told, *words]

    def command(self, sql: str, *more: str) -> None:
        """Run statements, those of one text in one transaction."""
        words = [word for text in (sql, *more) for word in ("-c", text)]
        done = subprocess.run(self._psql(*words), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)

    def copy(self, pieces: Iterable[bytes]) -> None:
        """Load the engine's CSV by one COPY."""
        with subprocess.Popen(self._psql("-c", COPY.format(source="STDIN")), stdin=subprocess.PIPE) as process:
            assert process.stdin  # noqa: S101 - it was asked for
            for piece in pieces:
                process.stdin.write(piece)
        if process.returncode:
            raise RuntimeError("COPY failed; psql has said why")

    def script(self, name: str) -> None:
        """Run one of the scripts in `sql/postgresql`."""
        self.command((_FOLDER / f"{name}.sql").read_text("utf-8"))

    def make(self, days: int) -> None:
        """Make the tables anew, with a partition for every day, and one for what lies beside them."""
        self.command("DROP TABLE IF EXISTS calls, calls_hourly; DROP FUNCTION IF EXISTS summarize")
        self.script("schema")
        self.command(
            "CREATE TABLE calls_other PARTITION OF calls DEFAULT",
            *(
                f"CREATE TABLE calls_{day:%Y%m%d} PARTITION OF calls "
                f"FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
                for day in (LAST - timedelta(days=number) for number in range(1, days + 1))
            ),
        )

    def fill(self, pieces: Iterable[bytes]) -> None:
        """Load calls in the way that is fastest: the summary and the indexes are made afterwards."""
        self.copy(pieces)
        self.script("summarize")
        self.script("indexes")
        self.command("VACUUM (ANALYZE)")

    @contextlib.contextmanager
    def session(self) -> Iterator["Session"]:
        """Open a session that stays, as an application's does."""
        words = self._psql("--csv", "-t", "-P", "null=")
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            yield Session(process)
        finally:
            process.communicate("\\q\n", timeout=30)

    def size(self) -> int:
        """Return the bytes that calls, indexes and summary take."""
        sql = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname LIKE 'calls%'"
        with self.session() as session:
            return int(session.ask(sql, {})[0][0] or 0)

    def __exit__(self, *failure: object) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # its fast way out: whoever is connected is let go
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


class Session:
    """One connection; a question is timed from the first byte sent to the last row read."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, sql: str, parameters: Mapping[str, Any]) -> list[list[str | None]]:
        """Return the rows of an answer, values as text."""
        return parsed(self.lines(sql, parameters))

    def lines(self, sql: str, parameters: Mapping[str, Any]) -> list[str]:
        """Return the rows of an answer as CSV."""
        assert self._process.stdin  # noqa: S101 - it was asked for
        for name, value in parameters.items():
            sql = sql.replace(f"${name}", f"timestamp '{value}'")
        self._process.stdin.write(f"{sql.rstrip().rstrip(';')};\n\\echo {_OVER}\n")
        self._process.stdin.flush()
        found: list[str] = []
        for line in self._process.stdout or ():
            if line.startswith(_OVER):
                return found
            found.append(line)
        raise RuntimeError(f"psql ended: {self._process.stderr.read() if self._process.stderr else ''}")


def parsed(lines: list[str]) -> list[list[str | None]]:
    """Return CSV as values; nothing is null."""
    return [[value or None for value in row] for row in csv.reader(lines)]
