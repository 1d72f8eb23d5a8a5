"""What people call things: how the names of levels become one label."""

from __future__ import annotations

import polars as pl

from contract.names import labels


def test_a_name_that_two_columns_say_stands_once_in_a_label():
    """As where source.files.names said first what series are called, then what items are."""
    names = pl.DataFrame(
        {
            "unique_id": ["a", "b", "c"],
            "name_of_item_id": ["Rye", "Rye", None],
            "name_of_store_id": ["Ulm", None, None],
            "name_of_unique_id": ["Rye", "Old rye", None],
        }
    )
    assert labels(names) == {"a": "Rye · Ulm", "b": "Rye · Old rye"}
    assert labels(names.select("unique_id")) == {}
