"""A replica of a small part of IMDb, served on loopback: for tests, benchmarks and a first look.

It shows real facts (see `demo.facts`) in pages of our own making that have the structure of
IMDb's pages as of late 2025. It shares no code with the scraper, so that neither can hide the
other's mistakes.
"""
