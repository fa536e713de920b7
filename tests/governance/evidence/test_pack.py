"""A pack of each kind of thing: it proves itself, holds what belongs to it, and nobody else's data."""

from __future__ import annotations

import pytest
from tests.governance.evidence.conftest import names

from backoffice.domain.evidence.archive import read_archive
from backoffice.governance.evidence.pack import pack_reference

pytestmark = pytest.mark.integration

KINDS = ("invoice", "answered", "rejected", "entry", "receipt", "reversal", "payment", "case", "policy")


@pytest.mark.parametrize("kind", KINDS)
def test_a_pack_of_each_kind_is_valid_and_the_same_each_time(auditor, kind) -> None:
    ref = names(auditor)[kind]
    pack = pack_reference(auditor, ref)
    assert pack.outcome.broken == ()
    assert pack.outcome.waiting == ()
    assert pack.outcome.records > 0
    assert pack_reference(auditor, ref).data == pack.data
