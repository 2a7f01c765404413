"""Why a finding says what it says: from its stored revisions, the facts it rests on and the thresholds in force. Pure."""
