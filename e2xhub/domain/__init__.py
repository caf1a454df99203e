"""The rules of e2xhub: what a university declares, and what follows from it for one person.

Pure: no files, no network, no clock (`now` is an argument), and no JupyterHub, Kubernetes or SQL.
"""
