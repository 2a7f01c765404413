"""What is open or was a short while ago. Key: patient, device and condition, folded. Written by agents.patients alone."""

from __future__ import annotations

from hubapp.app import app
from hubapp.topics import PATIENTS

episodes = app.Table("episodes", writer=PATIENTS)
