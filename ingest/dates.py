"""Dates as feeds write them → aware UTC. A date is read or it is absent: nothing is guessed, nothing is filled in.

RFC 822 with any zone name that feeds use, ISO 8601 and its W3C profile, the asctime form, words in several languages, the
forms of East Asia, seconds since 1970; numbers with slashes where no other reading is possible. A date without a zone is taken
as UTC.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
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
    "jan january januar januari janvier enero ene gennaio gen janeiro styczen stycznia jän jänner ian január ocak oca янв ιαν",
    "feb february februar februari février fevrier fév fev febrero febbraio fevereiro lutego február şubat şub февраля фев φεβ",
    "mar march märz maerz mär mrz maart mrt mars marzo março marca március марта мар μαρ μάρ",
    "apr april avril avr abril abr aprile kwietnia április nisan nis апреля апр απρ",
    "may mai mei mayo maggio mag maio maja maj május mayıs мая май μαϊ μαι μάι",
    "jun june juni juin junio giugno giu junho czerwca június haziran haz июня июн ιουν ιούν",
    "jul july juli juillet juil julio luglio lug julho lipca július temmuz tem июля июл ιουλ ιούλ",
    "aug august augustus août aout agosto ago augusti sierpnia augusztus ağustos ağu августа авг αυγ αύγ",
    "sep sept september septembre septiembre settembre set setembro wrzesnia września szeptember eylül eyl сентября сен σεπ",
    "oct october okt oktober octobre octubre ottobre ott outubro out pazdziernika października október ekim eki октября окт οκτ",
    "nov november novembre noviembre novembro listopada kasım kas ноября ноя νοε νοέ",
    "dec december dez dezember déc décembre decembre dic diciembre dicembre dezembro grudnia aralık ara декабря дек δεκ",
)
_MONTH_NUMBERS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}

_EPOCH = re.compile(r"(\d{9,10})(?:\d{3})?(?:\.\d+)?")
_ISO = re.compile(
    r"(\d{4})(?:([-/.])(\d{1,2})(?:\2(\d{1,2}))?|-?(\d{2})(\d{2}))?(?![\d.])(?:[T_ ,]+(?=\d)(.*)|(?=\s*$))", re.IGNORECASE
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{6})")
_ORDINAL = re.compile(r"(\d{4})-(\d{3})(?!\d)(?:T(.*))?")
_TIME = re.compile(
    r"(?<![\w.])(\d{1,2})(?:[:.h](\d{2})(?!\d)|(?=\s*[ap]\.?m\b))(?:[:.](\d{1,2})(?:[.,]\d+)?)?\s*(?:([ap])\.?m\b\.?)?"
    r"|^(\d{2})(?:(\d{2})(\d{2})?(?!\d)|(?=\s*(?:z|[+-]|$)))",
    re.IGNORECASE,
)
_ZONE = re.compile(r"[\s,]*\(?(?:etc/)?([a-z]{1,5})?\)?\s*([+−-]\s?\d{1,2}(?::?\d{2})?)?(?!\d)", re.IGNORECASE)
_DAY_MONTH = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|\.|º|er)?[\s./-]+(?:de\s+)?([^\W\d_]{3,})\.?,?[\s./-]+(?:de\s+)?'?(\d{4}|\d{2})(?![\d:])"
)
_MONTH_DAY = re.compile(r"([^\W\d_]{3,})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:,\s*|\s+)(?:.*?\s)??(\d{4})(?![\d:])")
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})[\s.-]+([^\W\d_]{3,})\.?[\s.-]+(\d{1,2})(?!\d)\.?t?")
_EASTERN = re.compile(r"(\d{4})(?:[-./]|\s?[년年]\s?)(\d{1,2})(?:[-./]|\s?[월月]\s?)(\d{1,2})\s?[일日]?(?!\d)\s*(.*)")
_HALF_OF_DAY = re.compile(r"^(?:\(?.\)?\s+)?(오전|오후|午前|午後|上午|下午)\s*(.*)")
_COMMENT = re.compile(r"\([^()]*\)")
_SLASHES = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{4})(?![\d/])")
_GERMAN = re.compile(r"(?<!\d)(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?!\d)")


@dataclass(frozen=True, slots=True)
class Dated:
    """A moment, in which words it was said, and by which element. `at` is None where the words cannot be read or believed."""

    at: datetime | None = None
    raw: str | None = None
    source: str | None = None


def choose_date(said: Iterable[tuple[str, str]], now: datetime) -> Dated:
    """Of dates as (source, raw), the best one first, the first that can be read and believed; else the first, unread."""
    first = Dated()
    for source, raw in said:
        when = parse_date(raw)
        found = Dated(when if when and is_believable(when, now) else None, raw, source)
        if found.at:
            return found
        first = found if first.source is None else first
    return first


def parse_date(raw: str) -> datetime | None:
    """The moment `raw` names, as aware UTC, or None where it names none. Never raises."""
    text = raw.strip()[:_MAX_CHARS]
    if not text or len(raw) > 2 * _MAX_CHARS:
        return None
    try:
        return _epoch(text) or _iso(text) or _words(text.lower()) or _words(_COMMENT.sub(" ", text.lower()))
    except (ValueError, OverflowError):
        return None


def is_believable(when: datetime, now: datetime) -> bool:
    """Whether something can have been published then: not before the web, not in the future."""
    return _EARLIEST <= when <= now + _LATEST


def _epoch(text: str) -> datetime | None:
    found = _EPOCH.fullmatch(text)
    return datetime.fromtimestamp(int(found[1]), UTC) if found else None


def _iso(text: str) -> datetime | None:
    if compact := _COMPACT.fullmatch(text):
        return _moment(int(compact[1]), int(compact[2]), int(compact[3]), compact[4])
    if ordinal := _ORDINAL.fullmatch(text):
        first = _moment(int(ordinal[1]), 1, 1, ordinal[3] or "")
        when = first + timedelta(days=int(ordinal[2]) - 1)
        return when if when.year == first.year else None
    found = _ISO.match(text)
    if not found:
        return None
    year, month, day = int(found[1]), found[3] or found[5] or 1, found[4] or found[6] or 1
    return _moment(year, int(month), int(day), found[7] or "")


def _words(text: str) -> datetime | None:
    """Dates with the month as a word, and those that only their signs tell from others."""
    for pattern, (day, name, year) in ((_DAY_MONTH, (1, 2, 3)), (_MONTH_DAY, (2, 1, 3)), (_YEAR_FIRST, (3, 2, 1))):
        for found in pattern.finditer(text):
            month = _MONTH_NUMBERS.get(found[name]) or _MONTH_NUMBERS.get(found[name][:3])
            if month:
                # The asctime form has its time before the year, and some write it before the date.
                places = (text[found.end() :], text[found.start(2) :], text[: found.start()])
                rest = next((place for place in places if _TIME.search(place.lstrip(" ,"))), "")
                return _moment(_full_year(found[year]), month, int(found[day]), rest)
    return _german(text) or _eastern(text) or _with_slashes(text)


def _eastern(text: str) -> datetime | None:
    found = _EASTERN.match(text)
    if not found:
        return None
    half = _HALF_OF_DAY.match(found[4])
    rest = found[4] if not half else f"{half[2]} {'am' if half[1] in ('오전', '午前', '上午') else 'pm'}"
    return _moment(int(found[1]), int(found[2]), int(found[3]), rest)


def _with_slashes(text: str) -> datetime | None:
    """Some write the day first, some the month: only what can be read one way counts."""
    found = _SLASHES.search(text)
    if not found:
        return None
    first, second = sorted((int(found[1]), int(found[2])))
    is_plain = second > 12 or first == second  # noqa: PLR2004
    return _moment(int(found[3]), first, second, text[found.end() :]) if is_plain else None


def _german(text: str) -> datetime | None:
    found = _GERMAN.search(text)
    return _moment(int(found[3]), int(found[2]), int(found[1]), text[found.end() :]) if found else None


def _full_year(year: str) -> int:
    """Two digits mean 1970–2069, as in POSIX."""
    number = int(year)
    return number if len(year) > 2 else number + (2000 if number < 70 else 1900)  # noqa: PLR2004


def _moment(year: int, month: int, day: int, rest: str) -> datetime:
    """The moment on a day, with the time and zone that `rest` begins with (midnight UTC where it has none)."""
    rest = rest.lstrip(" ,")
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
