"""Addresses of the environment, real servers at their ends, and the secrets in them."""

from __future__ import annotations

import pytest

from contract.errors import BadUsage
from runtime.channels import channels


def test_a_mail_arrives_as_it_was_written(mailbox, addresses):
    addresses(mailbox.url)
    (channel,) = channels()
    assert channel.send("2 new", "NEW\nerror bias: <b>12%</b> & more") is None
    (mail,) = mailbox.mails
    assert (mail["Subject"], mail["To"]) == ("2 new", "ada@shop.example")
    assert "error bias: <b>12%</b> & more" in mail.get_body().get_content()


def test_a_webhook_is_posted_as_json(webhook, addresses):
    addresses(webhook.url)
    (channel,) = channels()
    assert channel.send("2 new", "NEW\nerror bias: 12%") is None
    (post,) = webhook.posts
    assert (post["title"], post["message"]) == ("2 new", "NEW\nerror bias: 12%")


def test_what_does_not_arrive_is_tried_three_times_and_says_why(webhook, addresses):
    addresses(webhook.url)
    webhook.status, tries = 500, []
    webhook.verify_request = lambda *_request: tries.append(1) or True
    (channel,) = channels()
    assert "500" in channel.send("t", "b")
    assert len(tries) == 3


def test_a_server_that_never_ends_its_response_is_left(drip, addresses, monkeypatch):
    monkeypatch.setattr("runtime.channels.MOST_S", 0.5)
    addresses(drip.url)
    (channel,) = channels()
    assert channel.send("t", "b") == "it did not take the message in 0.5 s"


def test_a_server_that_is_gone_is_a_reason_not_an_error(addresses):
    addresses("json://127.0.0.1:9/hook")
    (channel,) = channels()
    assert "onnection" in channel.send("t", "b")


def test_without_addresses_there_is_no_channel(addresses):
    assert channels() == []


def test_an_address_twice_is_one_channel(webhook, addresses):
    addresses(webhook.url, webhook.url)
    assert len(channels()) == 1


def test_a_channel_is_named_without_its_secret():
    url = "mailto://ada:s3cret@127.0.0.1:2525?from=a@b.example&to=c@d.example"
    (channel,) = channels({"TILLCAST_NOTIFY": url})
    assert channel.name.startswith("mailto:")
    assert "s3cret" not in channel.name and "ada" not in channel.name
    other = url.replace("c@d", "e@d")  # one server, two people
    both = channels({"TILLCAST_NOTIFY": f"{url} {other}"})
    assert len({one.name for one in both}) == 2


def test_an_address_nobody_can_read_is_refused_without_what_is_in_it():
    with pytest.raises(BadUsage, match="address 2 of TILLCAST_NOTIFY") as refused:
        channels({"TILLCAST_NOTIFY": "json://127.0.0.1/hook nosuch://ada:s3cret@host"})
    assert "s3cret" not in str(refused.value)


@pytest.fixture
def secrets(tmp_path):
    """`secrets(text)`: the environment that names a file with this text, its owner's alone."""

    def write(text: str) -> dict[str, str]:
        path = tmp_path / "addresses"
        path.write_text(text)
        path.chmod(0o600)
        return {"TILLCAST_NOTIFY_FILE": str(path)}

    return write


def test_a_file_names_addresses_and_which_of_them_want_errors_alone(secrets):
    text = "# whom to call\n\nerror=json://127.0.0.1/pager\njson://127.0.0.1/chat\n"
    found = channels(secrets(text))
    assert sorted(channel.errors_only for channel in found) == [False, True]


def test_a_line_nobody_can_read_is_refused(secrets):
    with pytest.raises(BadUsage, match=r"of 2 lines .* apprise can read 1"):
        channels(secrets("json://127.0.0.1/a\nnosuch://ada:s3cret@host\n"))


def test_a_file_that_others_may_read_is_refused_with_what_mends_it(secrets, tmp_path):
    environment = secrets("json://127.0.0.1/a\n")
    (tmp_path / "addresses").chmod(0o640)
    with pytest.raises(BadUsage, match=r"others may read it \(-rw-r-----\). Run `chmod 600"):
        channels(environment)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadUsage, match="cannot be read: FileNotFoundError"):
        channels({"TILLCAST_NOTIFY_FILE": str(tmp_path / "nothing")})
