"""Reading: tables, names, boundaries, memberships."""
