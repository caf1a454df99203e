"""The desk of those who teach: what stands behind the pages of courses, without any page.

`desk.CourseDesk` is what pages use; `plans` says what a list changes, `changes` makes it, `access`
asks `domain.course_staff` who may. It knows rosters, lists of other systems and the audit log, and
neither JupyterHub nor Kubernetes.
"""
