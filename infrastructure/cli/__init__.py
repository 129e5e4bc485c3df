"""The command line: commands, progress, summary and exit statuses."""
