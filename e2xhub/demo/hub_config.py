# The jupyterhub_config.py of the demo's hubs. It stands for what the zero-to-jupyterhub chart sets
# and does: its settings first, then every file of jupyterhub_config.d in one namespace, in which
# `c` is the configuration and `get_config` looks up values of the chart.
import os
from pathlib import Path

import yaml

values = yaml.safe_load(Path(os.environ["E2XHUB_DEMO_VALUES"]).read_text(encoding="utf-8"))


def get_value(key, default=None):
    """The chart's value at a dotted key, such as `custom.e2xhub`."""
    found = values
    for part in key.split("."):
        if not isinstance(found, dict) or part not in found:
            return default
        found = found[part]
    return found


port = get_value("demo.port")
c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{port + 2}"
c.JupyterHub.cleanup_servers = True
c.JupyterHub.allow_named_servers = False
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 1}"
c.ConfigurableHTTPProxy.command = get_value("demo.proxyCommand")

c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.KubeSpawner.namespace = "default"
c.KubeSpawner.cmd = ["jupyterhub-singleuser"]
c.KubeSpawner.profile_list = []
c.KubeSpawner.volumes = {}
c.KubeSpawner.volume_mounts = {}
c.KubeSpawner.pod_name_template = f"jupyter-{get_value('demo.name')}-{{user_server}}"
c.KubeSpawner.common_labels = {"app": "jupyterhub", "release": get_value("demo.name")}
c.KubeSpawner.extra_labels = {"hub.jupyter.org/network-access-hub": "true"}
c.KubeSpawner.delete_grace_period = 5
# A laptop that starts several servers at once is slower than the machines of a cluster.
c.KubeSpawner.http_timeout = 120

if accounts := get_value("demo.accounts"):
    # On the exam hub this is how staff sign in, and e2xhub's own is the hub's authenticator.
    if get_value("custom.e2xhub.hub") != "exam":
        c.JupyterHub.authenticator_class = "shared-password"
    c.SharedPasswordAuthenticator.user_password = accounts["password"]
    c.SharedPasswordAuthenticator.allowed_users = set(accounts["usernames"])

# What a sign-in service would say.
c.JupyterHub.load_groups = get_value("demo.groups", {})

namespace = {"c": c, "get_config": get_value}
for file in sorted(Path(get_value("demo.configDirectory")).glob("*.py")):
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), namespace)
