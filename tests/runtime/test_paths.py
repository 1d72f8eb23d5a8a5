"""Where things lie."""

from pathlib import Path

from runtime.paths import Paths


def test_everything_lies_under_the_root_and_no_two_things_share_a_place():
    names = [name for name, value in vars(Paths).items() if isinstance(value, property)]
    paths = [getattr(Paths(Path("somewhere")), name) for name in names]
    assert all(place.is_relative_to("somewhere") for place in paths)
    assert len(set(paths)) == len(names)
    assert all(getattr(Paths, name).__doc__ for name in names)
