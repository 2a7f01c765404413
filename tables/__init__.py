"""The tables: bytes by key, each written by the agent of one topic alone."""
