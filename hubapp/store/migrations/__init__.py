"""Numbered SQL: what is released is never changed, a change is the next number."""
