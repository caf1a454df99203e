"""Signing in through a university's service: OpenID Connect, by any class of OAuthenticator.

`settings` says what an admin declares, `discovery` asks the service where its pages are, `id_token`
and `accounts` decide who somebody is, and `authenticator` adds that to the class that was chosen.
OAuthenticator itself is needed by `authenticator`, `choosing` and `id_token` alone: hubs without
single sign-on have none.
"""
