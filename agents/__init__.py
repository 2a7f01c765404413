"""The agents, one for each source topic and one for the log of patients; the worker imports every module here."""
