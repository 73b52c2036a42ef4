"""Prefilled issues: each tracker's address, what comes through it unchanged, and what never gets into one."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from program.trackers import LONGEST, LONGEST_TITLE, TRACKERS, code, fault, issue_link

ADDRESSES = {
    "github": "https://github.com/acme/app",
    "gitlab": "https://gitlab.example.com:8443/group/sub/app/",
    "jira": "https://acme.atlassian.net/secure/CreateIssueDetails!init.jspa?pid=10000&issuetype=10001",
}


@pytest.mark.parametrize(
    ("tracker", "address", "expected"),
    [
        ("github", "https://github.com/acme/app",
         "https://github.com/acme/app/issues/new?labels=technical-quality&title=A%20b&body=c%26d%0Ae"),
        ("github", "https://github.com/acme/app.git/",
         "https://github.com/acme/app/issues/new?labels=technical-quality&title=A%20b&body=c%26d%0Ae"),
        ("github", "https://ghe.example.com/acme/app/issues?labels=typing",
         "https://ghe.example.com/acme/app/issues/new?labels=typing&title=A%20b&body=c%26d%0Ae"),
        ("gitlab", "https://gitlab.com/group/sub/app/-/issues",
         "https://gitlab.com/group/sub/app/-/issues/new?issue%5Btitle%5D=A%20b&issue%5Bdescription%5D=c%26d%0Ae"),
        ("jira", ADDRESSES["jira"], ADDRESSES["jira"] + "&summary=A%20b&description=c%26d%0Ae"),
        ("jira", "http://jira.example.com/jira/?pid=7",
         "http://jira.example.com/jira/secure/CreateIssueDetails!init.jspa?pid=7&summary=A%20b&description=c%26d%0Ae"),
    ],
)  # fmt: skip
def test_each_tracker_has_its_own_page(tracker, address, expected):
    assert issue_link(tracker, address, "A\nb", "c&d\ne") == expected


@pytest.mark.parametrize(
    ("tracker", "address"),
    [
        ("github", ""), ("github", "javascript:alert(1)"), ("github", "ftp://github.com/acme/app"), ("github", "//x/y"),
        ("github", "https:///acme/app"), ("github", "https://[::1/acme"), ("github", "https://x:99999/acme/app"),
        ("github", "https://github.com@evil.example/acme/app"), ("github", "https://github.com/acme\n/app"),
        ("github", "https://github.com"), ("gitlab", "https://gitlab.com/"), ("trac", "https://trac.example/x"),
        ("jira", "https://acme.atlassian.net/"), ("github", 'https://a"b/c'), ("github", "https://github.com/" + "x" * 6000),
    ],
)  # fmt: skip
def test_no_link_is_made_of_what_is_no_project_on_the_web(tracker, address):
    assert issue_link(tracker, address, "a", "b") == ""


def test_a_fault_says_what_was_expected():
    assert fault("github", "https://github.com/acme/app") == ""
    assert fault("github", "https://github.com") == (
        "the project's address, such as https://github.com/ORG/REPOSITORY, was expected"
    )
    assert fault("jira", "https://acme.atlassian.net/browse/TYP").endswith("?pid=10000&issuetype=10001 was expected")


def test_nobody_named_in_an_item_is_called():
    assert code("github", "@everyone #12") == "`@everyone #12`"
    assert code("gitlab", "a`b``c") == "``` a`b``c ```"
    assert code("jira", "a`b") == "a`b"


@given(tracker=st.sampled_from(sorted(TRACKERS)), title=st.text(max_size=400), body=st.text(max_size=9000))
def test_title_and_text_come_through_and_nothing_else_does(tracker, title, body):
    link = issue_link(tracker, ADDRESSES[tracker], title, body)
    assert len(link) < LONGEST
    assert re.fullmatch(r"[A-Za-z0-9:/?&=%.~_!-]+", link)
    made, base = urlsplit(link), urlsplit(ADDRESSES[tracker])
    assert (made.scheme, made.netloc, made.fragment) == ("https", base.netloc, "")
    found = dict(parse_qsl(made.query, keep_blank_values=True))
    named_title, named_body = TRACKERS[tracker].fields
    told = " ".join(title.split()).encode(errors="replace").decode()
    assert found[named_title] == told if len(told) <= LONGEST_TITLE else found[named_title] == told[:199] + "…"
    came, whole = found[named_body], body.encode(errors="replace").decode()
    assert came == whole or (came.endswith("\n…") and whole.startswith(came[:-2]))
    assert set(found) - {named_title, named_body} <= {"labels", "pid", "issuetype"}


@given(body=st.text(alphabet="äß€😀", min_size=3000, max_size=4000))
def test_as_much_of_a_long_text_as_fits(body):
    link = issue_link("github", ADDRESSES["github"], "x", body)
    assert LONGEST - 200 < len(link) < LONGEST


@given(address=st.text(max_size=120), tracker=st.sampled_from(sorted(TRACKERS)))
@example(address="'", tracker="github")
@example(address="@", tracker="github")
def test_any_address_gives_a_web_link_or_none(address, tracker):
    for tried in (address, f"https://{address}", f"https://host/{address}?pid=1"):
        link = issue_link(tracker, tried, "t", "b")
        assert link == "" or re.fullmatch(r"https?://[^\s\"'<>\\@]+", link)
