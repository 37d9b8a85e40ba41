"""Graph + values -> picture. Where things go (`layout`) is apart from what they look like (`svg`)."""
