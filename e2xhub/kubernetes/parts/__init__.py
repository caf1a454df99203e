"""The parts of a pod that an offer brings with it, as Kubernetes and KubeSpawner spell them."""
