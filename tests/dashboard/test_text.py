"""Other people's texts on Streamlit's pages: none becomes a link, a heading or another element."""

from __future__ import annotations

import re

import pytest

from segue.dashboard.text import plain

SHOWN = re.compile(r"\\(.)")
# As mdast-util-gfm-autolink-literal finds addresses, in texts whose escapes are gone.
LINKS = (
    re.compile(r"(https?://|www(?=\.))([-.\w]+)([^ \t\r\n]*)", re.IGNORECASE),
    re.compile(r"(?:^|(?<=[\s\W_]))([-.\w+]+)@([-\w]+(?:\.[-\w]+)+)"),
)


@pytest.mark.parametrize(
    "text",
    ["http://evil.example/x", "HTTPS://evil.example", "see www.evil.example", "WwW.evil.example",
     "a@evil.example", "(http://evil.example)", "mailto:a@b-c.example"],
)  # fmt: skip
def test_an_address_becomes_no_link(text: str) -> None:
    assert any(link.search(text) for link in LINKS)
    shown = SHOWN.sub(r"\1", plain(text))
    assert not any(link.search(shown) for link in LINKS)
    assert shown.replace("\u2060", "") == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("AC/DC & <b>", r"AC/DC \& \<b\>"),
        ("&lt;b&gt;", r"\&lt;b\&gt;"),
        ("Title\n===", "Title ==="),
        ("\t    a\r\n    b", r"a     b"),
        ("![x](y)", r"\!\[x\]\(y\)"),
        ("The @ and http", "The @ and http"),
    ],
)
def test_a_text_stays_a_text_on_one_line(text: str, written: str) -> None:
    assert plain(text) == written
