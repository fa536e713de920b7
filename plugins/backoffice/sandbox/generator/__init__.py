"""Invents a company's purchasing from a seed, and writes down what was planted where."""

from backoffice.sandbox.generator.company import generate
from backoffice.sandbox.generator.labels import label_record, write_labels
from backoffice.sandbox.generator.model import (
    Arrival,
    Company,
    Document,
    Fault,
    Label,
    OrderLine,
    Receipt,
    Supplier,
)

__all__ = [
    "Arrival",
    "Company",
    "Document",
    "Fault",
    "Label",
    "OrderLine",
    "Receipt",
    "Supplier",
    "generate",
    "label_record",
    "write_labels",
]
