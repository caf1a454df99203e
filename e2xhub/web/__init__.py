"""Pages: their templates, their words in German and English, and their handlers."""
