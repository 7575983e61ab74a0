"""Writing: tables, layers, pages."""
