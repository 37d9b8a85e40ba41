"""Graph -> text that a person would write."""
