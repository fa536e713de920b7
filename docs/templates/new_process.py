"""``make new-process NAME=overdue_items``: write a small process that runs, to start one's own from.

The files in ``process/`` beside this one are filled in and put where they belong; the new Dag is entered in
the list of tags and in the tables of the documents. Nothing that is there is overwritten: what cannot be done
is said before anything is written, and exit code 2 means that nothing was.
"""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from string import Template

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LONGEST = 40
# two letters first: a class name in capitals alone would be sorted like a constant
NAME = re.compile(r"[a-z]{2}[a-z0-9]*(_[a-z0-9]+)*")
# what the files of a new process name themselves
TAKEN = {"annotations", "build_tasks", "dag", "decide_open_items_operator", "open_run_operator", "tag"}

FILES = {
    "package.py": "plugins/backoffice/processes/$name/__init__.py",
    "config.py": "plugins/backoffice/processes/$name/config.py",
    "build.py": "plugins/backoffice/processes/$name/build.py",
    "decide.py": "plugins/backoffice/processes/$name/decide.py",
    "dag.py": "dags/$name.py",
    "list_open_items.sql": "include/sql/$name/list_open_items.sql",
    "policy.yaml": "include/policies/$name/decide_$name.yaml",
    "test_decide.py": "tests/processes/$name/test_decide.py",
    "how-to.md": "docs/how-to/$page.md",
    "run-book.md": "docs/how-to/runbook-$page.md",
}

# file, what the addition stands behind, the addition
ENTRIES = (
    ("plugins/backoffice/tags.py", r'(^    \w+ = "process:\w+"\n)+', '    $constant = "process:$name"\n'),
    (
        "README.md",
        r"^\| process \| Dag \|.*\n(\|.*\n)+",
        "| $title, mornings but Sunday | `$name` | what no rule of `decide_$name` covers is for a person | "
        "read the list of the run | a list per run |\n",
    ),
    (
        "dags/README.md",
        r"^\| Dag \| schedule .*\n(\|.*\n)+",
        "| [`$name`]($name.py) | `0 5 * * 1-6` | 1 | 2 | lists open items that a person has to look at |\n",
    ),
    (
        "dags/README.md",
        r"\Z",
        "\n## $name\n\n"
        "| task | operator |\n|---|---|\n"
        "| `open_run` | `OpenRunOperator` |\n| `decide_open_items` | `DecideOpenItemsOperator` |\n\n"
        "It changes nothing but its own list. Tags: `process:$name`, `impact:tier_2`.\n"
        "[Run-book](../docs/how-to/runbook-$page.md).\n",
    ),
    (
        "docs/README.md",
        r"^\*\*How to\*\*\n(.+\n)*.+(?=\n\n)",
        " ·\n[$title](how-to/$page.md) ·\n[run-book: $title](how-to/runbook-$page.md)",
    ),
)

DONE = """\
Wrote the process $name. It runs as it stands: it decides each open item by its policy and lists those
that a person has to look at.

New:
$files
Entered in:
$entries

Next:
  1. make lint && .venv/bin/python -m pytest tests/processes/$name tests/dags tests/docs
  2. Ask your own question in include/sql/$name, and decide it in include/policies/$name.
  3. .venv/bin/backoffice migrate    (activates the policy as it then is; each later text is a new version)
  docs/how-to/write-your-own-process.md goes on from here.
"""


class Refused(Exception):
    """The process cannot be written; the message says why and what to do."""


def main(arguments: list[str]) -> int:
    """Write the process and say what was written, or say why not."""
    try:
        name = checked(arguments[0] if len(arguments) == 1 else "")
        words = values_of(name)
        files = {Template(path).substitute(words): filled(file, words) for file, path in FILES.items()}
        refuse_existing(name, files)
        entries = with_entries(words)
    except Refused as refused:
        print(f"new-process: {refused}. Nothing was written.", file=sys.stderr)
        return 2
    write(files, entries)
    listed = {
        kind: "\n".join(f"  {path}" for path in paths)
        for kind, paths in (("files", files), ("entries", entries))
    }
    print(Template(DONE).substitute(words, **listed), end="")
    return 0


def checked(name: str) -> str:
    """Return the name if a process may have it."""
    if not name:
        raise Refused("a name is missing; write for instance: make new-process NAME=overdue_items")
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        raise Refused(
            f"{name!r} is no name for a process; take lower-case words joined by underscores that begin "
            f"with two letters, at most {LONGEST} characters, as in overdue_items"
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name):
        raise Refused(f"{name} is a word of Python itself; choose another name")
    search = [folder for folder in sys.path if Path(folder).resolve() != HERE]
    if name in sys.stdlib_module_names or PathFinder.find_spec(name, search) or (ROOT / name).exists():
        raise Refused(
            f"dags/{name}.py would hide the module {name} from everybody who imports it; choose another name"
        )
    if name in TAKEN | {path.stem for path in (ROOT / "plugins" / "backoffice").iterdir()}:
        raise Refused(f"{name} is a name inside the package already; choose another name")
    return name


def values_of(name: str) -> dict[str, str]:
    """Return what the files are filled in with."""
    return {
        "name": name,
        "constant": name.upper(),
        "class_name": "".join(word.capitalize() for word in name.split("_")),
        "title": name.replace("_", " ").capitalize(),
        "page": name.replace("_", "-"),
    }


def filled(file: str, words: dict[str, str]) -> str:
    """Return the text of a file of the new process."""
    return Template((HERE / "process" / f"{file}.tmpl").read_text(encoding="utf-8")).substitute(words)


def refuse_existing(name: str, files: dict[str, str]) -> None:
    """Refuse a name of which there is anything already: a file, or a folder named like the process."""
    folders = {str(Path(path).parent) for path in files if Path(path).parent.name == name}
    for path in sorted(folders | files.keys()):
        if (ROOT / path).exists():
            raise Refused(
                f"{path} is there already; choose another name, or remove what is left of that process"
            )


def with_entries(words: dict[str, str]) -> dict[str, str]:
    """Return the new text of each file in which the process is entered."""
    texts: dict[str, str] = {}
    for path, behind, addition in ENTRIES:
        text = texts.get(path) or (ROOT / path).read_text(encoding="utf-8")
        if path.endswith(".py") and re.search(
            rf"^    {words['constant']} = |:{words['name']}\"", text, re.MULTILINE
        ):
            raise Refused(
                f"{path} has a tag {words['constant']} or of that value already; choose another name"
            )
        found = re.search(behind, text, re.MULTILINE)
        if found is None:
            raise Refused(
                f"{path} has no place to enter the process in: nothing in it is like {behind!r}; restore it"
            )
        texts[path] = text[: found.end()] + Template(addition).substitute(words) + text[found.end() :]
    return texts


def write(files: dict[str, str], entries: dict[str, str]) -> None:
    """Write all of it; a file that somebody made meanwhile is not overwritten."""
    for path, text in files.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        with (ROOT / path).open("x", encoding="utf-8") as file:
            file.write(text)
    for path, text in entries.items():
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
