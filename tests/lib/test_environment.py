"""Strict settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from pdfservice.lib.environment import Environment, secret_key


def test_an_empty_variable_counts_as_unset() -> None:
    assert Environment({"NAME": " "}).text("NAME", "default") == "default"


def test_any_value_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    assert Environment({"NAME_FILE": str(tmp_path / "secret")}).text("NAME") == "from the file"
    with pytest.raises(ImproperlyConfigured, match="NAME_FILE"):
        Environment({"NAME_FILE": str(tmp_path / "nothing")}).text("NAME")


@pytest.mark.parametrize("value", ["seven", "0", "11", "1.5"])
def test_numbers_have_bounds(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="NAME"):
        Environment({"NAME": value}).int_between("NAME", 5, 1, 10)


@pytest.mark.parametrize(("value", "expected"), [("yes", True), ("1", True), ("Off", False), ("FALSE", False)])
def test_flags_are_yes_or_no(value: str, expected: bool) -> None:
    assert Environment({"NAME": value}).flag("NAME", not expected) is expected
    with pytest.raises(ImproperlyConfigured, match="yes or no"):
        Environment({"NAME": "perhaps"}).flag("NAME", False)


def test_a_list_is_split_at_commas() -> None:
    assert Environment({"NAME": " a, b ,,c"}).items("NAME", []) == ["a", "b", "c"]


def test_a_choice_is_one_of_those_offered() -> None:
    with pytest.raises(ImproperlyConfigured, match="text, json"):
        Environment({"NAME": "xml"}).choice("NAME", "text", ("text", "json"))


def test_the_embedded_profile_makes_itself_a_key_and_keeps_it(tmp_path: Path) -> None:
    key = secret_key(Environment({}), tmp_path, embedded=True)
    assert len(key) > 60
    assert secret_key(Environment({}), tmp_path, embedded=True) == key
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_shared_service_must_be_told_its_key(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is required"):
        secret_key(Environment({}), tmp_path, embedded=False)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"REDIS_URL": "redis://127.0.0.1/9"}, "SECRET_KEY is required"),
        ({"DATABASE_URL": "mysql://localhost/x", "SECRET_KEY": "k" * 60}, "DATABASE_URL"),
        ({"PORT": "99999"}, "PORT"),
        ({"DEBUG": "maybe"}, "DEBUG"),
    ],
)
def test_a_bad_combination_stops_the_start(variables: dict[str, str], says: str, tmp_path: Path) -> None:
    base = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={**base, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert says in run.stderr.splitlines()[-1]
