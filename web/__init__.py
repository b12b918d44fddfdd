"""The pages on which providers and advisers answer what they owe."""
