"""Where things lie."""

from pathlib import Path

from contract.places import Places


def test_everything_lies_under_the_root_and_no_two_things_share_a_place():
    names = [name for name, value in vars(Places).items() if isinstance(value, property)]
    places = [getattr(Places(Path("somewhere")), name) for name in names]
    assert all(place.is_relative_to("somewhere") for place in places)
    assert len(set(places)) == len(names)
    assert all(getattr(Places, name).__doc__ for name in names)
