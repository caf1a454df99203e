"""Existing e2x deployments, in every layout that they have had: read once, to move from them.

`importer` is the way in. `source_files` and `user_lists` read files; what they mean is found by
`layouts` and `exam_lists` (which share `listings`), `hub_files`, `legacy_settings`, `path_names`
and `semesters`, and is a `deployment` then; `people` decides who of it gets on a roster. In the
catalog's words `catalog_parts`, `places`, `exchanges` and `sizes` say it; `writer` and `report`
write it.
"""
