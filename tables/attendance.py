"""Who was there, for each episode that is remembered. Key: as episodes. Written by agents.patients alone."""

from __future__ import annotations

from hubapp.app import app
from hubapp.topics import PATIENTS

attendance = app.Table("attendance", writer=PATIENTS)
