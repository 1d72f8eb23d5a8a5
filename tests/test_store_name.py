"""A store that stands is found again by the code of every later version."""

from __future__ import annotations

import pytest

from contract.params import FilesParams
from stages.store_name import store_name

MINE = {
    "sales": "sales*",
    "columns": {"unique_id": "item", "ds": "day", "y": "units"},
    "hierarchy": {"item_id": "item"},
}
LABELS = {"holidays": "DE-BE", "names": {"item_id": "title"}}  # say nothing of how facts are read


@pytest.mark.parametrize("labels", [{}, LABELS])
def test_a_mapping_has_the_name_it_had_whatever_fields_came_since(params, labels):
    """As commit 65b1231 called it. A new field that is part of the name would end every shop's next
    morning in StoreBroken.
    """
    files = FilesParams.model_validate(MINE | labels)
    source = params.source.model_copy(update={"kind": "files", "path": "shop", "files": files})
    assert store_name(source) == "files-d70c7cc9"


def test_another_column_is_another_store(params):
    files = FilesParams.model_validate(MINE | {"hierarchy": {"item_id": "sku"}})
    source = params.source.model_copy(update={"kind": "files", "path": "shop", "files": files})
    assert store_name(source) != "files-d70c7cc9"
