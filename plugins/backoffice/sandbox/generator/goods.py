"""What the company buys, and how an order line is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from backoffice.sandbox.generator.chance import Chance

STANDARD = Decimal("19")
REDUCED = Decimal("7")
NONE = Decimal("0")


@dataclass(frozen=True, slots=True)
class Goods:
    """An article or service: price range in cents per price base, quantity range in its smallest unit."""

    item: str
    description: str
    category: str
    uom: str
    cents: tuple[int, int]
    amounts: tuple[int, int]
    places: int = 0
    base: Decimal = Decimal("1")
    tax_rate: Decimal = STANDARD
    service: bool = False


@dataclass(frozen=True, slots=True)
class LineSpec:
    """An order line before it is ordered."""

    item: str
    description: str
    category: str
    uom: str
    quantity: Decimal
    unit_price: Decimal
    base: Decimal = Decimal("1")
    tax_rate: Decimal = STANDARD


HUNDRED = Decimal("100")

GOODS: tuple[Goods, ...] = (
    Goods("BRG-6204", "Rillenkugellager 20 x 47 x 14", "bearings", "EA", (310, 890), (10, 400)),
    Goods(
        "SCR-M8X40",
        "Zylinderschraube M8 x 40, verzinkt",
        "fasteners",
        "EA",
        (450, 1990),
        (200, 8000),
        0,
        HUNDRED,
    ),
    Goods("WSH-M8", "Washer M8 (A2)", "fasteners", "EA", (90, 480), (500, 20000), 0, HUNDRED),
    Goods("VLV-3/4", 'Ball valve 3/4" brass', "fittings", "EA", (1450, 4200), (4, 80)),
    Goods("GLV-XL", "Nitrile gloves <XL>, powder-free", "safety", "EA", (899, 2499), (5, 120)),
    Goods("OIL-46", "Hydrauliköl HLP 46", "lubricants", "LTR", (245, 610), (2000, 90000), 2),
    Goods("GRN-PP", "Polypropylene granulate, natural", "plastics", "KGM", (118, 264), (25000, 999999), 2),
    Goods("STL-S235", "Flachstahl S235JR 40 x 5", "metals", "KGM", (92, 310), (10000, 480000), 2),
    Goods("CU-WIRE", "Kupferdraht Ø 1,5 mm", "metals", "KGM", (880, 1320), (1250, 65000), 2),
    Goods("CBL-5G2.5", "Installation cable 5G2.5", "electrical", "MTR", (145, 390), (5000, 120000), 2),
    Goods("PAP-A4", "Copy paper A4, 80 g/m²", "office", "EA", (329, 615), (20, 600)),
    Goods("TNR-207", "Toner 207A & drum", "office", "EA", (4990, 11990), (1, 24)),
    Goods(
        "COF-BIO", "Kaffee, ganze Bohne", "catering", "KGM", (1290, 2150), (500, 12000), 2, tax_rate=REDUCED
    ),
    Goods("BOOK-TECH", "Technical handbook", "literature", "EA", (2990, 8990), (1, 30), tax_rate=REDUCED),
    Goods("PLANT-01", "Zimmerpflanze im Topf", "facility", "EA", (1190, 5900), (1, 40), tax_rate=REDUCED),
    Goods(
        "SEED-EXP",
        "Laboratory seed, zero-rated",
        "laboratory",
        "KGM",
        (4100, 9900),
        (100, 6000),
        2,
        tax_rate=NONE,
    ),
    Goods(
        "TRAIN-Z",
        "Safety course, tax exempt",
        "training",
        "HUR",
        (7800, 14500),
        (400, 4000),
        2,
        tax_rate=NONE,
    ),
    Goods("SVC-MAINT", "Wartung vor Ort", "services", "HUR", (6800, 11800), (100, 8000), 2, service=True),
    Goods("SVC-CONS", "Consulting, remote", "services", "HUR", (9500, 18900), (200, 12000), 2, service=True),
    Goods("SVC-CLEAN", "Gebäudereinigung", "services", "HUR", (2450, 3900), (500, 16000), 2, service=True),
)

_MATERIAL = tuple(goods for goods in GOODS if not goods.service)
_DIVISIBLE = tuple(goods for goods in _MATERIAL if goods.amounts[0] >= 10)
_SERVICES = tuple(goods for goods in GOODS if goods.service)


def specs(chance: Chance, count: int, *, services: bool = False, divisible: bool = False) -> list[LineSpec]:
    """So many order lines.

    :param services: Of what is billed without a goods receipt.
    :param divisible: Of what comes in quantities of ten and more smallest units.
    """
    choice = _SERVICES if services else (_DIVISIBLE if divisible else _MATERIAL)
    return [_spec(chance, chance.pick(choice)) for _ in range(count)]


def share(quantity: Decimal, percent: int) -> Decimal:
    """So many percent of a quantity in its own smallest unit, rounded down: 45 % of 11 are 4."""
    return (quantity * percent / 100).quantize(quantity, rounding=ROUND_DOWN)


def _spec(chance: Chance, goods: Goods) -> LineSpec:
    quantity = chance.decimal(*goods.amounts, goods.places)
    price = chance.decimal(*goods.cents, 2)
    return LineSpec(
        goods.item, goods.description, goods.category, goods.uom, quantity, price, goods.base, goods.tax_rate
    )


def measured(
    quantity: Decimal | str, price: Decimal | str, *, base: str = "1", rate: Decimal = STANDARD
) -> LineSpec:
    """A line in kilograms whose quantity and price are chosen, so that a limit is met to the cent."""
    return LineSpec(
        "GRN-PP",
        "Polypropylene granulate, natural",
        "plastics",
        "KGM",
        Decimal(quantity),
        Decimal(price),
        Decimal(base),
        rate,
    )
