"""``python -m geo_cdei`` is ``geo-cdei``."""

from geo_cdei.cli import main

main()
