"""The members of a course by LTI 1.3 Names and Role Provisioning Services."""
