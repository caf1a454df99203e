"""One container as a local process that sees a machine of its own.

The package runs in two processes. The node imports `spec` to write down what a container is;
`launcher` is started afresh for every container, reads that description and becomes the container.
It needs nothing but the standard library, so that a container starts in a few hundredths of a
second.

It isolates what a demo can isolate without privileges: files, processes, users and System V IPC.
The network is the machine's own. Which volumes and environment a container gets is decided by the
node.
"""
