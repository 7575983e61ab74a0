"""The steps of a run: what each takes from the ones before, and the tables it gives.

They hold no arithmetic: they hand frames to the functions of :mod:`geo_cdei.analysis`, where siblings do not
know each other, and put the answers into tables.
"""
