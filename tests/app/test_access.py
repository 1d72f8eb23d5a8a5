"""Who may do what: roles by token, forms of this process, hosts it is called by."""

from __future__ import annotations

import base64

import pytest

from app.access import PLANNER_TOKEN, READER_TOKEN, Person, access_of
from app.forms import fields_of, group_of, override_of, scenario_of
from contract.errors import BadUsage

PLANNER, READER = "p" * 20, "r" * 20
BOTH = {PLANNER_TOKEN: PLANNER, READER_TOKEN: READER}


def basic(name: str, token: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{token}".encode()).decode()


def test_on_this_machine_whoever_is_there_is_the_planner():
    person = access_of("127.0.0.1", 8321, {}).person(None)
    assert person is not None
    assert person.role == "planner"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "shop.example", "::", "127.0.0.1.evil"])  # noqa: S104 -- refused
def test_another_address_needs_a_token(host):
    with pytest.raises(BadUsage, match=rf"{PLANNER_TOKEN} all of them may change forecasts"):
        access_of(host, 8321, {})
    with pytest.raises(BadUsage):
        access_of(host, 8321, {READER_TOKEN: READER})
    assert access_of(host, 8321, BOTH).planner_token == PLANNER


def test_a_short_token_and_one_for_both_are_refused():
    with pytest.raises(BadUsage, match="16 are the least"):
        access_of("127.0.0.1", 1, {PLANNER_TOKEN: "short"})
    with pytest.raises(BadUsage, match="are the same"):
        access_of("127.0.0.1", 1, {PLANNER_TOKEN: PLANNER, READER_TOKEN: PLANNER})
    with pytest.raises(BadUsage):
        access_of("127.0.0.1", 1, {READER_TOKEN: READER})


def test_a_token_that_is_set_to_nothing_is_not_set():
    assert access_of("127.0.0.1", 1, {PLANNER_TOKEN: "", READER_TOKEN: ""}).planner_token is None
    for_planners = access_of("shop.example", 1, {PLANNER_TOKEN: PLANNER, READER_TOKEN: ""})
    assert for_planners.reader_token is None
    with pytest.raises(BadUsage, match="others reach"):
        access_of("shop.example", 1, {PLANNER_TOKEN: ""})


def test_a_role_is_its_tokens():
    access = access_of("0.0.0.0", 1, BOTH)  # noqa: S104 -- with a token
    assert access.person(basic("ada", PLANNER)) == Person("ada", "planner")
    assert access.person(basic("bob", READER)) == Person("bob", "reader")
    for header in (None, "", "Basic", "Basic !!", basic("ada", "wrong"), basic("", ""), "Bearer x"):
        assert access.person(header) is None, header


def test_a_form_is_of_one_process_one_person_and_its_own_pages():
    access, other = access_of("127.0.0.1", 1, {}), access_of("127.0.0.1", 1, {})
    ada, bob = Person("ada", "planner"), Person("bob", "planner")
    token, host = access.form_token(ada), "127.0.0.1:1"
    assert access.is_own_form(ada, token, None, host)
    assert access.is_own_form(ada, token, "http://127.0.0.1:1", host)
    assert not access.is_own_form(ada, token, "http://evil.example", host)
    assert not access.is_own_form(ada, token, "null", host)
    assert not access.is_own_form(bob, token, None, host)
    assert not access.is_own_form(ada, None, None, host)
    assert not other.is_own_form(ada, token, None, host)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8321", "localhost:8321", "[::1]:8321", "[::1]", "LOCALHOST"]
)
def test_the_app_knows_its_own_names(host):
    assert access_of("127.0.0.1", 8321, {}).is_own_host(host)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "", None, "10.0.0.1", "localhost:evil", "[::1"],
)
def test_a_name_that_leads_here_is_not_its_own(host):
    """A page of evil.example whose name is made to lead to 127.0.0.1 (DNS rebinding)."""
    assert not access_of("127.0.0.1", 8321, {}).is_own_host(host)


def test_empty_fields_are_none_and_the_group_is_what_is_given():
    fields = fields_of(b"where-store_id=CA_1&where-dept_id=&value=+5+&x=%00")
    assert group_of(fields) == {"store_id": "CA_1"}
    assert fields["value"] == "5"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"from=2024-01-01&to=2024-01-02&value=5", "percent or units"),
        (b"kind=percent&to=2024-01-02&value=5", "'from' is empty"),
        (b"kind=percent&from=2024-13-01&to=2024-01-02&value=5", "is not a day"),
        (b"kind=percent&from=2024-01-01&to=2024-01-02&value=five", "is no number for 'value'"),
        (b"kind=percent&from=2024-01-01&to=2024-01-02", "'value' is empty"),
    ],
)
def test_a_form_that_cannot_be_read_says_why(body, why):
    with pytest.raises(BadUsage, match=why):
        override_of(fields_of(body))


def test_a_form_of_too_many_fields_or_no_utf8_is_refused():
    for body in (b"&".join(b"a%d=1" % k for k in range(100)), b"a=\xff"):
        with pytest.raises(BadUsage, match="cannot be read"):
            fields_of(body)


def test_a_scenario_is_what_its_form_says():
    scenario = scenario_of(fields_of(b"from=2024-01-01&to=2024-01-02&promo=1&opening=closed"))
    assert (scenario.change.promo, scenario.change.is_open, scenario.change.price) == (
        1.0,
        False,
        None,
    )
    with pytest.raises(BadUsage, match="open or closed"):
        scenario_of(fields_of(b"from=2024-01-01&to=2024-01-02&opening=ajar"))
