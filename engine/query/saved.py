"""Questions saved under a name go in, from the database and from files; those that exist for somebody come out.

A saved question gives the defaults of what is asked under its name, as the reports that come with the program do;
its window is given when it is asked.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from engine.access.principal import Principal
from engine.catalog.model import Catalog
from engine.catalog.preset import Audiences
from engine.errors import BadRequest, Conflict, Forbidden, NotFound, TollhouseError, Unprocessable, nearest
from engine.query import presets, search
from engine.query.presets import Found
from engine.query.question import Question, of
from engine.query.search import PER_NUMBER, SHOWN
from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse

_WINDOW = {"from": "2000-01-01", "to": "2000-01-02"}
_CUSTOMER = Principal("a customer", accounts=(), audience="customer")
_OPERATOR = Principal("an operator")


class Draft(Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody wants to save. `audience` "all" shows it to customers too."""

    name: Annotated[str, Meta(description="a slug like late-calls", max_length=60)]
    question: dict[str, Any]
    label: Annotated[str, Meta(max_length=100)] = ""
    help: Annotated[str, Meta(max_length=1000)] = ""
    audience: Audiences = "operator"


class Change(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be changed about a saved question; what is left out stays."""

    question: dict[str, Any] | None = None
    label: Annotated[str, Meta(max_length=100)] | None = None
    help: Annotated[str, Meta(max_length=1000)] | None = None
    audience: Audiences | None = None


class Saved(Struct, frozen=True, omit_defaults=True):
    """A saved question: its words without a window, who may ask it, and where it is kept."""

    name: str
    label: str
    help: str
    audience: Audiences
    question: dict[str, Any]
    origin: str  # "database", or the name of a file
    who: str = ""
    time: str = ""
    problem: str = ""
    """Why it cannot be asked: a mistake in its file."""


class Shelf:
    """Where saved questions are kept."""

    def __init__(
        self,
        warehouse: Warehouse,
        catalog: Catalog,
        folder: str,
        resolve: Callable[[Question, Principal], Any],
    ) -> None:
        self._warehouse = warehouse
        self._catalog = catalog
        self._folder = Path(folder) if folder else None
        self._resolve = resolve
        self._files: tuple[object, list[Saved]] = (None, [])

    def every(self, principal: Principal) -> list[Saved]:
        """Return the saved questions that exist for `principal`, by name; a file comes before the database."""
        found = {saved.name: saved for saved in (*self._kept(), *self._in_files())}
        everything = principal.audience == "operator"
        return [found[name] for name in sorted(found) if everything or found[name].audience == "all"]

    def find(self, name: str, principal: Principal) -> Saved:
        """Return one; raises 404 when it does not exist for `principal`, 422 when its file has a mistake."""
        known = self.every(principal)
        for saved in known:
            if saved.name == name and not saved.problem:
                return saved
            if saved.name == name:
                raise Unprocessable("bad_report", saved.problem, hint="mend the file: it is read again when it changes")
        names = [*(saved.name for saved in known), *self._catalog.reports_for(principal.audience)]
        raise NotFound(
            "unknown_report",
            f"there is no saved question {name!r}",
            pointer="$.report",
            hint=nearest(name, names) or f"known: {', '.join(names)}",
        )

    def defaults(self, question: Question, principal: Principal) -> Found:
        """Return the defaults for a question that may name a saved one; raises as `find` and `presets.find` do."""
        if question.report is None or question.report in self._catalog.reports:
            return presets.find(question, principal, self._catalog)
        kept = self.find(question.report, principal).question
        if _is_search(kept):  # which is refused as the report is that it stands on
            return presets.find(msgspec.structs.replace(question, report=PER_NUMBER), principal, self._catalog)
        return presets.saved(question, of(kept | _WINDOW), principal, self._catalog)

    def search(self, name: str, principal: Principal) -> dict[str, Any] | None:
        """Return the search for single calls that is saved under a name, None for another report; raises as `find`."""
        if name in self._catalog.reports:
            return {} if name == PER_NUMBER else None
        kept = self.find(name, principal).question
        return kept if _is_search(kept) else None

    def draft(self, draft: Draft, *, anew: bool) -> dict[str, str]:
        """Check what is to be saved and return what is written down; raises with a pointer to a mistake.

        `anew` it must not exist, else it must.
        """
        _named(draft.name)
        held = {saved.name: saved for saved in self._kept()}
        if draft.name in self._catalog.reports:
            raise Conflict("report_exists", f"{draft.name!r} comes with the program", hint="choose another name")
        if draft.name in {saved.name for saved in self._in_files()}:
            raise Conflict("report_exists", f"{draft.name!r} is in a file of reports_folder", hint="change the file")
        if anew and draft.name in held:
            raise Conflict(
                "report_exists", f"{draft.name!r} is saved already", hint="change it, or choose another name"
            )
        if not anew and draft.name not in held:
            self.find(draft.name, _OPERATOR)
        question = self._checked(draft.question, draft.audience)
        return {
            "name": draft.name,
            "label": draft.label or _spelled(draft.name),
            "help": draft.help,
            "audience": draft.audience,
            "question": msgspec.json.encode(question).decode(),
            "state": "saved",
        }

    def changed(self, name: str, change: Change) -> Draft:
        """Return a saved question with what is to be changed about it."""
        saved = self.find(name, _OPERATOR)
        said = {field: value for field, value in msgspec.structs.asdict(change).items() if value is not None}
        before = Draft(name, saved.question, saved.label, saved.help, saved.audience)
        return msgspec.structs.replace(before, **said)

    def deleted(self, name: str) -> dict[str, str]:
        """Return what is written down to delete a saved question; raises 404, and 409 for one in a file."""
        saved = self.find(name, _OPERATOR)
        if saved.origin != "database":
            raise Conflict("report_exists", f"{name!r} is in the file {saved.origin}", hint="delete the file")
        about = {"label": saved.label, "help": saved.help, "audience": saved.audience}
        return {"name": name, **about, "question": msgspec.json.encode(saved.question).decode(), "state": "deleted"}

    def _kept(self) -> list[Saved]:
        rows = self._warehouse.query(Statement(render("admin/saved.sql"))).rows
        return [
            Saved(name, label, help_, audience, msgspec.json.decode(question), "database", who, time)
            for name, label, help_, audience, question, who, time in rows
        ]

    def _in_files(self) -> list[Saved]:
        """The files of the folder, read again when one of them changed."""
        if self._folder is None:
            return []
        try:
            paths = sorted(self._folder.glob("*.toml"))
            state = [(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in paths]
        except OSError as failure:
            raise BadRequest(
                "bad_setting", f"reports_folder: cannot read {self._folder}: {failure.strerror}"
            ) from failure
        if self._files[0] != state:
            self._files = (state, [self._file(path) for path in paths])
        return self._files[1]

    def _file(self, path: Path) -> Saved:
        broken = Saved(path.stem, _spelled(path.stem), "", "operator", {}, path.name)
        text = ""
        try:
            text = path.read_text("utf-8")
            said = tomllib.loads(text)
            about: dict[str, Any] = {word: said.pop(word) for word in ("label", "help", "audience") if word in said}
            draft = msgspec.convert(about | {"name": path.stem, "question": said}, Draft)
            _named(draft.name)
            if draft.name in self._catalog.reports:
                raise Conflict(
                    "report_exists", f"{draft.name!r} comes with the program", hint="call the file otherwise"
                )
            question = self._checked(draft.question, draft.audience)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as mistake:
            return msgspec.structs.replace(broken, problem=f"{path.name}: {mistake}")
        except TollhouseError as mistake:
            line = _line(text, mistake.pointer or "")
            return msgspec.structs.replace(broken, problem=f"{path.name}:{line}: {mistake}")
        label = draft.label or _spelled(draft.name)
        return Saved(draft.name, label, draft.help, draft.audience, question, path.name)

    def _checked(self, said: dict[str, Any], audience: Audiences) -> dict[str, Any]:
        """The words of a question without its window, once all of them are known and may be asked by `audience`."""
        try:
            question = self._found(said) if _is_search(said) else _open(of(said | _WINDOW), self._catalog)
            self._resolve(question, _OPERATOR)
            if audience == "all":
                self._resolve(question, _CUSTOMER)
        except (Forbidden, NotFound) as mistake:
            if audience == "operator":
                _into_question(mistake)
                raise
            hint = 'save it for audience "operator", or leave that out'
            raise Unprocessable(
                "bad_value", f"not for customers: {mistake.message}", pointer="$.audience", hint=hint
            ) from mistake
        except TollhouseError as mistake:
            _into_question(mistake)
            raise
        return {name: value for name, value in said.items() if name not in _WINDOW}

    def _found(self, said: dict[str, Any]) -> Question:
        """The question whose calls a search finds, once all of its words are known."""
        told = self._catalog.calls
        for at, name in enumerate(said.get(SHOWN, ())):
            if name not in told:
                raise Unprocessable(
                    "unknown_field",
                    f"no call has the field {name!r}",
                    pointer=f"$.{SHOWN}[{at}]",
                    hint=nearest(str(name), list(told)),
                )
        question = search.of(search.laid(_WINDOW, said)).question
        for at, clause in enumerate(question.where or ()):
            if clause.field in self._catalog.measures:
                raise Unprocessable(
                    "bad_value", f"{clause.field!r} is of groups of calls, not of one", pointer=f"$.where[{at}].field"
                )
        return question


def _is_search(said: Mapping[str, Any]) -> bool:
    """Whether what is saved looks for single calls."""
    return said.get("report") == PER_NUMBER


def _open(question: Question, catalog: Catalog) -> Question:
    """The question as it can be resolved at any time: what asks for a closed month is asked since a moment."""
    report = catalog.reports.get(question.report or "")
    if report is not None and report.since_close and not question.since:
        return msgspec.structs.replace(question, since="2000-01-01")
    return question


def _into_question(mistake: TollhouseError) -> None:
    if mistake.pointer and mistake.pointer.startswith("$"):
        mistake.pointer = f"$.question{mistake.pointer[1:]}"


def _named(name: str) -> None:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise Unprocessable(
            "bad_value",
            f"{name!r} is not a name",
            pointer="$.name",
            hint="small letters, digits and dashes: late-calls",
        )


def _spelled(name: str) -> str:
    return name.replace("-", " ").title()


def _line(text: str, pointer: str) -> int:
    """The line of a file on which the part of a question that `pointer` names begins."""
    words = re.findall(r"[a-z_]+", pointer.removeprefix("$.question."))
    word = words[0] if words else ""
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines, 1) if re.match(rf"\s*\[*{word}\b", line)), 1) if word else 1
