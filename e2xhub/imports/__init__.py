"""Rosters and catalogs that come from elsewhere: learning platforms, LTI, existing deployments."""
