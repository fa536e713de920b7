"""Read chosen values out of an XML document that may be hostile, without ever building it as a tree.

The parser reports elements one by one (so memory follows what is kept, not what is sent), resolves no
entities, loads no DTD, opens no network connection, and refuses: a DOCTYPE of any kind, deep nesting,
absurd repetition. What is kept is declared as a :class:`Plan`: texts by path, in groups that may repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from backoffice.domain.typed_value import printed

MAX_DEPTH = 100
MAX_REPEATS = 1_000
CHUNK = 64 * 1024


class UnreadableDocumentError(ValueError):
    """The bytes are no document of the wanted kind; the message is the reason, in words for people."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """The text of one element, and its attributes."""

    text: str
    attributes: Mapping[str, str]


@dataclass(slots=True)
class Group:
    """The kept texts of one element by path below it, and the groups inside it."""

    leaves: dict[str, list[Leaf]] = field(default_factory=dict)
    groups: dict[str, list[Group]] = field(default_factory=dict)


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    leaf: str | None = None
    group: str | None = None


class Plan:
    """Which values of which document are kept.

    :param root: Name of the root element, as ``{namespace}name``.
    :param prefixes: Prefix to namespace of the paths.
    :param leaves: Paths of texts below the root, as ``cac:OrderReference/cbc:ID``.
    :param groups: Path of a group below the root to the paths of texts below it; a group may lie inside
        another one.
    """

    def __init__(
        self,
        root: str,
        prefixes: Mapping[str, str],
        leaves: Iterable[str],
        groups: Mapping[str, Iterable[str]],
    ) -> None:
        self.root = root
        self._prefixes = prefixes
        self.node = _Node(group="")
        for path, inner in {"": leaves, **groups}.items():
            start = self._descend(self.node, path) if path else self.node
            start.group = path
            for leaf in inner:
                self._descend(start, leaf).leaf = leaf

    def _descend(self, node: _Node, path: str) -> _Node:
        for step in path.split("/"):
            prefix, _, name = step.partition(":")
            node = node.children.setdefault(f"{{{self._prefixes[prefix]}}}{name}", _Node())
        return node


def read_document(
    content: bytes, plans: Mapping[str, Plan], on_group: Mapping[str, Callable[[Group, Group], None]]
) -> tuple[str, Group]:
    """Return the root element's name and the kept values of the document.

    :param plans: The accepted documents by root element name.
    :param on_group: Groups that are handed over (with the root's group as read so far) when they end, and
        not kept.
    :raises UnreadableDocumentError: No well-formed XML, no accepted root, a DOCTYPE, nesting or repetition
        without measure. Also raised by ``on_group``.
    """
    target = _Target(plans, on_group)
    events: Any = target  # the stubs want methods for comments and instructions, which are not read here
    parser = etree.XMLParser(
        target=events,
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
    )
    try:
        for start in range(0, len(content), CHUNK):
            parser.feed(content[start : start + CHUNK])
        parser.close()
    except UnreadableDocumentError:
        raise
    except (etree.LxmlError, ValueError, LookupError) as error:
        message = getattr(error, "msg", None) or str(error)
        raise UnreadableDocumentError(f"not well-formed XML: {printed(' '.join(message.split()))}") from error
    if target.result is None:
        raise UnreadableDocumentError("not well-formed XML: the document has no end")
    return target.root, target.result


class _Target:
    """Receives the parser's events; keeps a path of plan nodes, None where nothing is wanted."""

    def __init__(
        self, plans: Mapping[str, Plan], on_group: Mapping[str, Callable[[Group, Group], None]]
    ) -> None:
        self.root = ""
        self.result: Group | None = None
        self._plans = plans
        self._on_group = on_group
        self._path: list[_Node | None] = []
        self._open: list[Group] = []
        self._text: list[str] = []
        self._attributes: Mapping[str, str] = {}

    def doctype(self, *_: Any) -> None:
        raise UnreadableDocumentError("a document type declaration (DOCTYPE) is forbidden in e-invoices")

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if len(self._path) >= MAX_DEPTH:
            raise UnreadableDocumentError(f"elements nested deeper than {MAX_DEPTH}")
        node = self._enter(tag)
        self._path.append(node)
        if node is None:
            return
        if node.group is not None:
            self._open.append(Group())
        elif node.leaf is not None:
            self._text = []
            self._attributes = dict(attributes)

    def _enter(self, tag: str) -> _Node | None:
        if self._path:
            above = self._path[-1]
            return None if above is None else above.children.get(tag)
        plan = self._plans.get(tag)
        if plan is None:
            raise UnreadableDocumentError(
                f"not an e-invoice this version reads: the document is a {tag[:150]}"
            )
        self.root = tag
        return plan.node

    def data(self, text: str) -> None:
        if self._path and (node := self._path[-1]) is not None and node.leaf is not None:
            self._text.append(text)

    def end(self, _tag: str) -> None:
        node = self._path.pop()
        if node is None:
            return
        if node.group is not None:
            self._leave_group(node.group, self._open.pop())
        elif node.leaf is not None:
            leaves = self._open[-1].leaves.setdefault(node.leaf, [])
            self._refuse_repetition(len(leaves), node.leaf)
            leaves.append(Leaf("".join(self._text), self._attributes))

    def _leave_group(self, name: str, group: Group) -> None:
        if not self._open:
            self.result = group
        elif name in self._on_group:
            self._on_group[name](group, self._open[0])
        else:
            groups = self._open[-1].groups.setdefault(name, [])
            self._refuse_repetition(len(groups), name)
            groups.append(group)

    def _refuse_repetition(self, count: int, name: str) -> None:
        if count >= MAX_REPEATS:
            raise UnreadableDocumentError(f"more than {MAX_REPEATS} times {name} in one place")

    def close(self) -> None:
        """End of the document; what was read is in ``result``."""
