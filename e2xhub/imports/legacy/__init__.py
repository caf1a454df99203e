"""Existing e2x deployments, in every layout that they have had: read once, to move from them.

`importer` is the way in. Files are read by `source_files`, `user_lists` and `yaml_files`; what they
mean is found by `layouts`, `hub_files`, `settings`, `hub_lists` and `exam_sheets`; `catalog_parts`,
`mounts` and `servers` say it in the catalog's words; `writer` and `report` write it.
"""
