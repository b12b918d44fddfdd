"""What a pathway is: the facts people report, the limits in force, and the rules, with no input or output of their own."""
