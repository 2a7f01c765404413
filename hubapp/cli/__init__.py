"""The commands of `hub`, a module each: `app` where it has sub-commands, else `main`. Heavy imports stand inside the commands."""
