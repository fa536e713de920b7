"""The verbs with which a planting tells its story: bill, credit, send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from backoffice.sandbox.generator.draft import Draft, DraftLine, money
from backoffice.sandbox.generator.goods import LineSpec, specs
from backoffice.sandbox.generator.model import OrderLine, Outcome, Supplier
from backoffice.sandbox.generator.stage import Part, Stage, Timeline, full
from backoffice.sandbox.generator.ubl import STYLES, render
from backoffice.sandbox.generator.world import mail_of

THREE_WAY = 3


@dataclass(frozen=True, slots=True)
class Story:
    """An order with its supplier and times, and the receipt number if it was received."""

    supplier: Supplier
    lines: list[OrderLine]
    when: Timeline
    receipt_number: str | None


class Scene(Stage):
    """A stage with paper: invoices and credit notes from its orders, sent into the mailbox."""

    def invoice(
        self, supplier: Supplier, parts: Sequence[Part], issued: int, *, receipt_number: str | None = None
    ) -> Draft:
        """A faultless invoice for parts of one order."""
        date = self.world.days[issued]
        return Draft(
            kind="invoice",
            supplier=supplier,
            supplier_id=supplier.supplier_id,
            number=self.world.numbers[supplier.supplier_id].next(date.year),
            issued=date,
            due=date + timedelta(days=supplier.payment_terms_days),
            currency=self.world.currency,
            po_number=parts[0][0].po_number if parts else None,
            lines=[self._bill(place, *part) for place, part in enumerate(parts, start=1)],
            receipt_number=receipt_number,
        )

    def credit(self, original: Draft, parts: Sequence[Part], issued: int) -> Draft:
        """A faultless credit note for parts of what an invoice billed."""
        draft = self.invoice(original.supplier, parts, issued)
        draft.kind = "credit_note"
        draft.number = self.world.numbers[original.supplier.supplier_id].next(draft.issued.year, credit=True)
        draft.preceding = (original.number, original.issued)
        return draft

    def _bill(self, place: int, line: OrderLine, quantity: Decimal) -> DraftLine:
        return DraftLine(
            number=str(place),
            po_line=line.po_line,
            order_key=line.key,
            item=line.item,
            description=line.description,
            quantity=quantity,
            uom=line.uom,
            price=line.unit_price,
            base=line.price_base_quantity,
            net=money(quantity * line.unit_price / line.price_base_quantity),
            tax_rate=line.tax_rate,
            tax_category="S" if line.tax_rate else ("E" if line.category == "training" else "Z"),
        )

    def send(self, draft: Draft, day: int, outcome: Outcome, *, at: datetime | None = None) -> bytes:
        """Send a document so that it arrives that day, and set down its labels.

        :return: The bytes that were sent.
        """
        style = self.chance.pick((0, 0, 0, 1, 1, 1, STYLES - 2, STYLES - 1))
        content = render(draft, style)
        moment = at or self.at(day, 8, 14)
        self.world.add_mail(mail_of(draft, content, moment, self.filename(draft), self.scenario, outcome))
        return content

    def filename(self, draft: Draft) -> str:
        """A file name as senders choose them, some of them unwise."""
        number = draft.number
        return self.chance.pick(
            (
                f"{number}.xml",
                f"Rechnung {number}.xml",
                "invoice.xml",
                f"{draft.supplier.supplier_id}_{draft.issued:%Y%m%d}.XML",
                f"../../{number}.xml",
            )
        )

    def bought(
        self,
        specifications: Sequence[LineSpec],
        *,
        supplier: Supplier | None = None,
        when: Timeline | None = None,
        match_type: int = 3,
        gr_based: bool = False,
        received: bool = True,
        approved: bool = True,
        status: str = "open",
    ) -> Story:
        """Order, and unless it is a two-way order receive everything before the document is dated."""
        supplier = supplier or self.supplier()
        when = when or self.timeline()
        lines = self.order(
            supplier,
            specifications,
            when.ordered,
            match_type=match_type,
            gr_based=gr_based,
            approved=approved,
            status=status,
        )
        receipt_number = None
        if received and match_type == THREE_WAY:
            receipt_number = self.receive(full(lines), when.received)[0].receipt_number
        return Story(supplier, lines, when, receipt_number)

    def bill(self, story: Story, parts: Sequence[Part] | None = None) -> Draft:
        """The faultless invoice of a story, for everything ordered unless parts are given."""
        bound = story.receipt_number if story.lines[0].gr_based else None
        parts = full(story.lines) if parts is None else parts
        return self.invoice(story.supplier, parts, story.when.issued, receipt_number=bound)

    def padding(self, most: int = 2) -> list[LineSpec]:
        """A few faultless lines beside the line that matters."""
        return specs(self.chance, self.chance.whole(0, most))
