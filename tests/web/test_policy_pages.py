"""The pages of policies: what they show whom, and that nobody's text becomes markup."""

from __future__ import annotations

import re

import pytest
from tests.books import Books as Night
from tests.changing import INSTALLED, NEXT, limited, version
from tests.web.test_policies_api import act, propose

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def proposed(login) -> dict:
    """Half the limit from the next version on, proposed by the clerk."""
    return propose(login("clerk"), limited(NEXT, "50000.00"), reason=f"fewer cases {EVIL}").json()


def page(login, user: str, address: str) -> str:
    response = login(user).get(address)
    assert response.status_code == 200, response.text
    return response.text


def test_the_list_leads_to_versions_and_proposals(login, proposed) -> None:
    text = page(login, "buyer", "/policies")
    assert f'href="/policies/approve_invoice/versions/{INSTALLED}"' in text
    assert f'href="/policies/proposals/{proposed["proposal_id"]}"' in text
    assert "entered by the owner" in text
    assert "0 of 0" in text


def test_a_version_is_shown_with_its_text(login) -> None:
    text = page(login, "buyer", f"/policies/approve_invoice/versions/{INSTALLED}")
    assert "machine_limit: 100000.00 EUR" in text
    assert "100,000.00" in text
    assert login("buyer").get("/policies/approve_invoice/versions/7").status_code == 404


def test_the_proposal_offers_each_person_what_they_may_do(login, proposed) -> None:
    address = f"/policies/proposals/{proposed['proposal_id']}"
    offered = {
        user: re.findall(r'<button [^>]*value="(\w+)"', page(login, user, address))
        for user in ("manager", "clerk", "buyer")
    }
    assert offered == {"manager": ["approve", "refuse"], "clerk": ["withdraw"], "buyer": []}
    shown = page(login, "manager", address)
    assert f'data-impact="{proposed["impact_sha256"]}"' in shown
    assert "+machine_limit: 50000.00 EUR" in shown
    assert EVIL not in shown
    assert "&lt;script&gt;" in shown
    assert "no authority as policy owner" in page(login, "buyer", address)


def test_a_settled_proposal_has_no_form(login, proposed) -> None:
    assert act(login("manager"), proposed, "refuse").status_code == 200
    text = page(login, "clerk", f"/policies/proposals/{proposed['proposal_id']}")
    assert "<form" not in text
    assert "Max Manager" in text


def test_what_would_change_is_listed_with_amounts(login, ledger) -> None:
    with ledger.connect("app") as app:
        night = Night(app).open_run("night-1")
        night.supplier()
        night.order("PO-1", 1, 1000, 100)
        night.receive("PO-1", 1, 1000)
        night.invoice("R-1", [("PO-1", 1, 600, 100)])
        night.night()
    told = propose(login("clerk"), limited(NEXT, "50000.00")).json()
    text = page(login, "manager", f"/policies/proposals/{told['proposal_id']}")
    assert "1 of the last 1 decisions" in text
    assert "72,000.00" in text
    assert "above_machine_limit" in text


def test_a_text_of_another_kind_stays_text(login) -> None:
    told = propose(login("clerk"), version(NEXT) + f"# {EVIL}\n").json()
    assert EVIL not in page(login, "manager", f"/policies/proposals/{told['proposal_id']}")
    act(login("manager"), told, "approve")
    assert EVIL not in page(login, "manager", f"/policies/approve_invoice/versions/{NEXT}")


def test_who_may_propose_finds_the_form_with_the_latest_text(login, proposed) -> None:
    address = "/policies/approve_invoice/propose"
    assert f'href="{address}"' in page(login, "clerk", "/policies")
    assert address not in page(login, "buyer", "/policies")
    text = page(login, "clerk", address)
    assert "machine_limit: 100000.00 EUR" in text
    assert "has no authority as policy owner" in page(login, "buyer", address)
    act(login("manager"), proposed, "approve")
    assert "machine_limit: 50000.00 EUR" in page(login, "clerk", address)
    for nothing in ("/policies/other/propose", "/policies/%00/propose"):
        assert login("clerk").get(nothing).status_code == 404


def test_the_text_in_the_form_stays_text(login) -> None:
    evil = "</textarea><script>alert(1)</script>"
    told = propose(login("clerk"), version(NEXT) + f"# {evil}\n").json()
    act(login("manager"), told, "approve")
    assert evil not in page(login, "clerk", "/policies/approve_invoice/propose")
