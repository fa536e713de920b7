"""The sandbox company: a small, made-up business with an ERP, a warehouse and an invoice mailbox over HTTP.

It has two halves. ``generator`` invents suppliers, orders, receipts and e-invoices from a seed and writes
down what it planted. ``server`` puts them behind HTTP the way real source systems do. Neither knows how the
product judges what it reads, so that the product can be measured against it.
"""
