"""What nodes have, and what the pods on them ask for."""
