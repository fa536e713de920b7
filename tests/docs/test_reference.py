"""The reference pages name everything that there is, and nothing that is not."""

from __future__ import annotations

import csv
import dataclasses
import json
import re

import pytest
import yaml
from tests.docs.pages import PROJECT, marked_table, page, section, spans, tables

PLUGINS = PROJECT / "plugins" / "backoffice"
ROLES = {
    "ap_clerk": "accounts payable",
    "ap_manager": "accounts payable manager",
    "buyer": "buyer",
    "receiver": "receiver",
}


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a reference file."""
    with (PROJECT / "include" / "reference" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def source(*folders: str, ending: str) -> str:
    """Return the text of all files with this ending below folders of the project."""
    paths = sorted(path for folder in folders for path in (PROJECT / folder).rglob(f"*{ending}"))
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


SQL = source("plugins/backoffice/migrations/routines", "include/sql/invoice_reconciliation", ending=".sql")


# -- matching --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", rows("hold_codes"), ids=lambda row: row["code"])
def test_a_hold_code_is_documented(code) -> None:
    text = " ".join(section(page("docs/reference/matching.md"), code["code"]).split())
    assert f"Effect {code['effect']}" in text
    assert f"Role: {ROLES[code['role']]}." in text
    assert re.search(f"By a person: {'yes' if code['manual_release'] == 'true' else 'no'}[.:;]", text)


def test_no_code_is_documented_that_does_not_exist() -> None:
    headings = re.findall(r"^### ([A-Z_]+)$", page("docs/reference/matching.md"), re.MULTILINE)
    assert sorted(headings) == sorted(row["code"] for row in rows("hold_codes"))


def test_the_shipped_limits_are_documented() -> None:
    table = marked_table(page("docs/reference/matching.md"), "tolerances")
    shipped = [
        [row["code"], row["up_pct"], row["up_abs"], row["combine"]]
        for row in rows("tolerances")
        if row["tolerance_set"] == "default"
    ]
    assert [list(row.values()) for row in table.rows] == shipped


def test_what_waits_for_a_source_is_documented() -> None:
    table = marked_table(page("docs/reference/matching.md"), "depends_on")
    documented = {
        (row["missing"], code)
        for row in table.rows
        for code in row["codes that are not raised anew"].split(", ")
    }
    assert documented == {(row["depends_on"], row["code"]) for row in rows("hold_codes") if row["depends_on"]}


def test_the_policy_is_documented_rule_by_rule() -> None:
    policy = yaml.safe_load(page("include/policies/invoice_reconciliation/approve_invoice.yaml"))
    table = marked_table(page("docs/reference/matching.md"), "policy")
    # a review that does not ask everything yet says so
    expected = [
        (rule["id"], rule["then"] + (", not yet the receipt" if "not_yet" in rule else ""))
        for rule in policy["rules"]
    ] + [("default", policy["default"]["then"])]
    assert [(row["rule"], row["outcome"]) for row in table.rows] == expected
    for rule, row in zip(policy["rules"], table.rows, strict=False):
        for condition in rule["when"].values():
            for number in re.findall(r"[0-9.]+", str(condition)):
                assert number in row["when"]


def test_the_reasons_of_each_answer_are_documented() -> None:
    offered: dict[str, list[str]] = {}
    for row in sorted(rows("reason_codes"), key=lambda row: int(row["place"])):
        offered.setdefault(row["action"], []).append(row["code"])
    assert len(offered) == 5
    documented = {
        row["action"]: spans(row["reason codes"])
        for table in tables(page("docs/how-to/decide-a-case.md"))
        if "reason codes" in table.header
        for row in table.rows
    }
    assert documented == offered


# -- journal, audit, roles -------------------------------------------------------------------------------------------


def test_the_accounts_are_documented() -> None:
    names = {row["account"]: row["name"] for row in rows("accounts")}
    table = marked_table(page("docs/reference/journal.md"), "accounts")
    assert [list(row.values()) for row in table.rows] == [
        [row["role"], row["account"], names[row["account"]]] for row in rows("account_roles")
    ]


def test_every_kind_and_field_of_an_audit_record_is_documented() -> None:
    text = page("docs/reference/audit-records.md")
    kinds = re.findall(
        r"CHECK \(kind IN \(('decision'[^)]*)\)\)",
        source("plugins/backoffice/migrations/schema", ending=".sql"),
    )
    allowed = {kind for one in kinds for kind in re.findall(r"'(\w+)'", one)}
    assert len(allowed) > 10
    assert set(re.findall(r"^### (\w+)$", text, re.MULTILINE)) == allowed
    named = set(spans(text))
    assert set(re.findall(r"'([a-z_0-9]+)', audit\.(?:text|number)\(", SQL)) - named == set()
    steps = set(re.findall(r"'(?:step|effect)', audit\.text\('([^']+)'\)", SQL))
    for one, other in re.findall(
        r"'step', audit\.text\(CASE WHEN [^']*? THEN '([^']+)' ELSE '([^']+)' END\)", SQL
    ):
        steps |= {one, other}
    assert len(steps) >= 10
    assert steps - named == set()


def test_what_each_role_may_call_is_documented() -> None:
    text, grants = (
        page("docs/reference/ledger-roles.md"),
        page("plugins/backoffice/migrations/routines/90_grants.sql"),
    )
    granted: dict[str, set[str]] = {}
    for functions, to in re.findall(r"GRANT EXECUTE ON FUNCTION ([^;]*?)\s+TO ([^;]*);", grants):
        roles = [role.strip() for role in to.split(",")]
        heading = "reading" if len(roles) == 3 else roles[0]
        granted.setdefault(heading, set()).update(re.findall(r"\w+\.\w+", functions))
    assert granted.keys() == {
        "backoffice_app",
        "backoffice_web",
        "backoffice_auditor",
        "backoffice_sealer",
        "reading",
    }
    headings = {
        "backoffice_app": "Functions of tasks (`backoffice_app`)",
        "backoffice_web": "Functions of the review pages (`backoffice_web`)",
        "backoffice_auditor": "Functions of the auditor (`backoffice_auditor`)",
        "backoffice_sealer": "Functions of the sealer (`backoffice_sealer`)",
    }
    for role, heading in headings.items():
        listed = tables(section(text, heading))[0].column("function")
        assert {name for cell in listed for name in spans(cell)} == granted[role]
    assert set(spans(section(text, "Functions for reading (tasks, pages, auditor)"))) == granted["reading"]


def test_every_check_of_the_log_is_documented() -> None:
    from backoffice.domain.audit.findings import CHECKS

    table = marked_table(page("docs/reference/audit-log.md"), "checks")
    assert {row["check"].strip("`"): row["proves"] for row in table.rows} == CHECKS


def test_where_tasks_may_insert_is_documented() -> None:
    grants = page("plugins/backoffice/migrations/routines/90_grants.sql")
    granted = {
        name
        for names, _ in re.findall(r"GRANT INSERT(?: \([^)]*\))? ON ([^;]*?)\s+TO (backoffice_app);", grants)
        for name in re.findall(r"\w+\.\w+", names)
    }
    assert len(granted) > 5
    listed = section(page("docs/reference/ledger-roles.md"), "Tables that tasks add to")
    assert {name for name in spans(listed) if "." in name} == granted


def test_every_log_in_of_the_ledger_is_documented() -> None:
    from backoffice.migrations import LOG_INS, OWNER

    listed = tables(page("docs/reference/ledger-roles.md"))[0].column("role")
    assert {name.strip("`") for name in listed} == {OWNER, *LOG_INS}


# -- settings --------------------------------------------------------------------------------------------------------

# Set by the installation for its own processes; nobody else needs them.
INTERNAL = {"BACKOFFICE_INSTANCE", "BACKOFFICE_SERVICE", "BACKOFFICE_DEMO_BEGAN"}
PYTHON = source("plugins", ending=".py")


def test_every_option_is_documented_and_every_documented_option_is_read() -> None:
    read = {*re.findall(r"\boption\(\"(\w+)\"", PYTHON)}
    listed = section(page("docs/reference/settings.md"), "Options of the section `[backoffice]`")
    options, variables = tables(listed)
    assert {cell.strip("`") for cell in options.column("option")} == read
    named = set(re.findall(r"\"(AIRFLOW__BACKOFFICE__\w+)\"", PYTHON))
    apart = {name for name in named if name.removeprefix("AIRFLOW__BACKOFFICE__").lower() not in read}
    assert {cell.strip("`") for cell in variables.column("variable")} == apart


def test_every_variable_of_the_environment_is_documented() -> None:
    read = set(re.findall(r"\"(BACKOFFICE_[A-Z_]+)\"", PYTHON)) - INTERNAL
    text = page("docs/reference/settings.md")
    headings = ("Environment of the local installation", "Environment of the sealer")
    listed = [cell for heading in headings for cell in tables(section(text, heading))[0].column("variable")]
    assert {name for cell in listed for name in spans(cell)} == read


def test_every_connection_is_documented() -> None:
    from backoffice.processes.invoice_reconciliation import HttpSource, Reconciliation
    from backoffice.settings import LEDGER_CONN_ID

    sources = {one.http_conn_id for one in Reconciliation().sources if isinstance(one, HttpSource)}
    table = tables(section(page("docs/reference/settings.md"), "Connections"))[0]
    assert {cell.strip("`") for cell in table.column("connection")} == {LEDGER_CONN_ID, *sources}


def test_the_configuration_and_the_form_of_a_dag_are_documented() -> None:
    from backoffice.processes.invoice_reconciliation import Reconciliation, run_params

    text = page("docs/reference/settings.md")
    arguments = tables(section(text, "Configuration of a Dag"))[0].column("argument")
    assert {cell.strip("`") for cell in arguments} == {
        field.name for field in dataclasses.fields(Reconciliation)
    }
    parameters = tables(section(text, "Parameters of a manual run"))[0].column("parameter")
    assert {name for cell in parameters for name in spans(cell)} == run_params().keys()


# -- REST API, intake ------------------------------------------------------------------------------------------------


def routes(module: str, prefix: str = "") -> set[str]:
    """Return method and path of each route in a module."""
    text = (PLUGINS / "web" / f"{module}.py").read_text(encoding="utf-8")
    found = re.findall(r"@router\.(\w+)\(\s*\"([^\"]+)\"", text)
    return {f"{method.upper()} {prefix}{path}" for method, path in found}


def test_every_route_is_documented() -> None:
    text = page("docs/reference/rest-api.md")
    prefix = re.search(
        r"^PREFIX = \"([^\"]+)\"", (PLUGINS / "web" / "api.py").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert prefix
    headings = re.findall(r"^### `([^`]+)`$", text, re.MULTILINE)
    routers = ("api", "authority_api", "case_api", "log_api", "policy_api", "privacy_api")
    assert set(headings) == set().union(*(routes(router, prefix[1]) for router in routers))
    pages = tables(section(text, "Pages"))[0].column("address")
    assert {span for cell in pages for span in spans(cell)} == set().union(
        *(
            routes(router)
            for router in ("pages", "policy_pages", "own_pages", "audit_pages", "authority_pages")
        )
    )


def test_the_fields_of_an_answer_are_documented() -> None:
    from backoffice.web.models import AnswerRequest

    listed = tables(section(page("docs/reference/rest-api.md"), "`POST /api/v1/cases/{case_id}/answers`"))[0]
    assert {cell.strip("`") for cell in listed.column("field")} == set(AnswerRequest.model_fields)


def test_the_fields_of_a_change_of_authority_are_documented() -> None:
    from backoffice.web.authority_models import ChangeRequest

    listed = tables(section(page("docs/reference/rest-api.md"), "`POST /api/v1/authority/changes`"))[0]
    assert {cell.strip("`") for cell in listed.column("field")} == set(ChangeRequest.model_fields)


def test_the_fields_of_a_change_of_a_policy_are_documented() -> None:
    from backoffice.web.policy_models import ApprovalRequest, ProposalRequest

    for route, model in (
        ("POST /api/v1/policies/proposals", ProposalRequest),
        ("POST /api/v1/policies/proposals/{proposal_id}/approve", ApprovalRequest),
    ):
        listed = tables(section(page("docs/reference/rest-api.md"), f"`{route}`"))[0]
        assert {cell.strip("`") for cell in listed.column("field")} == set(model.model_fields)


def test_the_fields_about_the_log_are_documented() -> None:
    from backoffice.web.log_models import ConfirmationRequest, LogProposal, LostKeyRequest, RestoreRequest

    text = page("docs/reference/rest-api.md")
    for route, model in {
        "GET /api/v1/log/proposals": LogProposal,
        "POST /api/v1/log/restores": RestoreRequest,
        "POST /api/v1/log/keys": LostKeyRequest,
        "POST /api/v1/log/proposals/{proposal_id}/confirmation": ConfirmationRequest,
    }.items():
        assert set(model.model_fields) <= set(spans(section(text, f"`{route}`"))), route


def test_every_suite_is_documented() -> None:
    text = section(page("docs/reference/intake.md"), "Quality gates")
    listed = next(table for table in tables(text) if table.header[0] == "suite")
    shipped = {path.stem for path in (PROJECT / "include" / "expectations").glob("*.json")}
    assert {name for cell in listed.column("suite") for name in spans(cell)} == shipped


def test_every_state_of_a_load_is_documented() -> None:
    states = re.search(
        r"'reading'\s*\n?\s*CHECK \(state IN \(([^)]*)\)\)",
        source("plugins/backoffice/migrations/schema", ending=".sql"),
    )
    assert states
    listed = tables(section(page("docs/reference/intake.md"), "Loads"))[0]
    assert {cell.strip("`") for cell in listed.column("state")} == set(re.findall(r"'(\w+)'", states[1]))


def test_the_expectation_shown_as_an_example_is_one() -> None:
    from backoffice.domain.expectation_suite import parse_suite

    text = section(page("docs/reference/intake.md"), "Add an expectation")
    examples = re.findall(r"(?:^ {7}.*\n|^\n(?= {7}))+", text, re.MULTILINE)
    condition, expectation = (
        re.sub(r"^ {7}", "", example, flags=re.MULTILINE).strip() for example in examples[:2]
    )
    suite = parse_suite(
        "receipts",
        json.dumps({"name": "receipts", "expectations": [json.loads(expectation)]}),
        condition_text={"quantity_too_large.sql": condition}.__getitem__,
        reference_rows=lambda name: [],
    )
    assert [(check.severity, check.condition) for check in suite.checks] == [
        ("quarantine", "quantity > 100000")
    ]


def test_every_key_of_an_extract_profile_is_documented() -> None:
    from backoffice.domain import extract_profile_text

    named = set(spans(page("docs/reference/extract-profiles.md")))
    assert {*extract_profile_text._TOP, *extract_profile_text._RECORDS} - {
        name.removeprefix("join.") for name in named
    } <= {"tables", "records"}


def test_how_long_what_is_kept_is_documented() -> None:
    kept = section(page("docs/explanation/personal-data.md"), "Retention")
    table = next(one for one in tables(kept) if one.header[0] == "class")
    words = {"fiscal_year": "end of the fiscal year", "record": "the record"}
    shipped = [
        [f"`{row['class']}`", row["years"] or "for ever", words[row["counted_from"]] if row["years"] else ""]
        for row in rows("retention")
    ]
    assert sorted(list(row.values())[:3] for row in table.rows) == sorted(shipped)
