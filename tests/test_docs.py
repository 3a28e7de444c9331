"""What is written for users is true: pages are current, links lead somewhere, and what they name exists."""

import ast
import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args
from urllib.parse import parse_qsl, urlsplit

import click
import pytest

from engine import errors
from engine.catalog import reference
from engine.catalog.load import catalog, load
from engine.ingest import dialects
from engine.query import parameters, question
from engine.query.headers import taken_apart
from engine.query.question import Question
from engine.settings import Settings
from web.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
DECLARATIONS = ROOT / "docs" / "how-to" / "declare-a-measure-or-a-report.md"
FIELDS = (*catalog().dimensions, *catalog().measures)


def blocks(page: Path, *kinds: str) -> list[str]:
    """The fenced blocks of a page that are of one of these kinds."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [text for kind, text in found if kind in kinds]


def commands(page: Path) -> Iterator[list[str]]:
    """Every `tollhouse …` that a page tells its reader to run, as words."""
    for line in "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines():
        split = shlex.shlex(line, posix=True, punctuation_chars=";|<>&()")
        split.whitespace_split = True
        words: list[str] = []
        for word in [*split, ";"]:
            if not word or not set(word) <= set(";|<>&()"):
                words.append(word)
                continue
            if words and Path(words[0]).name == "tollhouse":
                yield words[1:]
            words = []


def mentions(page: Path) -> list[str]:
    """Every `tollhouse …` in the middle of a sentence."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`tollhouse ([^`]+)`", prose)


def parsed(words: list[str], *, whole: bool) -> None:
    """Read words as the command line does; `whole` also misses what is required."""
    context = click.Context(main, info_name="tollhouse")
    options, rest, _ = main.make_parser(context).parse_args(words)
    if not rest:
        assert options, f"tollhouse {words} does nothing"
        return
    command = main.get_command(context, rest[0])
    assert command is not None, f"there is no command {rest[0]!r}"
    if whole:
        command.make_context(rest[0], rest[1:], obj=SimpleNamespace())
    else:
        command.make_parser(click.Context(command, info_name=rest[0])).parse_args(rest[1:])


@pytest.mark.parametrize("name", reference.pages())
def test_a_generated_page_is_what_the_declarations_say(name: str) -> None:
    written = (reference.FOLDER / name).read_text("utf-8")
    assert written == reference.pages()[name], f"docs/reference/{name} is out of date: make docs"


