"""The program's name and version, as told to users and to the sites that it asks."""

PROGRAM = "imdb-title-collector"
VERSION = "0.1.0"
