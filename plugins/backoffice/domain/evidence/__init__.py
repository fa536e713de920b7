"""Evidence packs: their form, the page in them, and the program that checks them without this product.

Every module here is part of every pack as it stands, together with ``domain/merkle.py`` and
``domain/checkpoint.py``. Python 3.9, the standard library and ``cryptography`` are all that they may need.
"""
