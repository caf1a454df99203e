"""Where catalogs, rosters and exam records are kept: files and SQL."""
