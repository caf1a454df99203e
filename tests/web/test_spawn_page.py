"""The spawn page shows what a person may start, why not the rest, and nothing smuggled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import TermId
from e2xhub.domain.offers import OfferList, Registry
from e2xhub.web.spawn_page import SpawnPage
from tests.web.browsers import translator_of


@dataclass
class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip() and self.elements[-1][0] not in ("script", "style"):
            self.texts.append(" ".join(data.split()))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def radios(self) -> list[str | None]:
        return [item["value"] for item in self.all("input") if item["type"] == "radio"]

    @property
    def checked(self) -> list[str | None]:
        return [item["value"] for item in self.all("input") if "checked" in item]

    @property
    def selected(self) -> list[str | None]:
        return [item["value"] for item in self.all("option") if "selected" in item]


class Render(Protocol):
    """Renders the page of somebody who is offered `listed`; `chosen` is their last choice."""

    def __call__(
        self, listed: OfferList, *, language: str = "en_US", university: str = "U", **chosen: Any
    ) -> Page: ...


@pytest.fixture(scope="session")
def render(small_catalog: Catalog, in_winter_term: datetime) -> Render:
    """The page on a day in winter."""

    def render_it(
        listed: OfferList, *, language: str = "en_US", university: str = "U", **chosen: Any
    ) -> Page:
        return parse(
            SpawnPage(
                listed=listed,
                catalog=small_catalog.model_copy(update={"university": university}),
                now=in_winter_term,
                chosen=chosen,
                translator=translator_of(language),
            )
        )

    return render_it


def parse(spawn_page: SpawnPage) -> Page:
    page = Page()
    page.feed(spawn_page.render())
    page.close()
    return page


@pytest.fixture
def listed(assignment_hub: Registry, in_winter_term: datetime) -> OfferList:
    """What Alice may start, and one course that is not open."""
    return assignment_hub.offers_for("alice", in_winter_term)


LEARNING, DATABASES = "machine-learning/WS26/student", "databases/WS26/student"


def test_page_has_a_card_for_each_offer(render: Render, listed: OfferList) -> None:
    page = render(listed)
    assert page.radios == [LEARNING, DATABASES]
    for text in ("Choose your server", "Machine Learning", "Winter 2026/27", "student", "Start"):
        assert text in page.texts


def test_page_tells_why_not_the_rest(render: Render, listed: OfferList) -> None:
    page = render(listed)
    assert page.texts[-3:] == [
        "Not available now",
        "Machine Learning, SS27",
        "Opens on 1 April 2027.",
    ]


def test_page_of_a_german_browser_is_german(render: Render, listed: OfferList) -> None:
    page = render(listed, language="de")
    assert page.all("div")[0]["lang"] == "de"
    assert "Wählen Sie Ihren Server" in page.texts
    assert "Studium" in page.texts
    assert page.texts[-1] == "Beginnt am 01.04.2027."


@pytest.mark.parametrize(
    ("chosen", "checked"),
    [
        ({}, LEARNING),
        ({"profile": DATABASES}, DATABASES),
        ({"profile": "gone"}, LEARNING),
        ({"profile": None}, LEARNING),
    ],
)
def test_last_choice_is_preselected_or_else_the_first_offer(
    render: Render, listed: OfferList, chosen: dict[str, Any], checked: str
) -> None:
    assert render(listed, **chosen).checked == [checked]


def test_sizes_are_offered_where_there_are_several(render: Render, listed: OfferList) -> None:
    page = render(listed)
    assert [item["name"] for item in page.all("select")] == [f"size:{LEARNING}"]
    assert [item["value"] for item in page.all("option")] == ["small", "large"]


@pytest.mark.parametrize(
    ("profile", "selected"), [(LEARNING, ["large"]), (DATABASES, []), (None, ["large"])]
)
def test_last_size_is_preselected_on_the_card_of_the_last_offer(
    render: Render, listed: OfferList, profile: str | None, selected: list[str]
) -> None:
    assert render(listed, profile=profile, size="large").selected == selected


def test_every_control_has_a_label(render: Render, listed: OfferList) -> None:
    page = render(listed)
    labelled = {item["for"] for item in page.all("label")}
    controls = {item["id"] for item in [*page.all("input"), *page.all("select")]}
    assert labelled == controls


def test_single_offer_needs_no_choice(
    render: Render, assignment_hub: Registry, in_winter_term: datetime
) -> None:
    page = render(assignment_hub.offers_for("oscar", in_winter_term))
    assert "Your server" in page.texts
    assert page.checked == ["databases/WS26/observer"]


def test_stranger_reads_whom_to_ask(
    render: Render, assignment_hub: Registry, in_winter_term: datetime
) -> None:
    page = render(assignment_hub.offers_for("mallory", in_winter_term))
    assert "Nothing to start at the moment" in page.texts
    assert page.texts[-1] == (
        "You are not on any list here. If you take a course, ask the people who teach it to add "
        "you."
    )
    assert page.all("button") == []


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        (
            "en_US",
            "Nothing on this hub is meant for you; your courses or exams are on another one. "
            "Ask the people who teach you for its address.",
        ),
        (
            "de",
            "Auf diesem Hub ist nichts für Sie; Ihre Kurse oder Prüfungen sind auf einem anderen. "
            "Fragen Sie die Lehrenden nach dessen Adresse.",
        ),
    ],
)
def test_who_has_courses_on_another_hub_only_reads_so(
    render: Render, grading_hub: Registry, in_winter_term: datetime, language: str, sentence: str
) -> None:
    page = render(grading_hub.offers_for("alice", in_winter_term), language=language)
    assert page.texts[-1] == sentence
    assert page.all("button") == []


def test_who_has_refusals_only_reads_them_alone(
    render: Render, exam_hub: Registry, in_winter_term: datetime
) -> None:
    page = render(exam_hub.offers_for("ben", in_winter_term))
    assert page.texts[-4:] == [
        "Nothing to start at the moment",
        "Not available now",
        "Machine Learning, first exam",
        "The exam opens on 15 February 2027 at 08:45.",
    ]
    assert page.all("button") == []


@pytest.fixture
def make_page(small_catalog: Catalog, in_winter_term: datetime) -> Callable[..., SpawnPage]:
    """The page on a day in winter, with fields of its own."""

    def make_it(listed: OfferList, **fields: Any) -> SpawnPage:
        common: dict[str, Any] = {
            "catalog": small_catalog,
            "now": in_winter_term,
            "chosen": {},
            "translator": translator_of("en_US"),
        }
        return SpawnPage(listed=listed, **{**common, **fields})

    return make_it


MakePage = Callable[..., SpawnPage]


def seconds_until_start(page: Page) -> list[str | None]:
    return [item["data-seconds"] for item in page.all("div") if "data-seconds" in item]


def test_only_offer_starts_by_itself(
    make_page: MakePage, assignment_hub: Registry, in_winter_term: datetime
) -> None:
    oscars = assignment_hub.offers_for("oscar", in_winter_term)
    page = parse(make_page(oscars, auto_start_seconds=7))
    assert seconds_until_start(page) == ["7"]
    assert "Cancel" in page.texts


def test_nothing_starts_by_itself_where_the_hub_says_never(
    make_page: MakePage, assignment_hub: Registry, in_winter_term: datetime
) -> None:
    oscars = assignment_hub.offers_for("oscar", in_winter_term)
    assert seconds_until_start(parse(make_page(oscars, auto_start_seconds=0))) == []


def test_choice_between_offers_waits_for_the_person(make_page: MakePage, listed: OfferList) -> None:
    assert seconds_until_start(parse(make_page(listed, auto_start_seconds=7))) == []


def test_read_only_server_of_a_term_that_is_over_waits_for_the_person(
    make_page: MakePage, listed: OfferList, in_winter_term: datetime
) -> None:
    over = replace(listed.offers[0], readable_until=in_winter_term)
    alone = OfferList(offers=(over,), refusals=(), is_known=True)
    assert seconds_until_start(parse(make_page(alone, auto_start_seconds=7))) == []


@pytest.mark.parametrize(
    ("language", "ahead", "over"),
    [
        (
            "en_US",
            "The exam ends on 15 February 2027 at 10:30: "
            "what is handed in is there only if you start the server after that.",
            "The exam ended on 15 February 2027 at 10:30: "
            "if you start the server now, what was handed in is there.",
        ),
        (
            "de_DE",
            "Die Prüfung endet am 15.02.2027 um 10:30 Uhr: "
            "Was abgegeben wird, ist erst da, wenn Sie den Server danach starten.",
            "Die Prüfung endete am 15.02.2027 um 10:30 Uhr: "
            "Wenn Sie den Server jetzt starten, ist da, was abgegeben wurde.",
        ),
    ],
)
def test_grader_reads_from_when_what_was_handed_in_is_there(
    small_catalog: Catalog, grading_hub: Registry, language: str, ahead: str, over: str
) -> None:
    end = datetime(2027, 2, 15, 10, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    for now, sentence in ((end - timedelta(seconds=1), ahead), (end, over)):
        page = SpawnPage(
            listed=grading_hub.offers_for("gina", now),
            catalog=small_catalog,
            now=now,
            chosen={},
            translator=translator_of(language),
        )
        assert sentence in parse(page).texts


@pytest.mark.parametrize(("count", "has_search"), [(7, False), (8, True)])
def test_eight_offers_are_searched(
    make_page: MakePage, listed: OfferList, count: int, has_search: bool
) -> None:
    offers = tuple(replace(listed.offers[0], slug=f"offer-{index}") for index in range(count))
    many = OfferList(offers=offers, refusals=(), is_known=True)
    page = parse(make_page(many))
    assert len(page.radios) == count
    searches = [item for item in page.all("input") if item["type"] == "search"]
    assert bool(searches) is has_search


def test_terms_have_headings_where_there_are_several(
    make_page: MakePage, listed: OfferList
) -> None:
    learning, databases = listed.offers
    coming = replace(learning, term=TermId("SS27"), slug="coming", subtitle="SS27")
    both = OfferList(offers=(coming, databases, learning), refusals=(), is_known=True)
    page = parse(make_page(both))
    assert page.radios == [DATABASES, LEARNING, "coming"]
    assert page.texts.count("Winter 2026/27") == 1
    assert page.texts.count("SS27") == 1
    assert "(not begun yet)" in page.texts


def test_one_term_needs_no_heading(render: Render, listed: OfferList) -> None:
    assert "e2x-term" not in {item.get("class") for item in render(listed).all("h2")}


ALICES_SERVER = "/user/alice/"


def test_offer_that_runs_already_is_opened_and_another_one_preselected(
    make_page: MakePage, listed: OfferList
) -> None:
    running = {LEARNING: ALICES_SERVER}
    page = parse(make_page(listed, chosen={"profile": LEARNING}, running=running))
    assert page.radios == [LEARNING, DATABASES]
    assert page.checked == [DATABASES]
    assert [item["value"] for item in page.all("input") if "disabled" in item] == [LEARNING]
    assert page.all("a") == [{"href": ALICES_SERVER}]
    assert page.texts.count("This server runs already.") == 1
    assert page.all("select") == [], "its size cannot be chosen any more"


def test_nothing_is_started_where_everything_runs(make_page: MakePage, listed: OfferList) -> None:
    running = dict.fromkeys((LEARNING, DATABASES), ALICES_SERVER)
    page = parse(make_page(listed, running=running))
    assert page.checked == []
    assert page.all("button") == []
    assert page.all("script") == []
    assert page.texts.count("Open it") == 2


def test_only_offer_does_not_start_by_itself_where_it_runs(
    make_page: MakePage, assignment_hub: Registry, in_winter_term: datetime
) -> None:
    oscars = assignment_hub.offers_for("oscar", in_winter_term)
    running = {oscars.offers[0].slug: "/user/oscar/"}
    assert (
        seconds_until_start(parse(make_page(oscars, auto_start_seconds=7, running=running))) == []
    )


def test_who_is_refused_reads_whom_to_ask(
    make_page: MakePage, small_catalog: Catalog, listed: OfferList
) -> None:
    defaults = small_catalog.defaults.model_copy(update={"contact": "Room 2.14"})
    catalog = small_catalog.model_copy(update={"defaults": defaults})
    assert parse(make_page(listed, catalog=catalog)).texts[-1] == "Whom to ask: Room 2.14"


def test_who_is_refused_nothing_is_sent_to_nobody(
    make_page: MakePage, small_catalog: Catalog, listed: OfferList
) -> None:
    defaults = small_catalog.defaults.model_copy(update={"contact": "Room 2.14"})
    catalog = small_catalog.model_copy(update={"defaults": defaults})
    all_well = replace(listed, refusals=())
    assert parse(make_page(all_well, catalog=catalog)).texts[-1] == "Start"


_HOSTILE = st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x>', "' onfocus='x", "{{ 7*7 }}", "&lt;", "</div>"]
)


@given(title=_HOSTILE, university=_HOSTILE | st.text(max_size=20))
def test_hostile_texts_are_shown_as_texts(
    render: Render, assignment_hub: Registry, title: str, university: str
) -> None:
    now = datetime.fromisoformat("2026-11-02T10:00+01:00")
    plain = assignment_hub.offers_for("alice", now)
    offers = tuple(replace(offer, title=title, subtitle=title) for offer in plain.offers)
    refusals = tuple(replace(refusal, title=title) for refusal in plain.refusals)
    hostile = OfferList(offers=offers, refusals=refusals, is_known=True)
    page, expected = render(hostile, university=university), render(plain)
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in expected.elements]
    assert [set(found) for _, found in page.elements] == [
        set(found) for _, found in expected.elements
    ]
