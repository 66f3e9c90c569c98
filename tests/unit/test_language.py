"""Languages of texts and of tags."""

import pytest

from ingest.language import detect, normal_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The harbour was closed on Friday because of the storm, and the ferries stayed in port.", "en"),
        ("Der Hafen blieb am Freitag wegen des Sturms geschlossen, die Fähren blieben im Hafen.", "de"),
        ("Le port est resté fermé vendredi à cause de la tempête, et les bateaux sont restés à quai.", "fr"),
        ("В пятницу порт был закрыт из-за шторма, и паромы остались у причала до утра.", "ru"),
        ("金曜日は嵐のため港が閉鎖され、フェリーは終日港にとどまりました。次の便は土曜日の朝に出る予定です。", "ja"),
        ("Too short to tell", None),
        ("2025 1200 55 % 3,50 " * 50, None),
        ("", None),
    ],
)
def test_language_is_told_where_there_is_enough_to_tell(text: str, code: str | None) -> None:
    assert detect(text) == code
    assert detect(text) == code


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en-GB", "en"), ("EN_us", "en"), (" de ", "de"), ("gsw", "gsw"), ("english", None), ("", None), (None, None)],
)
def test_tag_is_reduced_to_its_language(tag: str | None, code: str | None) -> None:
    assert normal_code(tag) == code
