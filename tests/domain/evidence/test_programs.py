"""What every pack carries: it stands on Python 3.9, the standard library and ``cryptography`` alone."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from backoffice.domain import checkpoint, merkle
from backoffice.domain.evidence.check import programs
from backoffice.domain.evidence.markup import tag, text
from backoffice.domain.evidence.wording import sentence


def test_the_tree_and_the_checkpoint_are_those_of_the_product() -> None:
    for module in (merkle, checkpoint):
        name = f"backoffice/domain/{module.__name__.rpartition('.')[2]}.py"
        assert programs()[name] == Path(module.__file__).read_bytes()


@pytest.mark.parametrize("name", programs())
def test_it_needs_nothing_but_what_it_says(name) -> None:
    tree = ast.parse(programs()[name], feature_version=(3, 9))
    own = {one.removesuffix(".py").replace("/", ".") for one in programs()} | {
        "backoffice.domain.evidence",
        "backoffice.domain",
    }
    for node in ast.walk(tree):
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        for one in names:
            assert one in own or one.partition(".")[0] in {"cryptography", *sys.stdlib_module_names}, one
        # of later versions than 3.9
        assert not isinstance(node, ast.Match)
        assert not (isinstance(node, ast.keyword) and node.arg in {"strict", "slots", "kw_only"})
        assert not (isinstance(node, ast.Attribute) and node.attr in {"bit_count", "UTC", "pairwise"})
    if '"""' in programs()[name].decode() and len(programs()[name]) > 500:
        assert "from __future__ import annotations" in programs()[name].decode()


HOSTILE = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'; DROP TABLE x; --", "</title><svg/onload=alert(1)>", "&lt;b&gt;",
    "\u202egnp.exe", "a\x00b", "\ud800", "javascript:alert(1)", "]]>", "<!--",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
def test_text_is_text_wherever_it_stands(value) -> None:
    for shown in (text(value), tag("td", value), tag("a", "x", href=value)):
        inner = (
            shown.removeprefix("<td>").removesuffix("</td>").removeprefix('<a href="').removesuffix('">x</a>')
        )
        assert not set(inner) & set("<>\"'")
        inner.encode("utf-8")
    assert not set(text(value)) & {"\u202e", "\x00"}


def test_a_template_takes_no_orders_from_a_record() -> None:
    said = {"step": "run opened", "run_id": "{kind.__class__}", "process": "{0}", "dag_id": "%s"}
    assert sentence("path", said).startswith("Run {kind.__class__} of {0} began (%s, not known)")


@pytest.mark.parametrize(
    ("kind", "said", "told"),
    [
        ("decision", {}, "The bytes of this record (decision) were purged from the log; its hash still has its place"),
        ("effect", {"effect": "payment proposal withdrawn"}, "The payment proposal was withdrawn"),
        ("effect", {"effect": "payment proposal withdrawn", "reason": "held"}, "The payment proposal was withdrawn: held"),
        ("path", {"step": "case opened", "case_id": "3", "role": "buyer", "codes": "PRICE"}, "Case 3 was opened for buyer: PRICE"),
        ("human", {"person_id": "p", "role": "r", "case_id": "1", "action": "accept", "reason_code": "c", "final": "false"},
         "p, as r, answered case 1: accept (c); a second person had to agree"),
        ("effect", {"effect": "journal entry", "event": "invoice", "posting_date": "d", "business_key": "k", "lines": [
            {"debit": "1", "currency": "EUR"}, {"debit": "0", "currency": "EUR"}, {"debit": "2", "currency": "EUR"}]},
         "Booked invoice on d under the key k, debit 3 EUR"),
        ("alert", {"alert": "no seal", "at": "now"}, "alert: alert no seal"),
        ("path", {"step": "something new", "x": [True, {"a": "b"}]}, "path: step something new, x true; a b"),
    ],
)  # fmt: skip
def test_what_records_say_in_words(kind, said, told) -> None:
    assert sentence(kind, said) == told
