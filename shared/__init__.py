"""Settings and logging: used by every layer, uses none of them."""
