"""The report of a study: blocks with traced numbers, written as a page for print and as a Word file."""
