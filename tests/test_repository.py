"""What must hold for every file of the repository."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("agent", "buffer", "config", "drivers", "filters")
LONGEST_FILE = 350

PRIVATE = re.compile(
    r"/(?:home|Users|root|work)/[\w.-]+|[A-Z]:\\Users\\"
    r"|https?://[\w.-]*(?:p[y]pi|p[y]thonhosted|n[p]mjs|artifactory|nexus|mirrors?)[\w.-]*"
    r"|--(?:extra-)?index-url|BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY"
)
FORBIDDEN_FILES = frozenset(("uv.lock", "pylock.toml", ".env", "pip.conf", ".npmrc"))


def tracked_files() -> list[Path]:
    """Return the files that git tracks; without git, as in an unpacked archive, there is nothing to say."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_no_file_names_a_registry_a_developers_folder_or_a_private_key() -> None:
    found = []
    for path in tracked_files():
        if path == Path(__file__) or not path.is_file():
            continue
        content = path.read_bytes().decode("utf-8", "replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in PRIVATE.finditer(content)]
    assert found == []


def test_no_file_is_tracked_that_belongs_to_one_machine() -> None:
    assert [path for path in tracked_files() if path.name in FORBIDDEN_FILES] == []


def test_every_source_file_says_what_it_is() -> None:
    assert [
        path for path in sources() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ] == []


def test_every_source_file_is_of_readable_length() -> None:
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in sources()}
    assert {path.relative_to(ROOT): count for path, count in lengths.items() if count > LONGEST_FILE} == {}
