"""One file a question of a user."""
