"""What can be kept of a title besides its main facts and credits, each when it is asked for.

`domain.details.items` has the kinds of items. Most runs have no use for them, and to make so many
classes takes time: they are loaded with the first detail.
"""

from domain.details.detail import Detail, DetailName, item_of
from domain.details.item import Field, Item, Kind, Range, fields_of

__all__ = ["Detail", "DetailName", "Field", "Item", "Kind", "Range", "fields_of", "item_of"]
