"""Entries of a declaration file go in, with one made for every member of a family where an entry says `each`."""

import re
from typing import Any

Families = dict[str, dict[str, dict[str, str]]]
"""Members by family, and what is said of each."""


def expanded(declared: dict[str, dict[str, Any]], families: Families) -> dict[str, dict[str, Any]]:
    """Return the entries by name; `KeyError` names a family or a word of a member that nobody declared.

    >>> families = {"animal": {"cat": {"says": "meow"}, "dog": {"says": "woof"}}}
    >>> expanded({"{animal}_noise": {"each": "animal", "help": "A {animal} says {animal.says}."}}, families)[
    ...     "dog_noise"
    ... ]
    {'help': 'A dog says woof.'}
    """
    entries: dict[str, dict[str, Any]] = {}
    for name, entry in declared.items():
        family = entry.get("each")
        if family is None:
            entries[name] = entry
            continue
        said = {key: value for key, value in entry.items() if key != "each"}
        for member, about in families[family].items():
            words = {family: member} | {f"{family}.{word}": text for word, text in about.items()}
            entries[_filled(name, family, words)] = _filled(said, family, words)
    return entries


def header(entry: str, line: str) -> bool:
    """Whether a line of a file begins the entry, itself or as the member of a family."""
    text = line.strip()
    if text == f"[{entry}]":
        return True
    pattern = re.fullmatch(r'\["(.*\{\w+\}.*)"\]', text)
    return bool(pattern and re.fullmatch(re.sub(r"\\\{\w+\\\}", r"\\w+", re.escape(pattern[1])), entry))


def _filled(value: Any, family: str, words: dict[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(rf"\{{({family}(?:\.\w+)?)\}}", lambda found: words[found[1]], value)
    if isinstance(value, list):
        return [_filled(item, family, words) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, family, words) for key, item in value.items()}
    return value