def anchors(page: Path) -> set[str]:
    """What headings can be linked to, spelt as a forge spells them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = [*re.findall(r"\]\(([^)\s]+)\)", text), *re.findall(r'(?:src|srcset|href)="([^"]+)"', text)]
    for link in links:
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = (page.parent / parts.path).resolve() if parts.path else page
        assert target.exists(), f"{link} leads nowhere"
        assert not parts.fragment or parts.fragment in anchors(target), f"{link}: no such heading"


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, open_ = set(), [ROOT / "README.md"]
    while open_:
        page = open_.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^)\s#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        open_ += [(page.parent / link).resolve() for link in links]
    assert set(PAGES) <= seen, "no link leads here"


@each_page
def test_every_command_can_be_run_as_it_is_written(page: Path) -> None:
    for words in commands(page):
        try:
            parsed(words, whole=True)
        except click.exceptions.Exit:
            pass  # --help and --version
        except click.ClickException as mistake:
            pytest.fail(f"tollhouse {shlex.join(words)}: {mistake.format_message()}")


@each_page
def test_every_command_that_is_mentioned_exists(page: Path) -> None:
    for text in mentions(page):
        words = shlex.split(text)
        if words[0].isupper():  # COMMAND
            continue
        try:
            parsed(words, whole=False)
        except click.ClickException as mistake:
            pytest.fail(f"tollhouse {text}: {mistake.format_message()}")


def test_the_commands_of_the_readme_are_all_looked_at() -> None:
    assert ["serve", "--database", "http://user:password@host:8123/tollhouse"] in commands(ROOT / "README.md")
    assert sum(1 for page in PAGES for _ in commands(page)) > 30


def options(command: click.Command) -> set[str]:
    found = {name for option in command.params if isinstance(option, click.Option) for name in option.opts}
    below = command.commands.values() if isinstance(command, click.Group) and command is not main else ()
    found |= {name for inner in below for name in options(inner)}
    return found | {name for option in command.params for name in option.secondary_opts}


def test_the_page_of_the_command_line_has_every_command_and_option_and_no_other() -> None:
    text = (reference.FOLDER / "cli.md").read_text("utf-8")
    head, *sections = re.split(r"^## tollhouse ", text, flags=re.MULTILINE)
    told = {section.split(maxsplit=1)[0]: section for section in sections}
    assert set(told) == set(main.commands)
    for name, command in main.commands.items():
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", told[name])) == options(command), name
    assert options(main) <= set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", head))


@each_page
def test_every_setting_that_is_named_exists(page: Path) -> None:
    known = {f"TOLLHOUSE_{name.upper()}" for name in Settings.__struct_fields__} | {"TOLLHOUSE_URL"}
    assert set(re.findall(r"TOLLHOUSE_[A-Z_]+", page.read_text("utf-8"))) <= known
    for block in blocks(page, "toml"):
        declared = tomllib.loads(block)
        if "fields" not in declared and page.name != DECLARATIONS.name:
            assert set(declared) <= set(Settings.__struct_fields__)


def test_the_declarations_that_are_shown_can_be_read(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ROOT / "schemas" / "catalog", tmp_path / "catalog"))
    for name, block in zip(("parts", "measures", "reports"), blocks(DECLARATIONS, "toml"), strict=True):
        with (folder / f"{name}.toml").open("a", encoding="utf-8") as file:
            file.write(f"\n{block}")
    report = load(folder).reports["long-calls"]
    assert report.preset({"bucket": "month"}, customer=True).rows == ("month", "customer")


def test_the_dialect_that_is_shown_can_be_read(tmp_path: Path) -> None:
    (block,) = blocks(ROOT / "docs" / "how-to" / "write-a-dialect.md", "toml")
    path = tmp_path / "example.toml"
    path.write_text(block, "utf-8")
    shown = dialects.read(path)
    listed = (ROOT / "docs" / "how-to" / "write-a-dialect.md").read_text("utf-8")
    assert {reading.read for reading in shown.fields.values()} <= set(re.findall(r"`(\w+)`", listed))
    keys = {*dialects.Dialect.__struct_fields__} - {"fields", "container"}
    assert keys <= set(re.findall(r"`(\w+)`", listed))
    readings: tuple[str, ...] = get_args(dialects.Reading)
    assert set(readings) <= set(re.findall(r"`(\w+)`", listed))


def names_in(asked: Question) -> set[str]:
    clauses = {clause.field for clause in asked.where}
    sorted_by = {taken_apart(key.field)[0].partition(".")[0] for key in asked.sort or ()}
    tops = {name for top in asked.top or () for name in (top.field, top.by) if name}
    return {*(asked.rows or ()), *(asked.columns or ()), *(asked.measures or ()), *clauses, *sorted_by, *tops}


@each_page
def test_every_question_can_be_asked(page: Path) -> None:
    for block in blocks(page, "json"):
        try:
            told: Any = json.loads(block)
        except json.JSONDecodeError:
            continue  # several records, one on each line
        if "from" in told:
            asked = question.read(block.encode())
            assert names_in(asked) <= set(FIELDS)
            assert asked.report is None or asked.report in catalog().reports
    for url in re.findall(r"/api/v1/reports/[\w-]+\?[^\s'\"`]+", page.read_text("utf-8")):
        parts = urlsplit(url)
        name = parts.path.rpartition("/")[2]
        assert name in catalog().reports
        pairs = [pair for pair in parse_qsl(parts.query) if pair[0] not in ("format", "labels", "raw")]
        assert names_in(parameters.question(name, pairs, FIELDS)) <= set(FIELDS)
    for words in commands(page):
        for option in ("--rows", "--columns", "--measures"):
            if option in words:
                assert set(filter(None, words[words.index(option) + 1].split(","))) <= set(FIELDS)


def raised() -> dict[str, set[int]]:
    """Every code of an error in the program, and the HTTP status it comes with."""
    found: dict[str, set[int]] = {}
    for path in [*ROOT.glob("engine/**/*.py"), *ROOT.glob("web/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
                continue
            kind = getattr(errors, node.func.id, None)
            own = {"EngineFailure": 500, "CatalogMistake": 500, "ErrorDetail": 500}.get(node.func.id)
            status = own or getattr(kind, "status", None)
            first = node.args[0]
            if status and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.setdefault(first.value, set()).add(status)
    return found


def test_the_page_of_errors_has_every_code_with_its_status() -> None:
    text = (reference.FOLDER / "errors.md").read_text("utf-8")
    told: dict[str, set[int]] = {}
    for codes, statuses in re.findall(r"^\| (`.*?`) \| ([\d, ]+) \|", text, re.MULTILINE):
        for code in re.findall(r"`(\w+)`", codes):
            told[code] = {int(status) for status in statuses.split(",")}
    framework = {"not_found": {404}, "method_not_allowed": {405}}
    assert told == raised() | framework


def test_the_readme_begins_with_what_it_is_and_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    title, about, commands_ = text.split("\n\n")[:3]
    assert title == "# Tollhouse"
    assert about.count(". ") + about.count(".\n") + about.endswith(".") == 2
    assert commands_ == "```sh\nmake demo\nmake test\n```"


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        text = page.read_text("utf-8")
        named = {*re.findall(r"`make ([a-z-]+)", text), *re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)}
        assert named <= targets, page


def test_the_changelog_has_a_place_for_what_is_next() -> None:
    assert re.search(r"^## \[Unreleased\]$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
