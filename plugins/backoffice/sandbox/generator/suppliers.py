"""The company's suppliers: made-up names, among them some that break careless software."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from backoffice.sandbox.generator.chance import Chance
from backoffice.sandbox.generator.days import Days
from backoffice.sandbox.generator.model import Supplier

FEWEST = 24
MOST = 400

_AWKWARD_NAMES = (
    "Grützner & Söhne Werkzeugbau GmbH",
    'Brandl "Präzision" Dreherei e. K.',
    "O'Sheridan Tools Ltd",
    "Żurawski Logistyka Sp. z o.o.",
    "Ελληνικά Υλικά Θάσου",
    "Tabelle'; DROP TABLE supplier;-- Verlag",
    "<script>alert('Papier')</script> Druckerei",
    "=1+1 Tabellenbau UG",
    "{{ 7 * 7 }} Systems B.V.",
    "100 % %s Reinigung GmbH & Co. KG",
    "東海部品 Europe GmbH",
    "Böttcher\u00a0\u200bUnsichtbar AG",
    "Zeilen\u2028bruch Transporte",
    "\u202eKabel rückwärts GmbH",
    "Pumpen 🛠 Notdienst",
    "null",
)
_FIRST = ("Alt", "Berg", "Düne", "Eich", "Falk", "Hagen", "Linden", "Moor", "Nord", "Rhön", "Stein", "Wald")
_SECOND = ("bach", "brück", "feld", "hafen", "mühl", "rode", "see", "tal")
_TRADE = ("Antriebe", "Bedarf", "Chemie", "Dienste", "Elektrik", "Handel", "Kunststoffe", "Metall", "Technik")
_FORM = ("GmbH", "AG", "KG", "GmbH & Co. KG", "SE", "e. K.")
_CITIES = {
    "DE": ("Kiel", "Gera", "Hanau", "Ulm"),
    "AT": ("Graz", "Wels"),
    "NL": ("Zwolle", "Breda"),
    "FR": ("Brest", "Nîmes"),
    "PL": ("Łódź", "Płock"),
    "IE": ("Sligo", "Tralee"),
}
_TERMS = (14, 30, 30, 30, 45, 60)
_GROUP_SIZE = 3
_GROUPS = 3


@dataclass(frozen=True, slots=True)
class _Country:
    vat: str
    account: str


# A pattern's 9s are literal: bank codes and VAT blocks that no authority gives out; # is a drawn digit.
_COUNTRIES = {
    "DE": _Country("DE999######", "99999999##########"),
    "AT": _Country("ATU999#####", "99999###########"),
    "NL": _Country("NL999######B##", "XXXX##########"),
    "FR": _Country("FR99999######", "9999999999###########99"),
    "PL": _Country("PL999#######", "99999999################"),
    "IE": _Country("IE999####X", "XXXX99999#########"),
}


def suppliers(seed: int, size: int, currency: str, days: Days) -> list[Supplier]:
    """All suppliers of a company of so many documents; the last one is blocked and sends nothing.

    The first nine form three groups of related suppliers.
    """
    count = max(FEWEST, min(MOST, FEWEST + size // 25))
    return [_supplier(seed, index, count, currency, days) for index in range(count)]


def _supplier(seed: int, index: int, count: int, currency: str, days: Days) -> Supplier:
    chance = Chance(seed, "supplier", index)
    country = "DE" if chance.hit(60) else chance.pick(sorted(_COUNTRIES))
    pattern = _COUNTRIES[country]
    started = datetime.combine(days[0] - timedelta(days=chance.whole(1, 300)), time(6, tzinfo=UTC))
    return Supplier(
        supplier_id=f"S{10000 + index}",
        name=_name(chance, index),
        vat_id=_numbered(pattern.vat, index, chance),
        iban=iban(country, _numbered(pattern.account, index, chance)),
        supplier_group=f"G{index // _GROUP_SIZE + 1}" if index < _GROUPS * _GROUP_SIZE else None,
        country=country,
        city=chance.pick(_CITIES[country]),
        currency=currency,
        payment_terms_days=chance.pick(_TERMS),
        blocked=index == count - 1,
        updated_at=started + timedelta(minutes=chance.whole(0, 600)),
    )


def _name(chance: Chance, index: int) -> str:
    if index < len(_AWKWARD_NAMES):
        return _AWKWARD_NAMES[index]
    place = chance.pick(_FIRST) + chance.pick(_SECOND)
    return f"{place}er {chance.pick(_TRADE)} {chance.pick(_FORM)}"


def _numbered(pattern: str, index: int, chance: Chance) -> str:
    """The pattern with its last places counting, so that no two suppliers share an identifier."""
    places = pattern.count("#")
    digits = iter(chance.digits(places - 3) + f"{index:03d}")
    return "".join(next(digits) if sign == "#" else sign for sign in pattern)


def iban(country: str, account: str) -> str:
    """The account with its country and check digits after ISO 13616 (remainder 1 modulo 97)."""
    spelled = "".join(str(int(sign, 36)) for sign in f"{account}{country}00")
    return f"{country}{98 - int(spelled) % 97:02d}{account}"
