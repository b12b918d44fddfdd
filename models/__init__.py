"""What a pathway is: the facts people report, the limits in force, and the rules; no input or output."""
