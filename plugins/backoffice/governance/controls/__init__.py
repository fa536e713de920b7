"""The controls as an auditor tests them: a catalogue as data, tested over every item of a period.

``catalogue`` reads and proves ``include/controls``, ``examine`` tests, ``writing`` says it in words.
"""
