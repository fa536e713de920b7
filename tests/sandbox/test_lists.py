"""Lists over HTTP: complete pages, windows, versions, control totals, entity tags."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import httpx
import pytest

from backoffice.sandbox.generator import Company
from backoffice.sandbox.server import SandboxClock

LISTS = ["/erp/suppliers", "/erp/orders", "/warehouse/receipts", "/mailbox/messages"]
BEGINNING = datetime(2026, 2, 27, 9, tzinfo=UTC)


def _pages(client: httpx.Client, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    answer = client.get(path, params=parameters)
    while True:
        assert answer.status_code == 200, answer.text
        page = answer.json()
        yield page
        if page["next"] is None:
            return
        answer = client.get(page["next"])


def _items(client: httpx.Client, path: str, **parameters: Any) -> list[dict[str, Any]]:
    return [item for page in _pages(client, path, **parameters) for item in page["items"]]


def _identity(item: dict[str, Any]) -> tuple[Any, ...]:
    names = ("supplier_id", "po_number", "po_line", "receipt_number", "receipt_line", "message_id")
    if "vat_id" in item:
        return (item["supplier_id"],)
    return tuple(item.get(name) for name in names)


@pytest.mark.parametrize("page_size", [1, 7, 2000])
def test_pages_are_complete_and_without_repetition(client: httpx.Client, company: Company, page_size: int):
    path = "/erp/suppliers" if page_size == 1 else "/warehouse/receipts"
    expected = len(company.suppliers if page_size == 1 else company.receipts)
    pages = list(_pages(client, path, page_size=page_size))
    items = [item for page in pages for item in page["items"]]
    assert all(len(page["items"]) == page_size for page in pages[:-1])
    assert len(items) == expected == len({_identity(item) for item in items})
    assert {page["control"]["count"] for page in pages} == {expected}
    keys = [item["updated_at"] for item in items]
    assert keys == sorted(keys)


@pytest.mark.parametrize("path", LISTS)
def test_control_totals_cover_the_whole_window(client: httpx.Client, company: Company, path: str):
    latest = [line for line in company.order_lines if line.superseded_at is None]
    expected = {
        "/erp/suppliers": (len(company.suppliers), None),
        "/erp/orders": (
            len(latest),
            sum(line.quantity * line.unit_price / line.price_base_quantity for line in latest),
        ),
        "/warehouse/receipts": (len(company.receipts), sum(line.quantity for line in company.receipts)),
        "/mailbox/messages": (len(company.documents), sum(len(one.content) for one in company.documents)),
    }[path]
    for page in (client.get(path, params={"page_size": 5}).json(), client.get(path).json()):
        amount = page["control"]["amount"]
        assert (page["control"]["count"], None if amount is None else Decimal(amount)) == expected


def test_paging_under_a_moving_clock_shows_one_state(
    client: httpx.Client, company: Company, clock: SandboxClock
):
    """Records appear and order lines change between two pages; the next window brings exactly the rest."""
    clock.set(BEGINNING)
    found: list[dict[str, Any]] = []
    as_of = None
    for page in _pages(client, "/erp/orders", page_size=40):
        as_of = as_of or page["as_of"]
        assert page["as_of"] == as_of
        found += page["items"]
        clock.set(clock.now() + timedelta(hours=20))
    seen_first = [line for line in company.order_lines if line.updated_at < BEGINNING]
    valid = [line for line in seen_first if line.superseded_at is None or line.superseded_at >= BEGINNING]
    assert [(item["po_number"], item["po_line"], item["version"]) for item in found] == [
        (*line.key, line.version)
        for line in sorted(valid, key=lambda line: (line.updated_at, "/".join(line.key)))
    ]
    clock.set(datetime(2026, 3, 18, 6, tzinfo=UTC))
    rest = _items(client, "/erp/orders", updated_since=as_of, page_size=40)
    state = {(item["po_number"], item["po_line"]): item["version"] for item in [*found, *rest]}
    assert state == {line.key: line.version for line in company.order_lines if line.superseded_at is None}


def test_nothing_is_lost_or_repeated_while_documents_come_in(client: httpx.Client, company: Company):
    """One thread puts documents in while another reads windows in a row, page by page."""
    names = [f"late-{number}.xml" for number in range(40)]

    def put_in() -> None:
        with httpx.Client(base_url=client.base_url, auth=client.auth, trust_env=False) as other:
            for name in names:
                other.post("/admin/documents", content=name.encode(), headers={"X-Filename": name})

    writer = threading.Thread(target=put_in)
    writer.start()
    read: list[str] = []
    since, rounds_left = None, 1
    while rounds_left >= 0:
        rounds_left -= 0 if writer.is_alive() else 1
        window = {} if since is None else {"updated_since": since}
        pages = list(_pages(client, "/mailbox/messages", page_size=60, **window))
        assert {page["as_of"] for page in pages} == {pages[0]["as_of"]}
        ids = [item["message_id"] for page in pages for item in page["items"]]
        assert pages[0]["control"]["count"] == len(ids)
        read += ids
        since = pages[0]["as_of"]
    writer.join()
    assert len(read) == len(set(read)) == len(company.documents) + len(names)


@pytest.mark.parametrize("path", LISTS[1:])
def test_windows_in_a_row_give_everything_once(client: httpx.Client, company: Company, path: str):
    bounds = [
        BEGINNING - timedelta(days=20),
        BEGINNING,
        BEGINNING + timedelta(days=6),
        BEGINNING + timedelta(days=30),
    ]
    items = []
    for since, until in pairwise(bounds):
        page = client.get(
            path,
            params={
                "updated_since": since.isoformat(),
                "updated_until": until.isoformat(),
                "page_size": 2000,
            },
        ).json()
        assert page["next"] is None
        assert page["control"]["count"] == len(page["items"])
        items += page["items"]
    expected = {
        "/erp/orders": len(company.order_lines),
        "/warehouse/receipts": len(company.receipts),
        "/mailbox/messages": len(company.documents),
    }[path]
    assert len(items) <= expected
    assert {_identity(item) for item in items} == {_identity(item) for item in _items(client, path)}


def test_a_window_includes_its_start_and_not_its_end(client: httpx.Client, company: Company):
    moment = company.receipts[50].updated_at
    same = sum(receipt.updated_at == moment for receipt in company.receipts)
    stamp = moment.isoformat()
    just_after = (moment + timedelta(microseconds=1)).isoformat()
    counts = [
        client.get("/warehouse/receipts", params={"updated_since": since, "updated_until": until}).json()[
            "control"
        ]["count"]
        for since, until in ((stamp, just_after), (stamp, stamp), (just_after, just_after))
    ]
    assert counts == [same, 0, 0]


def test_the_future_cannot_be_seen(client: httpx.Client, company: Company, clock: SandboxClock):
    clock.set(BEGINNING)
    page = client.get("/mailbox/messages", params={"updated_until": "2027-01-01T00:00:00Z"}).json()
    assert page["as_of"] == "2026-02-27T09:00:00.000000Z"
    assert {item["message_id"] for item in page["items"]} == {
        document.message_id for document in company.documents if document.updated_at < BEGINNING
    }
    late = company.documents[-1].message_id
    assert client.get(f"/mailbox/messages/{late}/content").status_code == 404


def test_a_changed_order_line_comes_again(client: httpx.Client, company: Company, clock: SandboxClock):
    changed = next(line for line in company.order_lines if line.version == 2)
    first = next(line for line in company.order_lines if line.key == changed.key)

    def served(**parameters: str) -> list[tuple[int, str]]:
        return [
            (item["version"], item["unit_price"])
            for item in _items(client, "/erp/orders", supplier_id=changed.supplier_id, **parameters)
            if (item["po_number"], item["po_line"]) == changed.key
        ]

    clock.set(changed.updated_at)
    assert served() == [(1, f"{first.unit_price:f}")]
    clock.set(changed.updated_at + timedelta(seconds=1))
    assert served() == [(2, f"{changed.unit_price:f}")]
    assert served(updated_since=changed.updated_at.isoformat()) == [(2, f"{changed.unit_price:f}")]
    assert served(updated_until=changed.updated_at.isoformat()) == [(1, f"{first.unit_price:f}")]


def test_filters(client: httpx.Client, company: Company):
    supplier = company.order_lines[0].supplier_id
    orders = _items(client, "/erp/orders", supplier_id=supplier)
    assert orders
    assert {item["supplier_id"] for item in orders} == {supplier}
    numbers = {item["po_number"] for item in orders}
    receipts = _items(client, "/warehouse/receipts", supplier_id=supplier)
    assert {item["po_number"] for item in receipts} <= numbers
    mine = [document for document in company.documents if document.supplier_id == supplier]
    assert len(_items(client, "/mailbox/messages", supplier_id=supplier)) == len(mine)
    assert _items(client, "/erp/orders", entity="2000") == []
    assert len(_items(client, "/erp/suppliers", supplier_id=supplier)) == 1
    assert len(_items(client, "/erp/orders", entity="1000")) == len(_items(client, "/erp/orders"))


def test_items_write_numbers_as_text(client: httpx.Client):
    item = client.get("/erp/orders", params={"page_size": 1}).json()["items"][0]
    assert all(
        isinstance(item[name], str) for name in ("quantity", "unit_price", "price_base_quantity", "tax_rate")
    )
    assert item["updated_at"].endswith("Z")
    assert item["amount_based"] is False
    receipt = next(item for item in _items(client, "/warehouse/receipts") if item["reverses"])
    assert set(receipt["reverses"]) == {"receipt_number", "receipt_line"}
    assert receipt["quantity"].startswith("-")


@pytest.mark.parametrize("path", LISTS)
def test_an_unchanged_list_need_not_be_sent_again(client: httpx.Client, clock: SandboxClock, path: str):
    clock.set(BEGINNING)
    first = client.get(path, params={"page_size": 3})
    clock.set(BEGINNING + timedelta(seconds=1))
    again = client.get(path, params={"page_size": 3}, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["x-as-of"] == "2026-02-27T09:00:01.000000Z"
    other = client.get(path, params={"page_size": 2}, headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


def test_a_changed_list_is_sent_again(client: httpx.Client, clock: SandboxClock):
    clock.set(BEGINNING)
    tag = client.get("/warehouse/receipts").headers["etag"]
    clock.set(BEGINNING + timedelta(days=3))
    assert client.get("/warehouse/receipts", headers={"If-None-Match": tag}).status_code == 200


def test_content_is_the_bytes_as_they_came(client: httpx.Client, company: Company):
    for document in company.documents[::7]:
        answer = client.get(f"/mailbox/messages/{document.message_id}/content")
        assert answer.content == document.content
        assert answer.headers["content-type"].split(";")[0] == document.media_type
        assert answer.headers["etag"] == f'"{document.sha256}"'
    again = client.get(
        f"/mailbox/messages/{document.message_id}/content", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"page_size": 0}, 422),
        ({"page_size": 2001}, 422),
        ({"cursor": "nonsense"}, 400),
        ({"cursor": "é"}, 400),
        ({"updated_since": "yesterday"}, 422),
        ({"updated_until": "2026-03-01T00:00:00"}, 422),
    ],
)
def test_wrong_parameters_are_refused(client: httpx.Client, parameters: dict[str, Any], status: int):
    assert client.get("/erp/orders", params=parameters).status_code == status
