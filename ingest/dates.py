"""Dates as feeds write them → aware UTC. A date is read or it is absent: nothing is guessed, nothing is filled in.

RFC 822 with any zone name that feeds use, ISO 8601 and its W3C profile, the asctime form, words in several languages, seconds
since 1970. A date without a zone is taken as UTC.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

_MAX_CHARS = 100  # no date is longer; what is, is an attack on the patterns below
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # the web is not older; 1970 is what broken systems write
_LATEST = timedelta(days=1)  # ahead of us at most: clocks and zones go wrong by hours, not by years

_HOURS = {
    "ut": 0, "utc": 0, "gmt": 0, "z": 0, "wet": 0, "west": 1, "bst": 1, "wat": 1, "cet": 1, "met": 1, "mez": 1, "cest": 2,
    "mest": 2, "mesz": 2, "sast": 2, "cat": 2, "eet": 2, "eest": 3, "eat": 3, "msk": 3, "trt": 3, "msd": 4, "gst": 4,
    "pkt": 5, "ist": 5.5, "npt": 5.75, "ict": 7, "wib": 7, "wita": 8, "sgt": 8, "hkt": 8, "pht": 8, "myt": 8, "awst": 8,
    "wit": 9, "jst": 9, "kst": 9, "acst": 9.5, "acdt": 10.5, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13, "brt": -3,
    "art": -3, "clt": -4, "clst": -3, "nst": -3.5, "ndt": -2.5, "ast": -4, "adt": -3, "est": -5, "edt": -4, "et": -5,
    "cst": -6, "cdt": -5, "ct": -6, "mst": -7, "mdt": -6, "mt": -7, "pst": -8, "pdt": -7, "pt": -8, "akst": -9, "akdt": -8,
    "hst": -10,
}  # fmt: skip

_MONTHS = (
    "jan january januar januari janvier enero ene gennaio gen janeiro styczen stycznia jän jänner ian",
    "feb february februar februari février fevrier fév fev febrero febbraio fevereiro lutego",
    "mar march märz maerz mär mrz maart mrt mars marzo março marca",
    "apr april avril avr abril abr aprile kwietnia",
    "may mai mei mayo maggio mag maio maja maj",
    "jun june juni juin junio giugno giu junho czerwca",
    "jul july juli juillet juil julio luglio lug julho lipca",
    "aug august augustus août aout agosto ago augusti sierpnia",
    "sep sept september septembre septiembre settembre set setembro wrzesnia",
    "oct october okt oktober octobre octubre ottobre ott outubro out pazdziernika",
    "nov november novembre noviembre novembro listopada",
    "dec december dez dezember déc décembre decembre dic diciembre dicembre dezembro grudnia",
)
_MONTH_NUMBERS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}

_EPOCH = re.compile(r"(\d{9,10})(?:\d{3})?(?:\.\d+)?")
_ISO = re.compile(
    r"(\d{4})(?:([-/.])(\d{1,2})(?:\2(\d{1,2}))?|-?(\d{2})(\d{2}))?(?![\d.])(?:[T_ ,]+(?=\d)(.*)|(?=\s*$))", re.IGNORECASE
)
_TIME = re.compile(
    r"(\d{1,2})(?::(\d{2})|(?=\s*[ap]\.?m\b))(?::(\d{1,2})(?:[.,]\d+)?)?\s*(?:([ap])\.?m\b\.?)?|^(\d{2})(\d{2})(\d{2})?(?!\d)",
    re.IGNORECASE,
)
_ZONE = re.compile(r"[\s,]*\(?(?:etc/)?([a-z]{1,5})?\)?\s*([+−-]\s?\d{1,2}(?::?\d{2})?)?(?!\d)", re.IGNORECASE)
_DAY_MONTH = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|\.|º|er)?[\s./-]+(?:de\s+)?([^\W\d_]{3,})\.?,?[\s./-]+(?:de\s+)?'?(\d{4}|\d{2})(?![\d:])"
)
_MONTH_DAY = re.compile(r"([^\W\d_]{3,})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:,\s*|\s+)(?:.*?\s)??(\d{4})(?![\d:])")
_GERMAN = re.compile(r"(?<!\d)(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?!\d)")


def parse_date(raw: str) -> datetime | None:
    """The moment `raw` names, as aware UTC, or None where it names none. Never raises."""
    text = raw.strip()[:_MAX_CHARS]
    if not text or len(raw) > 2 * _MAX_CHARS:
        return None
    try:
        return _epoch(text) or _iso(text) or _words(text.lower())
    except (ValueError, OverflowError):
        return None


def is_believable(when: datetime, now: datetime) -> bool:
    """Whether something can have been published then: not before the web, not in the future."""
    return _EARLIEST <= when <= now + _LATEST


def _epoch(text: str) -> datetime | None:
    found = _EPOCH.fullmatch(text)
    return datetime.fromtimestamp(int(found[1]), UTC) if found else None


def _iso(text: str) -> datetime | None:
    found = _ISO.match(text)
    if not found:
        return None
    year, month, day = int(found[1]), found[3] or found[5] or 1, found[4] or found[6] or 1
    return _moment(year, int(month), int(day), found[7] or "")


def _words(text: str) -> datetime | None:
    """Dates with the month as a word, and the German form with dots."""
    for pattern, (day, name, year) in ((_DAY_MONTH, (1, 2, 3)), (_MONTH_DAY, (2, 1, 3))):
        for found in pattern.finditer(text):
            month = _MONTH_NUMBERS.get(found[name]) or _MONTH_NUMBERS.get(found[name][:3])
            if month:
                # The asctime form has its time before the year.
                rest = text[found.end() :] if _TIME.search(text[found.end() :]) else text[found.start(2) :]
                return _moment(_full_year(found[year]), month, int(found[day]), rest)
    return _german(text)


def _german(text: str) -> datetime | None:
    found = _GERMAN.search(text)
    return _moment(int(found[3]), int(found[2]), int(found[1]), text[found.end() :]) if found else None


def _full_year(year: str) -> int:
    """Two digits mean 1970–2069, as in POSIX."""
    number = int(year)
    return number if len(year) > 2 else number + (2000 if number < 70 else 1900)  # noqa: PLR2004


def _moment(year: int, month: int, day: int, rest: str) -> datetime:
    """The moment on a day, with the time and zone that `rest` begins with (midnight UTC where it has none)."""
    time = _TIME.search(rest)
    if not time:
        return datetime(year, month, day, tzinfo=UTC)
    hour, minute, second = int(time[1] or time[5]), int(time[2] or time[6] or 0), int(time[3] or time[7] or 0)
    if time[4]:
        hour = hour % 12 + (12 if time[4].lower() == "p" else 0)
    # 24:00 is the end of a day, second 60 a leap second; both are the next moment that datetime knows.
    start = datetime(year, month, day, tzinfo=_zone(rest[time.end() :]))
    if hour > 24 or minute > 59 or second > 60:  # noqa: PLR2004
        raise ValueError(rest)
    return (start + timedelta(hours=hour, minutes=minute, seconds=second)).astimezone(UTC)


def _zone(rest: str) -> timezone:
    """The zone that `rest` begins with; UTC for none and for names nobody knows."""
    found = _ZONE.match(rest)
    if found and found[2]:
        digits = re.sub(r"\D", "", found[2])
        hours = int(digits[:-2] or 0) + int(digits[-2:]) / 60 if len(digits) > 2 else int(digits)  # noqa: PLR2004
        return _offset(-hours if found[2][0] in "-−" else hours)
    return _offset(_HOURS.get((found[1] or "").lower(), 0) if found else 0)


def _offset(hours: float) -> timezone:
    """No place on earth is further from UTC than 14 hours; who claims more gets UTC."""
    return timezone(timedelta(hours=hours)) if abs(hours) <= 14 else UTC  # noqa: PLR2004
