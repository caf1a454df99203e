"""The demo cluster's node: schedules pods and runs them as local processes, as a client of the API.

`node` follows the API and schedules; `pod_worker` lives one pod, `container_life` one container;
`sandbox` is what a container sees of the machine.
"""
