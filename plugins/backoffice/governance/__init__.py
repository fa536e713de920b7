"""What proves the work afterwards: finding what a name means, performing decisions again.

Reads the ledger and changes nothing. Needs no task runner: the command line, tasks and pages may use it
alike.
"""
