"""The table of services: every row, and links that lead to cells which are there."""

from __future__ import annotations

import re

import nbformat
import pytest

from lambdalab import facts
from lambdalab.learning.services import SHOWN, services_table
from tests.house import ROOT

LINK = re.compile(r'href="([^"#]*)#cell-id=([\w-]+)"')


def cells(notebook: str) -> set[str]:
    return {cell.id for cell in nbformat.read(ROOT / "notebooks" / notebook, as_version=4).cells}


@pytest.mark.parametrize("notebook", ["04-triggers.ipynb", "03-invocation-types.ipynb"])
def test_every_link_leads_to_a_cell(notebook: str) -> None:
    links = LINK.findall(services_table(notebook)._repr_html_())
    assert len(links) == len(facts.services())
    assert [link for link in links if link[1] not in cells(link[0] or notebook)] == []


def test_every_service_that_has_a_place_is_one() -> None:
    assert SHOWN.keys() <= {one.name for one in facts.services()}


def test_the_text_says_the_same() -> None:
    text = repr(services_table())
    assert all(one.title in text and one.failure in text for one in facts.services())
