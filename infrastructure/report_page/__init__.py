"""The report: one HTML page with plots and tables, which needs nothing but a browser."""

from infrastructure.report_page.page import page_of

__all__ = ["page_of"]
