"""Ways to fetch the same pages, all with the parts of the project around them.

Every module is a program of its own that does the whole job. Reading a page and saving titles are
the project's (`job`), so that only the way of fetching differs.
"""
