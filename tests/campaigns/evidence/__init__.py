"""The page that says what the project claims, how to check it, and how the last check ended."""
