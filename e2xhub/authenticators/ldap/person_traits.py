"""How a person is found in the directory, and what is kept of the entry.

Settings of `LDAPAuthenticator`; those of jupyterhub-ldapauthenticator keep its names where they
mean the same.
"""

from __future__ import annotations

from traitlets import Bool, HasTraits, List, Unicode, Union


class PersonTraits(HasTraits):
    """The settings of `LDAPAuthenticator` that are about one person's entry."""

    bind_dn_template = Union(
        [Unicode(), List(Unicode())],
        config=True,
        help="""
        The DN of a person, with `{username}` in the place of the username; or a list, whose DNs are
        tried one after the other. The username is escaped. Needed unless `lookup_dn` is set; with
        it, a DN of another entry than the one that was looked up is not tried::

            c.LDAPAuthenticator.bind_dn_template = "uid={username},ou=people,dc=example,dc=org"
        """,
    )
    valid_username_regex = Unicode(
        r"^[a-z][.a-z0-9_-]*$",
        config=True,
        help="""
        What a typed username has to match as a whole, in lower case, before the directory is asked.
        Everything is escaped besides. Where usernames begin with a digit, as matriculation numbers
        do, or are addresses of mail::

            c.LDAPAuthenticator.valid_username_regex = "^[a-z0-9][.@a-z0-9_-]*$"
        """,
    )
    lookup_dn = Bool(
        False,
        config=True,
        help="""
        Whether the person's entry is looked up (`user_search_base`, `user_attribute`) before its
        password is tried, instead of made with `bind_dn_template`. Active Directory needs it, and
        so do people in several branches. False, the default.
        """,
    )
    user_search_base = Unicode(
        config=True,
        help="""
        Where people are looked up, with all branches below: `ou=people,dc=example,dc=org`. Needed
        with `lookup_dn`.
        """,
    )
    user_attribute = Unicode(
        config=True,
        help="""
        The attribute that has the username: `uid` of OpenLDAP, `sAMAccountName` of Active
        Directory. Needed with `lookup_dn`.
        """,
    )
    lookup_dn_search_filter = Unicode(
        "({login_attr}={login})",
        config=True,
        help="""
        The filter by which a person is looked up; `{login_attr}` is `user_attribute`, `{login}` the
        escaped username. With `use_lookup_dn_username` it needs both: people are looked up by their
        name on the hub as well. It must find one entry: whoever it finds twice is refused. To look
        up active accounts alone::

            c.LDAPAuthenticator.lookup_dn_search_filter = (
                "(&({login_attr}={login})(!(shadowExpire=1)))"
            )
        """,
    )
    lookup_dn_search_user = Unicode(
        config=True,
        help="""
        The DN of the service account that looks people up; it needs the right to read people and
        groups, and no other. Empty, the default: nobody, where the directory lets strangers search.

        With it a person's groups are asked anew while they are signed in (`auth_refresh_age`), and
        who has left is signed out; without it both wait until the next sign-in.
        """,
    )
    lookup_dn_search_password = Unicode(
        config=True,
        help="""
        The service account's password. Leave it out of files: set the hub's environment variable
        `E2XHUB_LDAP_PASSWORD` from a Secret, or `lookup_dn_search_password_file`.
        """,
    )
    lookup_dn_search_password_file = Unicode(
        config=True,
        help="""
        A file that has the service account's password and nothing else; it may be a Secret that is
        mounted. An end of line is not part of it. Not together with `lookup_dn_search_password`.
        """,
    )
    lookup_dn_user_dn_attribute = Unicode(
        config=True,
        help="""
        The attribute whose value replaces the username in `bind_dn_template`, and with
        `use_lookup_dn_username` is the hub's. Empty, the default: `user_attribute`.
        """,
    )
    use_lookup_dn_username = Bool(
        False,
        config=True,
        help="""
        Whether the hub's username is the value of `lookup_dn_user_dn_attribute`, and not what was
        typed: where people sign in with an address of mail and have a username besides; let "@"
        through `valid_username_regex` then. False, the default.

        The value has to be one person's alone below `user_search_base`, and none that people can
        set themselves; where a second entry has it, nobody signs in by it.
        """,
    )
    search_filter = Unicode(
        config=True,
        help="""
        A filter that a person's entry has to match besides; who does not is refused, whatever else
        would admit them. `{userattr}` is `user_attribute`, `{username}` the escaped username::

            c.LDAPAuthenticator.search_filter = "(&({userattr}={username})(employeeType=staff))"
        """,
    )
    attributes = List(
        Unicode(),
        config=True,
        help="""
        Without effect: jupyterhub-ldapauthenticator asks for these attributes together with
        `search_filter`, and hands them on to nobody. Use `auth_state_attributes`.
        """,
    )
    escape_userdn = Bool(
        False,
        config=True,
        help="""
        Without effect, as in jupyterhub-ldapauthenticator 2: everything is escaped.
        """,
    )
    auth_state_attributes = List(
        Unicode(),
        config=True,
        help="""
        Attributes of the entry that are kept in `auth_state["user_attributes"]`, each as a list of
        texts, where `enable_auth_state` is set::

            c.LDAPAuthenticator.auth_state_attributes = ["displayName", "mail"]
        """,
    )
