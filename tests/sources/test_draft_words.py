"""Names of columns in seven languages: what they say, and what they do not."""

from __future__ import annotations

import pytest

from sources.draft.words import parts_of, rank, says


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("units", "Qty"),
        ("units", "Verkaufsmenge"),
        ("units", "Quantité vendue"),
        ("units", "unidades"),
        ("units", "quantità"),
        ("units", "aantal"),
        ("units", "Lineitem quantity"),
        ("units", "unitsSold"),
        ("day", "Belegdatum"),
        ("day", "fecha"),
        ("price", "VK-Preis"),
        ("price", "Prix unitaire"),
        ("promo", "Aktion"),
        ("promo", "korting"),
        ("item", "Artikelnr"),
        ("item", "articulo"),
        ("store", "Magasin"),
        ("store", "negozio"),
        ("is_open", "Geöffnet"),
        ("person", "Kundenname"),
        ("person", "billing_phone"),
        ("past_only", "Customers"),
    ],
)
def test_a_name_says_its_role(role, name):
    assert says(role, name)


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("person", "Customers"),  # how many, not who
        ("units", "Umsatz"),
        ("item", "limited"),
        ("day", "Saturday_flag_update"),
        ("store", "restored"),
    ],
)
def test_a_word_inside_another_says_nothing(role, name):
    assert not says(role, name)


def test_a_sure_word_comes_before_a_vague_one():
    assert rank("units", "qty") < rank("units", "sales")
    assert rank("day", "date") < rank("day", "created_at")


def test_a_name_is_split_at_capitals_marks_and_accents():
    assert parts_of("VerkaufsMenge_Stück 2") == ("verkaufs", "menge", "stueck")
