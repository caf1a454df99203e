"""From offers to Kubernetes objects: profiles, pods, NetworkPolicies."""
