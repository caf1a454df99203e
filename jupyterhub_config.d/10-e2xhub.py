# Makes this hub an e2xhub: what is offered to whom comes from the catalog and the roster that the
# chart's value custom.e2xhub names. Runs after the chart's own configuration and adds to it.
from e2xhub import configure

configure(c, get_config("custom.e2xhub", {}))
