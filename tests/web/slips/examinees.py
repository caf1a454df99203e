"""Slips of people whose names are in many scripts, too long, or written to do harm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.passwords import ALPHABET
from e2xhub.domain.slips import Slip, Slips

NAMES = (
    ("Anna", "Müller"),
    ("محمد عبد الرحمن", "الخوارزمي"),
    ("דָּוִד", "בן־גוריון"),
    ("अर्जुन", "श्रीवास्तव"),
    ("小明", "王"),
    ("さくら", "山田 太郎"),
    ("Nguyễn Thị", "Minh Khai"),
    ("<script>document.title='x'</script>", "<b>Bobby</b> & Söhne"),
    (
        "Karl-Theodor Maria Nikolaus Johann Jacob Philipp",
        "von und zu Guttenberg-Schleswig-Holstein",
    ),
    ("X" * 100, "W" * 100),
    ("Z\u0334\u0327\u0322\u031b\u0353\u0333\u0308\u0301", "T\u0335e\u0336s\u0337t"),
    ("", "علي Smith"),
    ("", ""),
)
WITHOUT_A_FONT = "\U0010fff0\U0010fff1"
"""For private use: no font of a machine has them."""
_NINE = datetime(2027, 2, 15, 9, 0, tzinfo=timezone(timedelta(hours=1)))


def code_of(number: int) -> str:
    """A code that only the slip of this number has."""
    digits = [ALPHABET[(number * 7 + place * (number + 3)) % 32] for place in range(6)]
    return f"{number:04d}{digits[0]}-{''.join(digits[1:])}"


def slips_of(names: Sequence[tuple[str, str]], *, room: str = "Hall 1") -> Slips:
    """One slip for each of `names`, numbered from 0: `u0` on seat 0, and so on."""
    return slips_with(
        Slip(
            username=Username(f"u{number}"),
            code=code_of(number),
            ends_at=_NINE + timedelta(minutes=90),
            first_name=first,
            last_name=last,
            room=room,
            seat=str(number),
        )
        for number, (first, last) in enumerate(names)
    )


def slips_with(slips: object, *, title: str = "Machine Learning") -> Slips:
    """Slips of an exam that starts at nine."""
    return Slips.model_validate(
        {
            "exam": ExamId("ml-pz1"),
            "title": title,
            "university": "Example University",
            "hub_address": "https://exam.example.org/",
            "opens_at": _NINE - timedelta(minutes=15),
            "starts_at": _NINE,
            "slips": tuple(slips),  # type: ignore[arg-type]
        }
    )
