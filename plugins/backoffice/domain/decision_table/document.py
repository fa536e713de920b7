"""A policy's YAML as a tree of nodes with line numbers: exact text, and nothing that YAML could hide.

Every plain scalar stays the text that it is (100000.00 never becomes a binary fraction, NO never a
boolean), but ``null``, ``true`` and ``false``. Anchors, aliases, tags, repeated keys, second documents,
deep nesting, a byte order mark, characters that turn a line around and texts beyond four million bytes are
refused: a reader must see in the file what the machine reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import yaml

from backoffice.domain.decision_table.words import TURNING, named, shortened

LONGEST = 4_000_000  # bytes of UTF-8
YAML_REMEDY = "correct the text; quote a cell that begins with a sign or a bracket, or has a comma"
DEEPEST = 12
MOST_TURNED = 100
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# control characters but tab and line feed, halves of surrogate pairs
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unreadable(ValueError):
    """The text is no policy document; ``line`` is where, ``remedy`` what to do."""

    def __init__(self, problem: str, remedy: str, line: int = 0) -> None:
        super().__init__(problem)
        self.remedy = remedy
        self.line = line


@dataclass
class Scalar:
    """A text, null, true or false."""

    value: str | bool | None
    line: int

    @property
    def text(self) -> str:
        """Return it as it would be written."""
        if isinstance(self.value, str):
            return self.value
        return {None: "null", True: "true", False: "false"}[self.value]


@dataclass
class Listing:
    """A list."""

    line: int
    items: list[Node] = field(default_factory=list)


@dataclass
class Mapping:
    """Keys with values, in the order of the text."""

    line: int
    pairs: list[tuple[Scalar, Node]] = field(default_factory=list)

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None when it is not there."""
        return next((node for name, node in self.pairs if name.value == key), None)


@dataclass
class Absent:
    """Nothing, where something should be."""

    line: int


Node = Scalar | Listing | Mapping | Absent


def read_document(text: str) -> tuple[Node, list[Unreadable]]:
    """Return the tree of a YAML text, and which keys are repeated and lines turned around.

    :raises Unreadable: It has no tree: no YAML, too long, too deep, or with anchors, aliases or tags.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > LONGEST:
        raise Unreadable(f"the text has {size} bytes", f"keep a policy within {LONGEST}; split it")
    if text.startswith("\ufeff"):
        raise Unreadable("it begins with a byte order mark (U+FEFF)", "save it as UTF-8 without one", 1)
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except (yaml.YAMLError, UnicodeError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
        line = mark.line + 1 if mark else 0
        raise Unreadable(f"it is not readable as YAML: {problem}", YAML_REMEDY, line) from error
    if builder.root is None:
        raise Unreadable("the text is empty", "write a policy, see docs/reference/policies.md")
    return builder.root, [*_repeated_keys(builder.root), *_turned_lines(text, builder.turned)]


class _Builder:
    """Builds the tree from parser events without recursion."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Listing | Mapping] = []
        self._keys: list[Scalar | None] = []
        self.turned: dict[int, str] = {}

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Unreadable("it uses an anchor or alias", "write the text out where it belongs", line)
        tag = getattr(event, "tag", None)
        if tag:
            raise Unreadable(
                f"it uses the tag {shortened(tag)!r}", "leave tags out; quote a text instead", line
            )
        if isinstance(event, yaml.ScalarEvent):
            unwritable = _UNWRITABLE.search(event.value)
            if unwritable:
                raise Unreadable(
                    f"it holds the character U+{ord(unwritable[0]):04X}, which no record can hold",
                    "take the character out",
                    line,
                )
            turning = TURNING.search(event.value)
            if turning:
                self.turned[line] = turning[0]
            self._put(Scalar(_scalar(event), line))
        elif isinstance(event, yaml.SequenceStartEvent):
            self._put(Listing(line))
        elif isinstance(event, yaml.MappingStartEvent):
            self._put(Mapping(line))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._keys.pop()

    def _put(self, node: Node) -> None:
        if not self._open:
            if self.root is not None:
                raise Unreadable("a second document follows", "put each policy into a file", node.line)
            self.root = node
        elif isinstance(self._open[-1], Listing):
            self._open[-1].items.append(node)
        else:
            self._put_into_mapping(self._open[-1], node)
        if isinstance(node, Listing | Mapping):
            if len(self._open) == DEEPEST:
                raise Unreadable(f"it is nested more than {DEEPEST} deep", "write it flat", node.line)
            self._open.append(node)
            self._keys.append(None)

    def _put_into_mapping(self, mapping: Mapping, node: Node) -> None:
        key = self._keys[-1]
        if key is not None:
            mapping.pairs.append((key, node))
            self._keys[-1] = None
        elif isinstance(node, Scalar):
            self._keys[-1] = node
        else:
            raise Unreadable("a list or mapping stands as a key", "keys are plain words", node.line)


def _scalar(event: yaml.ScalarEvent) -> str | bool | None:
    value: str = event.value
    # style is None or '' for plain text, else the kind of quote or block
    if event.style:
        return value
    return None if value in _NULL else _FLAGS.get(value, value)


def _turned_lines(text: str, escaped: dict[int, str]) -> Iterator[Unreadable]:
    """Yield each line with a character that turns it around, in a comment too, or written as an escape."""
    first = dict(escaped)
    for one in islice(TURNING.finditer(text), MOST_TURNED):
        first.setdefault(text.count("\n", 0, one.start()) + 1, one[0])
    for line, character in sorted(first.items()):
        yield Unreadable(
            f"it holds {named(character)}: a reader sees other words than stand there",
            "take the character out",
            line,
        )


def _repeated_keys(root: Node) -> Iterator[Unreadable]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Listing):
            waiting.extend(node.items)
        elif isinstance(node, Mapping):
            seen: set[str] = set()
            for key, value in node.pairs:
                if key.text in seen:
                    yield Unreadable(
                        f"the key {shortened(key.text)!r} stands there twice", "keep one of them", key.line
                    )
                seen.add(key.text)
                waiting.append(value)
