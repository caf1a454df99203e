"""What the role URIs of LTI 1.3 are called here: from a member's roles to ours.

The vocabulary is https://www.imsglobal.org/spec/lti/v1p3/#role-vocabularies (section A.2). Only
context roles count: who is a teacher of the institution is not thereby a teacher of this course.
Fetching members is `imports.lti.members`' business.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from e2xhub.domain.roles import Role

_VOCABULARY = "http://purl.imsglobal.org/vocab/lis/v2/membership"
_PERSON_VOCABULARIES = (
    "http://purl.imsglobal.org/vocab/lis/v2/system/person#",
    "http://purl.imsglobal.org/vocab/lis/v2/institution/person#",
    "http://purl.imsglobal.org/vocab/lis/v2/person#",  # of Moodle's site administrators
)
_TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#testuser"

_PRINCIPAL_ROLES = {
    "learner": Role.STUDENT,
    "instructor": Role.INSTRUCTOR,
    "teachingassistant": Role.GRADER,  # a principal role in LIS, still sent by some platforms
}
_LEFT_OUT = frozenset(
    # A mentor may be a parent (Canvas: observer), who must not see other people's work; the
    # others have no counterpart here. Whoever shall have a role is added by hand.
    {"administrator", "contentdeveloper", "manager", "member", "mentor", "officer"}
)
_INSTRUCTOR_SUB_ROLES = {
    "instructor": Role.INSTRUCTOR,
    "externalinstructor": Role.INSTRUCTOR,
    "guestinstructor": Role.INSTRUCTOR,
    "lecturer": Role.INSTRUCTOR,
    "primaryinstructor": Role.INSTRUCTOR,
    "secondaryinstructor": Role.INSTRUCTOR,
    "grader": Role.GRADER,
    "teachingassistant": Role.GRADER,
    "teachingassistantgroup": Role.GRADER,
    "teachingassistantoffering": Role.GRADER,
    "teachingassistantsection": Role.GRADER,
    "teachingassistantsectionassociation": Role.GRADER,
    "teachingassistanttemplate": Role.GRADER,
}

_MOST_SHOWN = 5
_SHOWN_LENGTH = 100

_ContextRole = tuple[str, str]
"""The principal role and the sub-role (or ""), in lower case."""


def parse_lti_roles(uris: Sequence[str], *, ignored: Collection[str] = ()) -> tuple[Role, ...]:
    """Our roles for a member's `uris`, without repetition; empty: the person is to be left out.

    A sub-role comes together with its principal role (Canvas sends `Instructor#TeachingAssistant`
    and `#Instructor` for a teaching assistant), so that the principal role alone says nothing
    where one of its sub-roles is there, too. Left out are test users (`TestUser`), people of whose
    context roles none has a counterpart (such as `Mentor`), and those in `ignored`, which names
    further roles as the platform writes them. Raises ValueError where no role is known.
    """
    written = [uri.lower() for uri in uris]
    if _TEST_USER in written:
        return ()
    left_out = {uri.lower() for uri in ignored}
    context = {uri: role for uri in written if (role := _parse_context_role(uri))}
    kept = [role for role in context.values() if not _is_told_by_sub_role(role, context.values())]
    found = [ours for role in kept if (ours := _our_role(role)) is not None]
    if found:
        return tuple(dict.fromkeys(found))
    without_meaning = left_out | {uri for uri, (name, _) in context.items() if name in _LEFT_OUT}
    if not without_meaning.isdisjoint(written) and all(
        uri in without_meaning or uri.startswith(_PERSON_VOCABULARIES) for uri in written
    ):
        return ()
    raise ValueError(_explain(uris))


def _parse_context_role(uri: str) -> _ContextRole | None:
    """`…membership#Learner`, `…membership/Instructor#Grader`, and both without the vocabulary.

    The short forms are deprecated, but sent by Moodle.
    """
    if uri.startswith(_VOCABULARY):
        principal, _, sub_role = uri.removeprefix(_VOCABULARY).partition("#")
        if not principal:
            return (sub_role, "")
        if principal.startswith("/") and sub_role:
            return (principal[1:], sub_role)
        return None
    if ":" in uri or "/" in uri:
        return None
    principal, _, sub_role = uri.partition("#")
    return (principal, sub_role)


def _is_told_by_sub_role(role: _ContextRole, all_roles: Collection[_ContextRole]) -> bool:
    name, sub_role = role
    return not sub_role and any(other == name and sub for other, sub in all_roles)


def _our_role(role: _ContextRole) -> Role | None:
    name, sub_role = role
    if name == "instructor" and sub_role:
        return _INSTRUCTOR_SUB_ROLES.get(sub_role)
    return _PRINCIPAL_ROLES.get(name)


def _explain(uris: Sequence[str]) -> str:
    if not uris:
        return "the member has no role; expected one such as 'Learner' or 'Instructor'"
    shown = ", ".join(repr(uri[:_SHOWN_LENGTH]) for uri in uris[:_MOST_SHOWN])
    return (
        f"no role of the member in the course is known: {shown}; expected a context role of "
        "LTI 1.3, such as 'Learner' or 'Instructor'"
    )
