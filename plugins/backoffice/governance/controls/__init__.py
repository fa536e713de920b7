"""The controls of the product as an auditor tests them: a catalogue as data, and its test over every item of a period.

``catalogue`` reads and proves ``include/controls``, ``examine`` tests, ``writing`` says it in words.
"""
