"""The store: hub logs and derived topics -> PostgreSQL, each fact and finding once; what was is asked here."""
