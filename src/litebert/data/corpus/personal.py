"""Personal data in a text → placeholder words.

What has a check (identity numbers, cards, bank accounts, IP addresses) is taken for one only if the check
holds. What has none (telephone numbers) is found by its shape, so some will be missed and some that are none
will go: this makes a corpus safer, not anonymous. Names and addresses are not looked for.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass


def scrub(text: str) -> tuple[str, Counter[str]]:
    """The text with `[email]`, `[iban]`, `[id]`, `[card]`, `[phone]`, `[ip]` where those stood, and how many.

    A user's name and password in a URL go without one. What is found only once something beside it is gone is
    found too, so that scrubbing again changes nothing.
    """
    found: Counter[str] = Counter()
    for _ in range(_ROUNDS):
        before = found.total()
        for kind in KINDS:
            if kind.hint in text if kind.hint else _DIGIT.search(text):
                text = kind.pattern.sub(_Replacer(kind, found), text)
        if found.total() == before:
            break
    return text, found


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of personal data.

    length: how many of a match's first characters are the thing itself; 0 if the match is none.
    hint: a character that is in every match; empty for a digit.
    """

    name: str
    pattern: re.Pattern[str]
    length: Callable[[str], int] = len
    hint: str = ""


@dataclass(frozen=True, slots=True)
class _Replacer:
    kind: Kind
    found: Counter[str]

    def __call__(self, match: re.Match[str]) -> str:
        length = self.kind.length(match[0])
        if not length:
            return match[0]
        self.found[self.kind.name] += 1
        return (match[1] if self.kind.name == URL_USER else f"[{self.kind.name}]") + match[0][length:]


def _id(text: str) -> int:
    """Resident identity number of China: ISO 7064 mod 11-2 over 17 digits (GB 11643-1999)."""
    total = sum(int(digit) * pow(2, 17 - at, 11) for at, digit in enumerate(text[:17]))
    return len(text) * ("10X98765432"[total % 11] == text[17].upper())


def _card(text: str) -> int:
    """Luhn's check (ISO/IEC 7812-1)."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(text) * (len(set(digits)) > 1 and (sum(doubled) + sum(digits[-1::-2])) % 10 == 0)


def _iban(text: str) -> int:
    """ISO 13616: as long as its country's are, and its letters as numbers, rotated by four, are 1 modulo
    97."""
    account, end = "", 0
    while len(account) < _IBAN_LENGTHS.get(text[:2], 99) and end < len(text):
        account += text[end].strip()
        end += 1
    if len(account) != _IBAN_LENGTHS.get(text[:2]) or text[end : end + 1].isalnum():
        return 0
    number = "".join(str(int(character, 36)) for character in account[4:] + account[:4])
    return end * (int(number) % 97 == 1)


_IBAN_LENGTHS = {
    named[:2]: int(named[2:])
    for named in """
    AD24 AE23 AT20 BE16 BG22 CH21 CY28 CZ24 DE22 DK18 EE20 ES24 FI18 FR27 GB22 GR27 HR21 HU28 IE22 IL23 IS26
    IT27 KW30 LI21 LT20 LU20 LV21 MC27 MT31 NL18 NO15 PL28 PT25 QA29 RO24 SA24 SE24 SI19 SK24 SM27 TR26 UA29
    """.split()  # noqa: SIM905 - codes are read better so
}
"""Characters of an account number, by country (SWIFT's IBAN registry)."""


def _phone(text: str) -> int:
    return len(text) * (8 <= sum(map(str.isdigit, text)) <= 15)


def _ip(text: str) -> int:
    with suppress(ValueError):
        ipaddress.ip_address(text)
        return len(text) * (sum(map(str.isalnum, text)) > 3)
    return 0


URL_USER = "url user"
_ROUNDS = 10
"""More than any text needs that was not made to need more."""
_DIGIT = re.compile("[0-9]")
_START, _END = "(?<![0-9A-Za-z])", "(?![0-9A-Za-z])"
_HEX = "[0-9A-Fa-f]{0,4}"
_PHONES = (
    rf"(?:\+|{_START}00)86[ -]?1[3-9][0-9][ -]?[0-9]{{4}}[ -]?[0-9]{{4}}",  # a mobile of China, from abroad
    r"\+[1-9][0-9]{0,2}(?:[ .-]?\(?[0-9]{1,5}\)?){2,5}",  # international (E.164) with the usual gaps
    rf"{_START}1[3-9][0-9][ -]?[0-9]{{4}}[ -]?[0-9]{{4}}",  # a mobile of China
    rf"{_START}0[1-9][0-9]{{1,2}}-[1-9][0-9]{{6,7}}",  # a fixed line of China
    r"\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[.-][0-9]{4}",  # North America
    rf"{_START}(?:1[.-])?[2-9][0-9]{{2}}([.-])[2-9][0-9]{{2}}\1[0-9]{{4}}",
)

KINDS = (
    Kind(
        URL_USER,
        re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{1,15}://)(?:[^\s/@<>\[\]]{1,200}@)+"),
        hint="@",
    ),
    Kind(
        "email",
        re.compile(
            r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}"
            r"[A-Za-z]{2,24}(?![A-Za-z0-9])"
        ),
        hint="@",
    ),
    Kind("iban", re.compile(rf"{_START}[A-Z]{{2}}[0-9]{{2}}(?: ?[A-Z0-9]{{1,4}}){{3,8}}{_END}"), _iban),
    Kind(
        "id",
        re.compile(
            rf"{_START}[1-9][0-9]{{5}}(?:18|19|20)[0-9]{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
            rf"[0-9]{{3}}[0-9Xx]{_END}"
        ),
        _id,
    ),
    Kind(
        "card",
        re.compile(
            rf"{_START}(?:(?:2[2-7]|3[04-9]|[456][0-9])[0-9]{{11,17}}"
            rf"|(?:2[2-7]|[456][0-9])[0-9]{{2}}([ -])[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}}"
            rf"|3[47][0-9]{{2}}([ -])[0-9]{{6}}\2[0-9]{{5}}){_END}"
        ),
        _card,
    ),
    Kind("phone", re.compile(f"(?:{'|'.join(_PHONES)}){_END}"), _phone),
    Kind("ip", re.compile(rf"(?<![0-9A-Za-z:]){_HEX}(?::{_HEX}){{2,7}}(?![0-9A-Za-z:])"), _ip, hint=":"),
    Kind("ip", re.compile(r"(?<![0-9A-Za-z.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9A-Za-z]|\.[0-9])"), _ip),
)
"""In the order in which they are looked for: what would be a part of another comes after it."""
