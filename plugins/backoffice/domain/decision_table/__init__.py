"""Decision tables in DMN words: policies as data that decide, and say why and why not.

A policy is YAML: typed inputs, outcomes and who is needed for them, rules with ids, a mandatory default
that is the safe outcome, and examples. Cells hold no code. A policy is proven when it is loaded:
``load_policy`` refuses one with gaps, overlaps, shadowed rules, unreachable outcomes, authority that falls
as an amount rises, or examples that fail, and names all its faults at once. With an input that is missing,
of the wrong type, in another currency or unknown the default decides; a name that is no input is refused.
``docs/reference/policies.md`` is the full format.

``backoffice.domain.decision_table.columns`` decides whole columns with numpy, to the same result.
"""

from backoffice.domain.decision_table.decision import Decision, given_by
from backoffice.domain.decision_table.findings import Finding, Kind, PolicyError
from backoffice.domain.decision_table.inputs import Input
from backoffice.domain.decision_table.nearest import Change, Nearest
from backoffice.domain.decision_table.policy import Policy, UnknownInput
from backoffice.domain.decision_table.reader import Examination, examine_policy, load_policy
from backoffice.domain.decision_table.table import Outcome, Rule
from backoffice.domain.decision_table.values import Money, Unusable

__all__ = [
    "Change",
    "Decision",
    "Examination",
    "Finding",
    "Input",
    "Kind",
    "Money",
    "Nearest",
    "Outcome",
    "Policy",
    "PolicyError",
    "Rule",
    "UnknownInput",
    "Unusable",
    "examine_policy",
    "given_by",
    "load_policy",
]
