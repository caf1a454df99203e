"""Which directory is asked, how its connection is protected, and how long anybody waits for it.

Settings of `LDAPAuthenticator`; those of jupyterhub-ldapauthenticator keep its names where they
mean the same.
"""

from __future__ import annotations

from traitlets import Bool, Dict, Enum, Float, HasTraits, Integer, List, Unicode, Union


class ServerTraits(HasTraits):
    """The settings of `LDAPAuthenticator` that are about servers and time."""

    server_address = Union(
        [Unicode(), List(Unicode())],
        config=True,
        help="""
        The directory's server: a host name, `host:port`, or a list of them. Needed.

        Of several, the first one that answers is asked, and one that did not answer is left out for
        half a minute. Use the name that is in the server's certificate, not its address::

            c.LDAPAuthenticator.server_address = ["ldap1.example.org", "ldap2.example.org"]
        """,
    )
    server_port = Integer(
        0,
        min=0,
        max=65535,
        config=True,
        help="""
        The port of servers that `server_address` names without one. 0, the default: 636 where
        `tls_strategy` is `on_connect`, else 389.
        """,
    )
    tls_strategy = Enum(
        ("before_bind", "on_connect", "insecure"),
        "before_bind",
        config=True,
        help="""
        How the connection is encrypted: `before_bind` (STARTTLS, the default), `on_connect`
        (LDAPS), or `insecure`, not at all.

        With `insecure` everybody's password can be read on its way; use it on 127.0.0.1 alone.
        """,
    )
    tls_kwargs = Dict(
        config=True,
        help="""
        What jupyterhub-ldapauthenticator hands to ldap3's `Tls`. Only `ca_certs_file` is taken,
        as `ca_file`; every other key stops the hub with a sentence that says what to set.
        """,
    )
    verify_certificates = Bool(
        True,
        config=True,
        help="""
        Whether the server's certificate is checked: signed by a known authority, in its time, and
        for the host in `server_address`. True, the default.

        False sends every password to whoever poses as the server; no test of anything is worth it.
        Give the authority with `ca_file` instead.
        """,
    )
    ca_file = Unicode(
        config=True,
        help="""
        A PEM file with the authorities that may sign the server's certificate; empty, the default:
        those of the system. Mount it with `hub.extraFiles`::

            c.LDAPAuthenticator.ca_file = "/etc/e2xhub/ldap-ca.pem"
        """,
    )
    connect_seconds = Float(
        5.0,
        min=0.1,
        max=60,
        config=True,
        help="""
        How many seconds a server has to accept a connection. 5, the default, is long in one
        building; of several servers each one has this time.
        """,
    )
    answer_seconds = Float(
        5.0,
        min=0.1,
        max=60,
        config=True,
        help="""
        How many seconds a server has to answer one question. 5, the default; a directory that needs
        longer lacks an index for `user_attribute` or for the members of groups.
        """,
    )
    total_seconds = Float(
        15.0,
        min=0.5,
        max=120,
        config=True,
        help="""
        How many seconds a sign-in may take in all, with the time that it waits for a thread. 15,
        the default; then the person reads that the directory cannot be asked (503).
        """,
    )
    max_threads = Integer(
        10,
        min=1,
        max=200,
        config=True,
        help="""
        How many people's sign-ins are made at the same time, each with a connection of its own. 10,
        the default, are about a hundred sign-ins a second with a directory that answers quickly.

        As many people who are signed in are asked about besides, in threads and with connections of
        their own: with 10 these are at most 20 threads, 20 connections in use, and 4 idle ones to
        each server, for each hub. Count with that where the directory limits the connections of an
        address.
        """,
    )
    max_waiting = Integer(
        500,
        min=0,
        max=10000,
        config=True,
        help="""
        How many sign-ins may wait for a thread; whoever comes then reads at once that it is not
        possible at the moment (503). 500, the default: a large lecture within a few seconds. As
        many questions about people who are signed in may wait besides.
        """,
    )
