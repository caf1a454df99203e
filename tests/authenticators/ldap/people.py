"""Who is in the directory of the tests, and in which groups.

Everybody's password is `password_of(uid)`. See `tests/authenticators/ldap/slapd.py`.
"""

from __future__ import annotations

from tests.log_search import SEARCH

BASE = "dc=example,dc=org"
PEOPLE = f"ou=people,{BASE}"
ALUMNI = f"ou=alumni,{BASE}"
GROUPS = f"ou=groups,{BASE}"
PUBLIC = f"ou=public,{BASE}"
"""Whoever asks may read it, without a password."""
SERVICE_DN = f"cn=hub,ou=services,{BASE}"
ROOT_DN = f"cn=root,{BASE}"
REFERRAL = f"ou=elsewhere,{BASE}"


def password_of(name: str) -> str:
    """Not one that a log may contain."""
    password = f"Kennwort-von-{name}!"
    SEARCH.keep_secret(password)
    return password


def make_people(port: int) -> str:
    """LDIF for `slapadd`; the referral leads back to this server, which listens on `port`."""
    return "\n".join(
        (
            f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Example\n",
            *(
                f"dn: ou={name},{BASE}\nobjectClass: organizationalUnit\n"
                for name in ("people", "alumni", "groups", "services", "policies", "public")
            ),
            f"dn: {SERVICE_DN}\nobjectClass: applicationProcess\n"
            f"objectClass: simpleSecurityObject\nuserPassword: {password_of('hub')}\n",
            _policy("default", "pwdMaxFailure: 0"),
            _policy("three-guesses", "pwdMaxFailure: 3"),
            _policy("one-day", "pwdMaxAge: 86400\npwdGraceAuthNLimit: 0"),
            _policy("with-grace", "pwdMaxAge: 86400\npwdGraceAuthNLimit: 2"),
            _person("alice", "Alice Ärmel", mail="alice@example.org"),
            _person("ben", "Ben"),
            _person("gina", "Gina Grader"),
            _person("ito", "Ito, Kenji (Prof.)", dn=f"cn=Ito\\, Kenji (Prof.),{PEOPLE}"),
            _person("jürgen", "Jürgen Groß"),
            _person("zoe", "Zoe One"),
            _person("zoe", "Zoe Two", dn=f"uid=zoe,{ALUMNI}"),
            _person("lars", "Lars Locked", more="pwdAccountLockedTime: 000001010000Z\n"),
            _person("erik", "Erik Expired", more=_old_password("one-day")),
            _person("greta", "Greta Grace", more=_old_password("with-grace")),
            _person("mia", "Mia Must", more="pwdReset: TRUE\n"),
            _person("nadia", "Nadia No-Password", password=None),
            _person("ulf", "Ulf Unlucky", more=_has_policy("three-guesses")),
            _person("pia", "Pia Public", dn=f"uid=pia,{PUBLIC}"),
            f"dn: {REFERRAL}\nobjectClass: referral\nobjectClass: extensibleObject\n"
            f"ref: ldap://127.0.0.1:{port}/{BASE}??sub\n",
        )
    )


def make_groups() -> str:
    """LDIF for `ldapadd`, while the server runs: `slapadd` would fill no `memberOf`."""
    return "\n".join(
        (
            _group("math101-students", f"uid=alice,{PEOPLE}", f"uid=ben,{PEOPLE}"),
            _group("graders", f"uid=gina,{PEOPLE}", f"cn=Ito\\, Kenji (Prof.),{PEOPLE}"),
            _group("staff", f"cn=graders,{GROUPS}"),
            _group("Everybody, (staff & co)", f"cn=staff,{GROUPS}"),
            _group("admins", f"cn=Ito\\, Kenji (Prof.),{PEOPLE}"),
            _group("ring-a", f"cn=ring-b,{GROUPS}", f"uid=ben,{PEOPLE}"),
            _group("ring-b", f"cn=ring-a,{GROUPS}"),
            f"dn: cn=observers,{GROUPS}\nobjectClass: groupOfUniqueNames\n"
            f"uniqueMember: uid=gina,{PEOPLE}\n",
            f"dn: cn=shell-users,{GROUPS}\nobjectClass: posixGroup\ngidNumber: 5000\n"
            "memberUid: alice\n",
        )
    )


def _person(
    uid: str,
    name: str,
    *,
    dn: str = "",
    mail: str = "",
    password: str | None = "",
    more: str = "",
) -> str:
    lines = [
        f"dn: {dn or f'uid={uid},{PEOPLE}'}",
        "objectClass: inetOrgPerson",
        f"cn: {name}",
        f"sn: {name.split()[-1]}",
        f"uid: {uid}",
        *([f"mail: {mail}"] if mail else []),
        *([] if password is None else [f"userPassword: {password_of(uid)}"]),
    ]
    return "\n".join(lines) + "\n" + more


def _policy(name: str, settings: str) -> str:
    return (
        f"dn: cn={name},ou=policies,{BASE}\nobjectClass: applicationProcess\n"
        f"objectClass: pwdPolicy\npwdAttribute: userPassword\npwdLockout: TRUE\n"
        f"pwdMustChange: TRUE\n{settings}\n"
    )


def _old_password(policy: str) -> str:
    return f"pwdChangedTime: 20200101000000Z\n{_has_policy(policy)}"


def _has_policy(policy: str) -> str:
    return f"pwdPolicySubentry: cn={policy},ou=policies,{BASE}\n"


def _group(name: str, *members: str) -> str:
    escaped = name.replace(",", "\\,")
    lines = [
        f"dn: cn={escaped},{GROUPS}",
        "objectClass: groupOfNames",
        f"cn: {name}",
        *(f"member: {member}" for member in members),
    ]
    return "\n".join(lines) + "\n"
