"""Where rosters are kept: CSV files or a database, behind one interface."""
