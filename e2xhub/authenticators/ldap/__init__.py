"""Signing in with a university's directory (LDAP, RFC 4511).

`directory` asks the servers, and knows nothing of JupyterHub; `authenticator` is JupyterHub's side:

    c.JupyterHub.authenticator_class = "e2x-ldap"

From the bottom up: `settings` and `refusals`; `sockets` (time limits, TLS) and `session` (the only
module that calls ldap3); `bind_answers` and `entries` (what a server means); `servers` and
`service_sessions` (which server, which connection); `people` and `groups`; `directory` and
`explaining`.
"""
