"""What `hub doctor` looks at: each check is one line, good, bad or unknown. Nothing is changed."""
