"""A small university and a cluster in a process: try e2xhub without Kubernetes.

``api_server`` serves the part of the Kubernetes API that KubeSpawner and e2xhub use; ``node`` is
its client and runs each pod as local processes. It is no cluster: `docs/topics/demo-cluster.md`
says what is missing.
"""
