"""Which alarm sounded, who was authenticated then, and what was done about it. For oversight, not for alarming."""
