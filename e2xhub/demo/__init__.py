"""A small university and a cluster in a process: try e2xhub without Kubernetes.

`campus` starts and ends everything: `sample_university` writes a catalog and a roster, `cluster`
joins the API server (`api`) with the one node (`node`) that runs pods as local processes, `hubs`
runs three JupyterHubs. It is no cluster: `docs/topics/demo-cluster.md` says what is missing.
"""
