"""Personal data by kind, what is none, and that scrubbing twice is scrubbing once."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from litebert.data.corpus.personal import scrub


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("write to ann.lee+x@mail.example.co.uk.", "write to [email]."),
        ("邮箱：zhang_san@qq.com，谢谢", "邮箱：[email]，谢谢"),
        ("https://user:p@ss@host.org/a?b=c@d", "https://host.org/a?b=c@d"),
        ("电话13800138000。", "电话[phone]。"),
        ("+86 138-0013-8000 or 008613800138000", "[phone] or [phone]"),
        ("座机010-62771234", "座机[phone]"),
        ("call (415) 555-0132, 415-555-0132, 1-415-555-0132", "call [phone], [phone], [phone]"),
        ("from abroad +44 20 7946 0958 or +4930901820", "from abroad [phone] or [phone]"),
        ("身份证11010519491231002X号", "身份证[id]号"),
        ("card 4111 1111 1111 1111 123", "card [card] 123"),
        ("amex 3782-822463-10005, 5500005555555559", "amex [card], [card]"),
        ("IBAN GB82 WEST 1234 5698 7654 32 THEN", "IBAN [iban] THEN"),
        ("DE89370400440532013000", "[iban]"),
        ("at 192.168.10.254:80 and 2001:db8::ff00:42:8329", "at [ip]:80 and [ip]"),
    ],
)
def test_what_is_personal_goes(given: str, wanted: str) -> None:
    scrubbed, found = scrub(given)
    assert scrubbed == wanted
    assert sum(found.values()) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "In 1984 there were 12,345,678 people; 3.14159265 is not all of pi.",
        "ISBN 978-3-16-148410-0, at 12:34:56 on 2021-03-04, pages 100-200",
        "身份证110105194912310021",  # its check digit is wrong
        "4111 1111 1111 1112",  # Luhn's check fails
        "GB82 WEST 1234 5698 7654 33",  # not 1 modulo 97
        "version 1.2.3 and 300.1.1.1 and 1.2.3.4.5",
        "std::vector<int> a @ b, @someone, http://host/path",
        "0000000000000000",
        "订单号2138001380001",
    ],
)
def test_what_only_looks_personal_stays(text: str) -> None:
    assert scrub(text) == (text, {})


def test_what_goes_is_counted_by_its_kind() -> None:
    assert scrub("a@b.co c@d.org 13800138000")[1] == {"email": 2, "phone": 1}


THINGS = [
    *("13800138000", "+86", "a@b.co", "http://", "u:p@", "4111 1111 1111 1111", "378282246310005", "1.2.3.4"),
    *("::1", "2001:db8::1", "11010519491231002X", "DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"),
    *(
        "(415) 555-0132",
        "010-62771234",
        "1",
        "23",
        ".",
        ":",
        "-",
        "+",
        " ",
        "@",
        "/",
        "a",
        "Z",
        "中",
        "[",
        "]",
    ),
    *("[email]", "00"),
]


@settings(max_examples=200, deadline=None)
@example(["1.2.3.4", ".", "13800138000"])
@example(["http://", "a", "@", "b", "@", "c"])
@given(st.lists(st.sampled_from(THINGS), max_size=9))
def test_scrubbing_twice_is_scrubbing_once(things: list[str]) -> None:
    once = scrub("".join(things))[0]
    assert scrub(once) == (once, {})


@pytest.mark.parametrize(
    "piece", ["1", "a", "1 ", "a@", "@", ":", "1.", "+1 ", "+1", "A1", "http://", "a.", "(415) ", "GB82 "]
)
def test_scrubbing_takes_linear_time(piece: str) -> None:
    started = time.process_time()
    scrub(piece * (200_000 // len(piece)) + "@1:")
    assert time.process_time() - started < 3
