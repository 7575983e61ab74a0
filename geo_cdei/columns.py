"""The columns of every table, once.

A function that returns a frame names its columns here, its docstring points here, and one test per function
compares the two. Units are part of the name: ``_km``, ``_km2``, ``_deg``; money is in 100 million yuan
(亿元), scores are points out of 100, shares are fractions of 1.
"""

from __future__ import annotations
