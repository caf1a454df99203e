"""The part of the Kubernetes API that KubeSpawner and e2xhub use, in memory.

`server` speaks HTTP; `authentication` and `authorization` say who may ask; `object_registry`
creates, changes and deletes objects by the rules in the `*_validation` modules; `object_store`
keeps them with their versions. Nothing here runs a pod.
"""
