"""Which groups a person is in, and what they are called on the hub.

Settings of `LDAPAuthenticator`; those of jupyterhub-ldapauthenticator keep its names where they
mean the same.
"""

from __future__ import annotations

from traitlets import Dict, Enum, HasTraits, List, Unicode


class GroupTraits(HasTraits):
    """The settings of `LDAPAuthenticator` that are about groups."""

    allowed_groups = List(
        Unicode(),
        allow_none=True,
        default_value=None,
        config=True,
        help="""
        Groups whose members may sign in, by DN, or by name. Empty, the default: no group admits
        anybody. A name stands for the group directly below `group_search_base`, or for the one that
        `group_names` calls so; groups of that name in other branches do not count.

        Whom another setting admits (`allow_all`, `allowed_users`) comes in besides; where no
        setting does, nobody comes in. Case and blanks of a DN do not count::

            c.LDAPAuthenticator.allowed_groups = ["cn=students,ou=groups,dc=example,dc=org"]
        """,
    ).tag(allow_config=True)
    admin_groups = List(
        Unicode(),
        config=True,
        help="""
        Groups whose members are the hub's admins, named as in `allowed_groups`. Once it is set, it
        decides at each sign-in and refresh: whoever is in none of them, and not in `admin_users`,
        is admin no longer. Empty, the default: groups make nobody an admin, nor take it away.

        An admin sees and does everything on the hub. Who may put people into these groups?
        """,
    )
    group_search_base = Unicode(
        config=True,
        help="""
        Where groups are searched, with all branches below: `ou=groups,dc=example,dc=org`. Empty,
        the default: only the groups that `allowed_groups`, `admin_groups` and `group_names` name,
        and those of `memberOf`, are known. Of more than 500 groups of a person those count that the
        settings name, then those closest to this base.

        Whoever may create groups below it decides what they are called on the hub.
        """,
    )
    group_search_filter = Unicode(
        config=True,
        help="""
        The filter that finds a person's groups; `{userdn}` is the escaped DN, `{uid}` the escaped
        username. Empty, the default: made of `group_attributes`, such as
        `(|(member={userdn})(uniqueMember={userdn})(memberUid={uid}))`.
        """,
    )
    group_attributes = List(
        Unicode(),
        default_value=["member", "uniqueMember", "memberUid"],
        config=True,
        help="""
        Which attributes say who is in a group: `member`, `uniqueMember` and `memberUid` of the
        group, and `memberOf` of the person, which Active Directory and many others keep up to date.
        """,
    )
    group_name_attribute = Unicode(
        "cn",
        config=True,
        help="""
        The attribute that is the group's name on the hub, `cn` by default; `dn` takes the whole DN.
        Names in `allowed_groups` and `admin_groups` are the first part of a DN with this attribute.
        Names that two branches share are one group on the hub: take `dn`, or `group_names`.
        """,
    )
    group_names = Dict(
        value_trait=Unicode(),
        key_trait=Unicode(),
        config=True,
        help="""
        The hub's names of single groups, by their DN. Empty, the default: `group_name_attribute`
        names all of them::

            c.LDAPAuthenticator.group_names = {
                "cn=maths,ou=groups,dc=example,dc=org": "lms.maths.WS26.student",
            }
        """,
    )
    nested_groups = Enum(
        ("off", "active_directory", "walk"),
        "off",
        config=True,
        help="""
        Whether members of a group that is in another group are members of that one, too: `off`, the
        default; `active_directory`, which lets its server follow them; `walk`, which follows them
        from group to group, for every other directory.
        """,
    )
