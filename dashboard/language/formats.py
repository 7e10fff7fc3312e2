"""Numbers, dates and durations as the language of the reader writes them."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta

from babel import dates, numbers

from segue.dashboard.language.catalogues import locale
from segue.dashboard.language.spoken import language


def number(value: float, *, digits: int = 0) -> str:
    """A number, rounded to some digits after the point: "1,234.5"."""
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return numbers.format_decimal(value, format=pattern, locale=locale(language()))


def percent(share: float) -> str:
    """A share of 1 in percent without decimals: "12%"."""
    return numbers.format_percent(share, locale=locale(language()))


def day(when: date | datetime, *, skeleton: str) -> str:
    """Parts of a date in the order of the language.

    Parameters
    ----------
    skeleton
        The parts, as CLDR calls them: "yMMMMd" for "3 March 2017", "yMMMd" for "3 Mar 2017", "MMMMd" for
        "3 March", "yMMMM" for "March 2017".
    """
    return dates.format_skeleton(skeleton, when, locale=locale(language()))


def weekday(when: date | datetime, *, short: bool = False) -> str:
    """The name of a day: "Friday", or short "Fri"."""
    return dates.format_date(when, "ccc" if short else "cccc", locale=locale(language()))


def ago(epoch_ms: float) -> str:
    """The time since `epoch_ms`: "5 min ago"; times to come count as now."""
    since = timedelta(seconds=max(0.0, time.time() - epoch_ms / 1000))
    return dates.format_timedelta(
        -since, add_direction=True, format="short", threshold=1, locale=locale(language())
    )


def separators() -> str:
    """The decimal point and the separator of thousands, as Plotly wants them."""
    symbols = locale(language())
    return numbers.get_decimal_symbol(symbols) + numbers.get_group_symbol(symbols)
